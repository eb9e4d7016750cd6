"""The cameras with their footage, thumbnails and problems. Knows the model and Qt, nothing of maya."""

from __future__ import annotations

import os
from functools import partial
from typing import Dict, Tuple

from .model import CameraRow
from .qt import Qt, QtCore, QtGui, QtWidgets, Signal, both
from .style import BAD_TEXT, scaled
from .thumbnails import Thumbnails

CAMERA, FOOTAGE = range(2)
ROWS = 6  # that are seen without scrolling
_FILTER = "Footage (*.jpg *.jpeg *.png *.tif *.tiff *.exr *.dpx *.bmp *.mov *.mp4 *.avi *.mkv *.seq);;All files (*)"


class CamerasTable(QtWidgets.QTreeWidget):
    """Emits ``used(name, bool)`` for a tick, ``footage_chosen(name, path)``; an empty path means the image plane's."""

    used = Signal(str, bool)
    footage_chosen = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._filling = False
        self._items: Dict[str, QtWidgets.QTreeWidgetItem] = {}
        self._picture = QtCore.QSize(scaled(64, self), scaled(50, self))
        self.thumbnails = Thumbnails(self._picture - QtCore.QSize(2, 4), self)
        self.setHeaderLabels(["Camera", "Footage"])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setIconSize(self._picture)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.SingleSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self.itemChanged.connect(self._edited)
        self.itemDoubleClicked.connect(lambda item, _: self.browse(item.data(CAMERA, Qt.ItemDataRole.UserRole)))
        self.header().setStretchLastSection(True)
        self.setColumnWidth(CAMERA, scaled(176, self))

    def show_cameras(self, rows: Tuple[CameraRow, ...], skipped: Tuple[str, ...]) -> None:
        """Fills the table; thumbnails follow by and by."""
        self._filling = True
        self.thumbnails.forget()
        self.clear()
        self._items = {}
        for row in rows:
            item = QtWidgets.QTreeWidgetItem(self)
            self._items[row.name] = item
            item.setData(CAMERA, Qt.ItemDataRole.UserRole, row.name)
            flags = [Qt.ItemFlag.ItemIsSelectable, Qt.ItemFlag.ItemIsEnabled]
            item.setFlags(both(*flags, Qt.ItemFlag.ItemIsUserCheckable) if row.footage else both(*flags))
            used = bool(row.footage) and row.name not in skipped
            item.setCheckState(CAMERA, Qt.CheckState.Checked if used else Qt.CheckState.Unchecked)
            size = "{} x {}".format(row.width, row.height) if row.width else "size unknown"
            item.setText(CAMERA, "{}\n{}".format(row.name, size))
            name = os.path.basename(row.footage) if row.footage else "no footage: double-click to choose"
            item.setText(FOOTAGE, "{}\n{}".format(name, row.problem or os.path.dirname(row.footage)))
            item.setToolTip(FOOTAGE, "\n".join(part for part in (row.footage, row.problem) if part))
            if row.problem:
                item.setForeground(FOOTAGE, QtGui.QColor(BAD_TEXT))
            item.setIcon(CAMERA, QtGui.QIcon(self._placeholder()))
            if row.picture:
                self.thumbnails.request(row.picture, partial(self._show_picture, item))
        shown = min(max(len(rows), 1), ROWS)
        self.setFixedHeight(self.header().sizeHint().height() + shown * (self._picture.height() + 4) + 6)
        self._filling = False

    def item(self, name: str) -> QtWidgets.QTreeWidgetItem:
        """The row of a camera."""
        return self._items[name]

    def _show_picture(self, item: QtWidgets.QTreeWidgetItem, pixmap: QtGui.QPixmap) -> None:
        framed = self._placeholder()
        painter = QtGui.QPainter(framed)
        painter.drawPixmap((framed.width() - pixmap.width()) // 2, (framed.height() - pixmap.height()) // 2, pixmap)
        painter.end()
        filling, self._filling = self._filling, True  # a picture that is known already comes while the table is filled
        item.setIcon(CAMERA, QtGui.QIcon(framed))
        self._filling = filling

    def _placeholder(self) -> QtGui.QPixmap:
        pixmap = QtGui.QPixmap(self._picture)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QtGui.QPainter(pixmap)
        painter.fillRect(pixmap.rect().adjusted(1, 2, -1, -2), QtGui.QColor("#1e1e1e"))
        painter.end()
        return pixmap

    def _edited(self, item: QtWidgets.QTreeWidgetItem, column: int) -> None:
        if not self._filling and column == CAMERA:
            self.used.emit(
                item.data(CAMERA, Qt.ItemDataRole.UserRole), item.checkState(CAMERA) == Qt.CheckState.Checked
            )

    def _show_menu(self, point: QtCore.QPoint) -> None:
        item = self.itemAt(point)
        if item is None:
            return
        name = item.data(CAMERA, Qt.ItemDataRole.UserRole)
        menu = QtWidgets.QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Choose footage…").triggered.connect(lambda *_: self.browse(name))
        menu.addAction("Use the image plane's footage").triggered.connect(lambda *_: self.footage_chosen.emit(name, ""))
        menu.popup(self.viewport().mapToGlobal(point))

    def browse(self, name: str) -> None:
        """Asks for the footage of a camera."""
        dialog = QtWidgets.QFileDialog(self, "Footage of {}: one image of the sequence, or a video".format(name))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QtWidgets.QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(_FILTER)
        dialog.fileSelected.connect(lambda path: self.footage_chosen.emit(name, path))
        dialog.open()
