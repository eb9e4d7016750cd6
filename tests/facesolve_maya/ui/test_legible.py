"""What the panel shows can be read: contrast, room for words at any width and font."""

import pytest

from tests.facesolve_maya.ui.gestures import qt
from tests.facesolve_maya.ui.legible import cut_off, faint

pytestmark = pytest.mark.usefixtures("application")


def test_text_stands_out_from_its_ground():
    from facesolve_maya.ui import style

    window = "#444444"
    for text in (style.QUIET, style.BAD_TEXT, style.NOTE_TEXT, style.CAUTION):
        for ground in (window, style.WELL):
            assert style.contrast(text, ground) >= 4.5, (text, ground)
    assert style.contrast("#ffffff", style.ACCENT) >= 4.5
    assert style.contrast(style.ON_RAISED, style.RAISED) >= 4.5
    assert style.contrast("#c8c8c8", "#4b4b4b") >= 4.5
    assert style.contrast("#ffffff", "#000000") == pytest.approx(21.0)


def test_hints_in_empty_fields_stand_out_too(panel):
    from facesolve_maya.ui import style

    QtGui = qt().QtGui
    for field in (panel.setup.excluded, panel.setup.layer, panel.setup.namespace, panel.controls.filter):
        palette = field.palette()
        colors = (palette.color(role).name() for role in (QtGui.QPalette.PlaceholderText, QtGui.QPalette.Base))
        assert style.contrast(*colors) >= 4.5, field.placeholderText()


# 11, 16 and 22 pixels are interface scalings of 100, 150 and 200 percent.
@pytest.mark.parametrize(("width", "font"), [(320, 11), (900, 11), (470, 16), (520, 18), (640, 22)])
def test_nothing_is_cut_off_or_faint_at_any_width_and_font(panel, scene, solver, application, width, font):
    from tests.facesolve_maya.ui.maya_look import look_like_maya

    look_like_maya(application, font)
    try:
        solver(scene)
        panel.session.open_last_solution()
        panel.resize(width, 900)
        for index in range(4):
            panel.pages.setCurrentIndex(index)
            application.processEvents()
            assert cut_off(panel) == []
            assert font != 11 or faint(panel) == []
        assert panel.width() == width, "a dock of this width holds it"
    finally:
        look_like_maya(application)
