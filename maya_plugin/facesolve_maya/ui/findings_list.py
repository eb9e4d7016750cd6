"""What the check before a solve found: severity, node, sentence, remedy. Knows the model and Qt, nothing of maya."""

from __future__ import annotations

from typing import Any, Tuple

from facesolve.take.finding import Finding, gravest_first

from .qt import Qt, QtCore, QtGui, QtWidgets, Signal, has, text_flags
from .style import GOOD, QUIET, dot, scaled, severity_icon


class FindingsList(QtWidgets.QListWidget):
    """One entry for each finding, worst first. Emits ``node_chosen(node)`` on a double click."""

    node_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setResizeMode(QtWidgets.QListView.ResizeMode.Adjust)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSpacing(1)
        self.setItemDelegate(_FindingDelegate(self))
        self.itemDoubleClicked.connect(self._choose)

    def show_findings(self, rows: Tuple[Finding, ...]) -> None:
        """Fills the list; one line says so when there is nothing to say."""
        self.clear()
        for row in gravest_first(rows):
            lead = "{}: ".format(row.subject) if row.subject else ""  # sentences say "it" of the node
            item = QtWidgets.QListWidgetItem(severity_icon(row.severity), lead + row.sentence)
            item.setData(Qt.ItemDataRole.UserRole, row.subject)
            item.setData(_FindingDelegate.REMEDY, row.remedy)
            if row.subject:
                item.setToolTip("Double-click selects {}.".format(row.subject))
            self.addItem(item)
        if not rows:
            self.addItem(QtWidgets.QListWidgetItem(dot(GOOD), "No problems: ready to solve."))

    def _choose(self, item: QtWidgets.QListWidgetItem) -> None:
        if item.data(Qt.ItemDataRole.UserRole):
            self.node_chosen.emit(item.data(Qt.ItemDataRole.UserRole))

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        """Qt's hook: the rows' heights depend on the width."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()


class _FindingDelegate(QtWidgets.QStyledItemDelegate):
    """Draws the sentence and, below it in a quiet color, the remedy; both wrap."""

    REMEDY = Qt.ItemDataRole.UserRole + 1

    def paint(self, painter: QtGui.QPainter, option: Any, index: Any) -> None:
        """Qt's hook."""
        self.initStyleOption(option, index)
        painter.save()
        if has(option.state, QtWidgets.QStyle.StateFlag.State_Selected):
            painter.fillRect(option.rect, option.palette.highlight())
        icon, gap = scaled(16, option.widget), scaled(4, option.widget)
        option.icon.paint(painter, QtCore.QRect(option.rect.left() + gap, option.rect.top() + gap, icon, icon))
        text = option.rect.adjusted(icon + 2 * gap, gap, -gap, -gap)
        painter.setPen(option.palette.text().color())
        painter.drawText(text, self._flags(), option.text)
        remedy = index.data(self.REMEDY)
        if remedy:
            painter.setPen(QtGui.QColor(QUIET))
            used = option.fontMetrics.boundingRect(text, self._flags(), option.text).height()
            painter.drawText(text.adjusted(0, used + 1, 0, 0), self._flags(), remedy)
        painter.restore()

    def sizeHint(self, option: Any, index: Any) -> QtCore.QSize:
        """Qt's hook."""
        widget = option.widget
        icon, gap = scaled(16, widget), scaled(4, widget)
        width = widget.viewport().width() - icon - 3 * gap - 2 * widget.spacing()
        box = QtCore.QRect(0, 0, max(width, 40), 10000)
        height = option.fontMetrics.boundingRect(box, self._flags(), index.data()).height()
        remedy = index.data(self.REMEDY)
        if remedy:
            height += option.fontMetrics.boundingRect(box, self._flags(), remedy).height() + 1
        return QtCore.QSize(width, max(height, icon) + 2 * gap)

    @staticmethod
    def _flags() -> int:
        return text_flags(Qt.TextFlag.TextWordWrap, Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignTop)
