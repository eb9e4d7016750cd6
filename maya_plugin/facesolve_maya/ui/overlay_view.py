"""Shows the latest overlay picture of a solve, fitted into the space there is. Knows only Qt."""

from __future__ import annotations

from .qt import Qt, QtCore, QtGui, QtWidgets, text_flags
from .style import QUIET, WELL, scaled


class OverlayView(QtWidgets.QWidget):
    """A picture on a dark ground, or a sentence while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._pixmap = QtGui.QPixmap()
        self._caption = ""
        self._text = "The overlay of rig and footage appears here while a solve runs."
        self.setMinimumHeight(scaled(150, self))
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding)

    @property
    def has_picture(self) -> bool:
        """True when a picture is shown."""
        return not self._pixmap.isNull()

    def show_picture(self, path: str, caption: str) -> None:
        """Shows the picture in ``path``; keeps the present one when it cannot be read (still being written)."""
        pixmap = QtGui.QPixmap(path)
        if not pixmap.isNull():
            self._pixmap = pixmap
        self._caption = caption
        self.update()

    def clear(self) -> None:
        """Takes the picture away."""
        self._pixmap, self._caption = QtGui.QPixmap(), ""
        self.update()

    def sizeHint(self) -> QtCore.QSize:
        """Qt's hook."""
        return QtCore.QSize(scaled(360, self), scaled(240, self))

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Qt's hook."""
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect(), QtGui.QColor(WELL))
        if self._pixmap.isNull():
            painter.setPen(QtGui.QColor(QUIET))
            painter.drawText(
                self.rect().adjusted(20, 0, -20, 0),
                text_flags(Qt.AlignmentFlag.AlignCenter, Qt.TextFlag.TextWordWrap),
                self._text,
            )
            return
        ratio = self.devicePixelRatioF()
        fitted = self._pixmap.scaled(
            self.size() * ratio, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        fitted.setDevicePixelRatio(ratio)
        size = fitted.size() / ratio
        painter.drawPixmap((self.width() - size.width()) // 2, (self.height() - size.height()) // 2, fitted)
        if self._caption:
            height = self.fontMetrics().height() + 6
            bar = QtCore.QRect(0, self.height() - height, self.width(), height)
            painter.fillRect(bar, QtGui.QColor(0, 0, 0, 140))
            painter.setPen(QtGui.QColor("white"))
            painter.drawText(
                bar.adjusted(6, 0, -6, 0),
                text_flags(Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignLeft),
                self._caption,
            )
