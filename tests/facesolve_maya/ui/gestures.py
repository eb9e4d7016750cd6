"""A mouse for tests of widgets, without a display."""

import pytest


def qt():
    from facesolve_maya.ui import qt as module

    return module


def click(widget, point=None, modifier=None):
    Qt = qt().Qt
    test = pytest.importorskip(qt().QtCore.__name__.split(".")[0] + ".QtTest").QTest
    where = widget.rect().center() if point is None else point
    test.mouseClick(widget, Qt.LeftButton, Qt.NoModifier if modifier is None else modifier, where)


def drag(widget, start, end, modifier):
    """A drag with the left button: QTest's moves carry no button, so the events are made here."""
    QtCore, QtGui, QtWidgets, Qt = qt().QtCore, qt().QtGui, qt().QtWidgets, qt().Qt
    kinds = QtCore.QEvent
    for kind, point, button, buttons in (
        (kinds.MouseButtonPress, start, Qt.LeftButton, Qt.LeftButton),
        (kinds.MouseMove, end, Qt.NoButton, Qt.LeftButton),
        (kinds.MouseButtonRelease, end, Qt.LeftButton, Qt.NoButton),
    ):
        there = QtCore.QPointF(widget.mapToGlobal(point))
        event = QtGui.QMouseEvent(kind, QtCore.QPointF(point), there, button, buttons, modifier)
        QtWidgets.QApplication.sendEvent(widget, event)
