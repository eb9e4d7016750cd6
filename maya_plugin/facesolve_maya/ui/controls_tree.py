"""The rig's controls by region, with what the user decided about each. Knows the model and Qt, nothing of maya."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Tuple

from facesolve.take.regions import group_by_region, partner_of
from facesolve_maya.scene.choices import FREE, LOCKED, OVER, PINNED

from .delegates import ChoiceDelegate, NumberDelegate
from .model import MAX_STIFFNESS, ControlChoice, ControlRow
from .qt import Qt, QtCore, QtGui, QtWidgets, Signal, both, has
from .style import BAD_TEXT, CAUTION, NOTE_TEXT, QUIET, scaled

NAME, KEYS, STIFFNESS, PARTNER = range(4)
_KEY_TEXTS = {FREE: "—", PINNED: "pins", LOCKED: "locked", OVER: "over the rig"}
_KEY_CHOICES = [
    (FREE, "Ignore keys"),
    (PINNED, "Keep keys as pins"),
    (LOCKED, "Lock to the curve"),
    (OVER, "Key over what drives it"),
]
_FIELDS = {KEYS: "keys", STIFFNESS: "stiffness", PARTNER: "symmetric"}


class ControlsTree(QtWidgets.QTreeWidget):
    """Emits ``chosen(names, choices)`` when the user changed something; an edit applies to all selected rows."""

    chosen = Signal(list, list)

    def __init__(self) -> None:
        super().__init__()
        self._rows: Dict[str, ControlRow] = {}
        self.items_by_name: Dict[str, QtWidgets.QTreeWidgetItem] = {}
        self._choices: Dict[str, ControlChoice] = {}
        self._filling = False
        self.setHeaderLabels(["Control", "Keys", "Stiffness", "Mirror of"])
        header = self.headerItem()
        header.setToolTip(NAME, "Ticked controls are solved; the others stay as they are at the first frame.")
        header.setToolTip(
            KEYS,
            "What keys in the scene mean: nothing, pins to pass through, or a curve to follow.\n"
            "What the scene drives in a way that cannot be read may be keyed over that.",
        )
        header.setToolTip(STIFFNESS, "How strongly the control is held at its default. 1 is normal.")
        header.setToolTip(PARTNER, "The control on the other side that must have the same value.")
        self.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setUniformRowHeights(True)
        self.setAlternatingRowColors(True)
        self.setIndentation(scaled(14, self))
        self.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setItemDelegateForColumn(KEYS, ChoiceDelegate(lambda index: _KEY_CHOICES, self))
        self.setItemDelegateForColumn(STIFFNESS, NumberDelegate(MAX_STIFFNESS, self))
        self.setItemDelegateForColumn(PARTNER, ChoiceDelegate(self.partners, self))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self.itemChanged.connect(self._edited)
        self.itemClicked.connect(self._clicked)
        columns = self.header()
        columns.setMinimumSectionSize(scaled(30, self))
        columns.setStretchLastSection(True)
        # A name is never cut off: what does not fit beside it scrolls.
        for column in (NAME, KEYS, STIFFNESS):
            columns.setSectionResizeMode(column, QtWidgets.QHeaderView.ResizeMode.ResizeToContents)

    def show_controls(self, rows: Tuple[ControlRow, ...]) -> None:
        """Fills the tree; regions are open."""
        self._filling = True
        self.clear()
        self._rows = {row.name: row for row in rows}
        self.items_by_name = {}
        for region, names in group_by_region(self._rows):
            parent = QtWidgets.QTreeWidgetItem(self, [region])
            parent.setFlags(
                both(Qt.ItemFlag.ItemIsEnabled, Qt.ItemFlag.ItemIsUserCheckable, Qt.ItemFlag.ItemIsAutoTristate)
            )
            font = parent.font(NAME)
            font.setBold(True)
            parent.setFont(NAME, font)
            for name in names:
                self.items_by_name[name] = self._add(parent, self._rows[name])
            parent.setExpanded(True)
        self._filling = False

    def show_choices(self, choices: Dict[str, ControlChoice]) -> None:
        """Shows what was decided; controls that are not in ``choices`` have the default."""
        self._filling = True
        self._choices = dict(choices)
        for name, item in self.items_by_name.items():
            self._paint(item, self._rows[name], self._choices.get(name, ControlChoice()))
        self._filling = False

    def filter(self, text: str) -> None:
        """Hides controls whose name does not contain ``text``, and regions left empty."""
        wanted = text.strip().lower()
        parents: List[Any] = [self.topLevelItem(index) for index in range(self.topLevelItemCount())]
        for parent in parents:
            visible = 0
            for row in range(parent.childCount()):
                item = parent.child(row)
                hidden = wanted not in item.text(NAME).lower()
                item.setHidden(hidden)
                visible += not hidden
            parent.setHidden(visible == 0)

    def item(self, name: str) -> QtWidgets.QTreeWidgetItem:
        """The row of a control."""
        return self.items_by_name[name]

    def selected_names(self) -> List[str]:
        """Selected controls in the tree's order."""
        return [name for name, item in self.items_by_name.items() if item.isSelected()]

    def _add(self, parent: QtWidgets.QTreeWidgetItem, row: ControlRow) -> QtWidgets.QTreeWidgetItem:
        item = QtWidgets.QTreeWidgetItem(parent, [row.name])
        item.setData(NAME, Qt.ItemDataRole.UserRole, row.name)
        flags = [Qt.ItemFlag.ItemIsSelectable]
        if not row.obstacle:
            flags += [Qt.ItemFlag.ItemIsEnabled, Qt.ItemFlag.ItemIsUserCheckable, Qt.ItemFlag.ItemIsEditable]
        item.setFlags(both(*flags))
        tip = "{}\nrange {:g} to {:g}".format(row.plug or row.name, row.minimum, row.maximum)
        for extra in (row.driver and "driven by: {}".format(row.driver), row.obstacle):
            tip += "\n" + extra if extra else ""
        item.setToolTip(NAME, tip)
        return item

    def _paint(self, item: QtWidgets.QTreeWidgetItem, row: ControlRow, choice: ControlChoice) -> None:
        solved = choice.active and not row.obstacle
        item.setCheckState(NAME, Qt.CheckState.Checked if solved else Qt.CheckState.Unchecked)
        item.setData(KEYS, Qt.ItemDataRole.UserRole, choice.keys)
        item.setText(KEYS, _KEY_TEXTS[choice.keys])
        item.setData(STIFFNESS, Qt.ItemDataRole.UserRole, choice.stiffness)
        item.setText(STIFFNESS, "{:g}".format(choice.stiffness))
        item.setData(PARTNER, Qt.ItemDataRole.UserRole, choice.symmetric or "")
        item.setText(PARTNER, choice.symmetric or "—")
        palette = self.palette().color(QtGui.QPalette.ColorRole.Text)
        normal = palette if solved else QtGui.QColor(QUIET)
        item.setForeground(NAME, QtGui.QColor(BAD_TEXT) if row.obstacle else normal)
        item.setForeground(KEYS, QtGui.QColor({LOCKED: CAUTION, PINNED: NOTE_TEXT}.get(choice.keys, QUIET)))
        item.setForeground(STIFFNESS, normal if choice.stiffness != 1.0 else QtGui.QColor(QUIET))
        item.setForeground(PARTNER, normal if choice.symmetric else QtGui.QColor(QUIET))

    def partners(self, index: QtCore.QModelIndex) -> List[Tuple[str, str]]:
        name = index.sibling(index.row(), NAME).data(Qt.ItemDataRole.UserRole)
        likely = partner_of(name, list(self._rows))
        others = sorted(other for other in self._rows if other not in (name, likely))
        return [("", "None")] + [(other, other) for other in ([likely] if likely else []) + others]

    def _clicked(self, item: QtWidgets.QTreeWidgetItem, column: int) -> None:
        if column in _FIELDS and has(item.flags(), Qt.ItemFlag.ItemIsEditable):
            self.editItem(item, column)

    def _edited(self, item: QtWidgets.QTreeWidgetItem, column: int) -> None:
        name = item.data(NAME, Qt.ItemDataRole.UserRole)
        if self._filling or name is None:
            return
        if column == NAME:
            self._apply(name, "active", item.checkState(NAME) == Qt.CheckState.Checked)
        elif column in _FIELDS:
            value = item.data(column, Qt.ItemDataRole.UserRole)
            self._apply(name, _FIELDS[column], (value or None) if column == PARTNER else value)

    def _apply(self, name: str, field: str, value: Any) -> None:
        """Changes one field of ``name``, and of the whole selection when ``name`` is part of it."""
        selected = self.selected_names()
        # One partner cannot be that of several controls; a tick on a region arrives here control by control.
        together = name in selected and field != "symmetric"
        names = selected if together else [name]
        choices = [replace(self._choices.get(n, ControlChoice()), **{field: value}) for n in names]
        if any(self._choices.get(n, ControlChoice()) != choice for n, choice in zip(names, choices)):
            self._choices.update(zip(names, choices))
            self.chosen.emit(names, choices)

    def _show_menu(self, point: QtCore.QPoint) -> None:
        names = self.selected_names()
        if not names:
            return
        menu = QtWidgets.QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, field, value in (
            ("Solve", "active", True),
            ("Leave as they are", "active", False),
            ("Ignore keys", "keys", FREE),
            ("Keep keys as pins", "keys", PINNED),
            ("Lock to the curve", "keys", LOCKED),
            ("Key over what drives it", "keys", OVER),
            ("Normal stiffness", "stiffness", 1.0),
        ):
            menu.addAction(text).triggered.connect(lambda *_, f=field, v=value: self._apply(names[0], f, v))
        menu.addAction("Mirror left and right").triggered.connect(lambda *_: self._mirror(names))
        menu.popup(self.viewport().mapToGlobal(point))

    def _mirror(self, names: List[str]) -> None:
        for name in names:
            partner = partner_of(name, list(self._rows))
            # One of the two follows the other; both would be the same wish said twice.
            if partner is not None and self._choices.get(partner, ControlChoice()).symmetric != name:
                self._apply(name, "symmetric", partner)
