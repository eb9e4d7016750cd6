"""Small pictures of footage, read one at a time while nothing else happens. Knows only Qt."""

from __future__ import annotations

from typing import Callable, Dict, List, Tuple

from .qt import Qt, QtCore, QtGui


class Thumbnails(QtCore.QObject):
    """Loads pictures by and by, so that a slow file server does not stop Maya; ``size`` bounds them, in pixels."""

    def __init__(self, size: QtCore.QSize, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._size = size
        self.ready: Dict[str, QtGui.QPixmap] = {}
        self._waiting: List[Tuple[str, Callable[[QtGui.QPixmap], None]]] = []
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._load_next)

    def request(self, path: str, show: Callable[[QtGui.QPixmap], None]) -> None:
        """Calls ``show`` with the picture, at once when it is known, else later; never when it cannot be read."""
        if path in self.ready:
            show(self.ready[path])
        else:
            self._waiting.append((path, show))
            self._timer.start()

    def forget(self) -> None:
        """Drops requests that wait: their rows are gone."""
        self._waiting = []

    def _load_next(self) -> None:
        if not self._waiting:
            self._timer.stop()
            return
        path, show = self._waiting.pop(0)
        if path not in self.ready:
            self.ready[path] = read_scaled(path, self._size)
        if not self.ready[path].isNull():
            show(self.ready[path])


def read_scaled(path: str, size: QtCore.QSize) -> QtGui.QPixmap:
    """The picture in ``path`` fitted into ``size``; null when Qt cannot read it (EXR, video)."""
    reader = QtGui.QImageReader(path)
    reader.setAutoTransform(True)
    full = reader.size()
    if full.isValid():
        # Decoders that can scale while they read (JPEG) are many times faster this way.
        reader.setScaledSize(full.scaled(size, Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    if image.isNull():
        return QtGui.QPixmap()
    return QtGui.QPixmap.fromImage(
        image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    )
