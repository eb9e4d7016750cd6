"""Maya's dark palette, so that pictures taken outside Maya show what an artist sees."""

from facesolve_maya.ui.qt import QtGui, QtWidgets

_COLORS = {
    "Window": "#444444",
    "WindowText": "#c8c8c8",
    "Base": "#2b2b2b",
    "AlternateBase": "#2f2f2f",
    "Text": "#c8c8c8",
    "Button": "#5d5d5d",
    "ButtonText": "#eeeeee",
    "BrightText": "#ffffff",
    "Highlight": "#5285a6",
    "HighlightedText": "#ffffff",
    "Light": "#616161",
    "Midlight": "#525252",
    "Mid": "#3a3a3a",
    "Dark": "#2b2b2b",
    "Shadow": "#1e1e1e",
    "ToolTipBase": "#2b2b2b",
    "ToolTipText": "#c8c8c8",
    "PlaceholderText": "#7f7f7f",
}


def look_like_maya(application: QtWidgets.QApplication, font_pixels: int = 11) -> None:
    """Gives ``application`` Maya's colors; larger fonts are what Maya's interface scaling gives."""
    application.setStyle("Fusion")
    palette = QtGui.QPalette()
    for role, color in _COLORS.items():
        palette.setColor(getattr(QtGui.QPalette, role), QtGui.QColor(color))
    for role in ("WindowText", "Text", "ButtonText"):
        palette.setColor(QtGui.QPalette.Disabled, getattr(QtGui.QPalette, role), QtGui.QColor("#808080"))
    palette.setColor(QtGui.QPalette.Disabled, QtGui.QPalette.Button, QtGui.QColor("#4b4b4b"))
    palette.setColor(QtGui.QPalette.Disabled, QtGui.QPalette.Light, QtGui.QColor("#4b4b4b"))
    application.setPalette(palette)
    font = application.font()
    font.setFamily("DejaVu Sans")
    font.setPixelSize(font_pixels)
    application.setFont(font)
