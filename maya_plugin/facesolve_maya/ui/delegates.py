"""Editors for cells of the controls tree: a list of choices and a number. Knows only Qt."""

from __future__ import annotations

from typing import Any, Callable, List, Tuple

from .qt import Qt, QtCore, QtWidgets


class ChoiceDelegate(QtWidgets.QStyledItemDelegate):
    """A drop-down list; the item's UserRole holds the value, its text shows it."""

    def __init__(self, choices: Callable[[QtCore.QModelIndex], List[Tuple[str, str]]], parent: QtCore.QObject) -> None:
        """``choices`` gives (value, text) pairs for a cell."""
        super().__init__(parent)
        self._choices = choices

    def createEditor(self, parent: QtWidgets.QWidget, option: Any, index: Any) -> QtWidgets.QComboBox:
        """Qt's hook: the drop-down list, opened at once."""
        editor = QtWidgets.QComboBox(parent)
        for value, text in self._choices(index):
            editor.addItem(text, value)
        editor.activated.connect(lambda _: self._commit(editor))
        QtCore.QTimer.singleShot(0, editor.showPopup)
        return editor

    def setEditorData(self, editor: Any, index: Any) -> None:
        """Qt's hook: shows the cell's value."""
        editor.setCurrentIndex(max(editor.findData(index.data(Qt.ItemDataRole.UserRole)), 0))

    def setModelData(self, editor: Any, model: QtCore.QAbstractItemModel, index: Any) -> None:
        """Qt's hook: writes the chosen value."""
        model.setData(index, editor.currentData(), Qt.ItemDataRole.UserRole)

    def _commit(self, editor: QtWidgets.QComboBox) -> None:
        self.commitData.emit(editor)
        self.closeEditor.emit(editor)


class NumberDelegate(QtWidgets.QStyledItemDelegate):
    """A number in UserRole, edited with a spin box."""

    def __init__(self, maximum: float, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._maximum = maximum

    def createEditor(self, parent: QtWidgets.QWidget, option: Any, index: Any) -> QtWidgets.QDoubleSpinBox:
        """Qt's hook: a spin box from 0 to the maximum."""
        editor = QtWidgets.QDoubleSpinBox(parent)
        editor.setRange(0.0, self._maximum)
        editor.setDecimals(2)
        editor.setSingleStep(0.25)
        editor.setFrame(False)
        return editor

    def setEditorData(self, editor: Any, index: Any) -> None:
        """Qt's hook: shows the cell's value."""
        editor.setValue(float(index.data(Qt.ItemDataRole.UserRole) or 0.0))

    def setModelData(self, editor: Any, model: QtCore.QAbstractItemModel, index: Any) -> None:
        """Qt's hook: writes the number."""
        editor.interpretText()
        model.setData(index, editor.value(), Qt.ItemDataRole.UserRole)
