"""Shows pictures of one or all cameras: footage and render blended or wiped, or the mesh's edges. Knows only Qt."""

from __future__ import annotations

from collections import OrderedDict
from typing import Dict, List, Optional, Sequence, Tuple

from facesolve.take.frame_pictures import EDGES, FOOTAGE, RENDER

from .qt import Qt, QtCore, QtGui, QtWidgets, Signal, event_x, event_y, text_flags
from .style import QUIET, WELL, scaled

BLEND, WIPE, MESH = "blend", "wipe", "edges"
MODES = (MESH, BLEND, WIPE)
MUCH_LARGER = 1.5  # than what is painted, by which a picture loses pixels
KEPT = 90  # pictures in memory
GAP = 2  # pixels between cameras
LARGEST_ZOOM = 8.0
MOST_BESIDE_ONE = 5  # cameras of which one may be large, the others beside it

Shot = Dict[str, str]  # layer -> path of a camera's picture; a layer without a picture is left out


class PictureView(QtWidgets.QWidget):
    """Pictures on a dark ground, or a sentence while there are none.

    ``wiped(share)``: the line of a wipe was dragged. ``picked(camera)``: a double click on a camera among several, or
    -1 on one that is shown alone. The wheel zooms, a drag moves what is zoomed.
    """

    wiped = Signal(float)
    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.shots: List[Tuple[int, str, Shot]] = []  # index, name, pictures of each camera that is shown
        self._mode, self._share = MESH, 0.5
        self.caption, self.text = "", ""  # text: what is said where there is no picture
        self._zoom, self._center = 1.0, QtCore.QPointF(0.5, 0.5)
        self._grabbed: Optional[QtCore.QPoint] = None
        self._kept: "OrderedDict[str, QtGui.QPixmap]" = OrderedDict()
        self._small: "OrderedDict[str, QtGui.QPixmap]" = OrderedDict()  # as large as they were painted last
        self.setMinimumHeight(scaled(170, self))
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding)

    @property
    def has_picture(self) -> bool:
        """True when at least one picture is shown."""
        return any(not self._pixmap(path).isNull() for _, _, shot in self.shots for path in shot.values())

    def show_shots(self, shots: Sequence[Tuple[int, str, Shot]], caption: str) -> None:
        """Shows cameras: index, name and pictures of each."""
        self.shots, self.caption = list(shots), caption
        self.update()

    def show_text(self, text: str) -> None:
        """Shows a sentence and no picture."""
        self.shots, self.caption, self.text = [], "", text
        self.update()

    def set_mode(self, mode: str, share: float) -> None:
        """One of MODES; share, 0..1: of the render in a blend, of the width that it takes in a wipe."""
        self._mode, self._share = mode, share
        self.update()

    def forget(self) -> None:
        """Drops the pictures in memory: those of the same names may be others by now."""
        self._kept.clear()
        self._small.clear()

    def sizeHint(self) -> QtCore.QSize:
        """Qt's hook."""
        return QtCore.QSize(scaled(400, self), scaled(320, self))

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Qt's hook."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), QtGui.QColor(WELL))
        if not self.has_picture:
            painter.setPen(QtGui.QColor(QUIET))
            flags = text_flags(Qt.AlignmentFlag.AlignCenter, Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect().adjusted(20, 0, -20, 0), flags, self.text)
            return
        for cell, (_, name, shot) in zip(self.cells(), self.shots):
            self._paint_shot(painter, cell, shot)
            if len(self.shots) > 1:
                self._paint_words(painter, cell, name, Qt.AlignmentFlag.AlignTop)
        if self.caption:
            self._paint_words(painter, QtCore.QRectF(self.rect()), self.caption, Qt.AlignmentFlag.AlignBottom)

    def cells(self) -> List[QtCore.QRectF]:
        """Where each camera goes: what shows most of them, in columns or one large beside the others."""
        count = len(self.shots)
        sizes = [self._size_of(shot) for _, _, shot in self.shots]
        aspect = max((size.width() / max(size.height(), 1) for size in sizes), default=1.0)
        width, height = float(self.width()), float(self.height())
        found = [_in_columns(count, columns, width, height) for columns in range(1, max(count, 1) + 1)]
        if 2 < count <= MOST_BESIDE_ONE:
            found.append(_one_large(count, aspect, width, height))

        def shown(cells: Sequence[QtCore.QRectF]) -> float:
            return sum(aspect * min(cell.height(), cell.width() / aspect) ** 2 for cell in cells)

        return [cell.adjusted(0, 0, -GAP, -GAP) for cell in max(found, key=shown)]

    def _paint_shot(self, painter: QtGui.QPainter, cell: QtCore.QRectF, shot: Shot) -> None:
        painter.save()
        painter.setClipRect(cell)
        place = self._placed(cell, self._size_of(shot))
        layers = [shot.get(EDGES, "")] if self._mode == MESH and EDGES in shot else [shot.get(FOOTAGE, "")]
        for path in layers:
            self._draw(painter, place, path)
        if self._mode != MESH and RENDER in shot:
            if self._mode == BLEND:
                painter.setOpacity(self._share)
            else:
                painter.setClipRect(cell & QtCore.QRectF(cell.left(), cell.top(), cell.width() * self._share, 1e5))
            self._draw(painter, place, shot[RENDER])
            painter.setOpacity(1.0)
            if self._mode == WIPE:
                painter.setClipRect(cell)
                x = cell.left() + cell.width() * self._share
                painter.setPen(QtGui.QPen(QtGui.QColor(255, 255, 255, 200), 1))
                painter.drawLine(QtCore.QPointF(x, cell.top()), QtCore.QPointF(x, cell.bottom()))
        painter.restore()

    def _placed(self, cell: QtCore.QRectF, size: QtCore.QSize) -> QtCore.QRectF:
        """Where a picture of ``size`` goes in ``cell``, zoomed around the point looked at."""
        scale = min(cell.width() / max(size.width(), 1), cell.height() / max(size.height(), 1)) * self._zoom
        width, height = size.width() * scale, size.height() * scale
        return QtCore.QRectF(
            cell.center().x() - width * self._center.x(), cell.center().y() - height * self._center.y(), width, height
        )

    def _paint_words(self, painter: QtGui.QPainter, cell: QtCore.QRectF, words: str, edge: Qt.AlignmentFlag) -> None:
        height = self.fontMetrics().height() + 4
        width = min(self.fontMetrics().horizontalAdvance(words) + 12, int(cell.width()))
        top = cell.top() if edge == Qt.AlignmentFlag.AlignTop else cell.bottom() - height
        bar = QtCore.QRectF(cell.left(), top, width, height)
        painter.fillRect(bar, QtGui.QColor(0, 0, 0, 170))
        painter.setPen(QtGui.QColor("white"))
        flags = text_flags(Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignLeft)
        painter.drawText(bar.adjusted(6, 0, -6, 0), flags, words)

    def _size_of(self, shot: Shot) -> QtCore.QSize:
        sizes = [self._pixmap(path).size() for path in shot.values()]
        return next((size for size in sizes if not size.isEmpty()), QtCore.QSize(3, 4))

    def _draw(self, painter: QtGui.QPainter, place: QtCore.QRectF, path: str) -> None:
        """A picture in ``place``. What is much larger is averaged first: painting alone would skip most of its pixels,
        and a mesh's edges with them."""
        pixmap = self._pixmap(path)
        if pixmap.isNull():
            return
        ratio = self.devicePixelRatioF()
        size = QtCore.QSize(round(place.width() * ratio), round(place.height() * ratio))
        if not size.isEmpty() and pixmap.width() > MUCH_LARGER * size.width():
            pixmap = self._smaller(path, pixmap, size)
        painter.drawPixmap(place, pixmap, QtCore.QRectF(pixmap.rect()))

    def _smaller(self, path: str, pixmap: QtGui.QPixmap, size: QtCore.QSize) -> QtGui.QPixmap:
        if path not in self._small or self._small[path].size() != size:
            aspect, smooth = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            self._small[path] = pixmap.scaled(size, aspect, smooth)
        return _newest(self._small, path)

    def _pixmap(self, path: str) -> QtGui.QPixmap:
        if path not in self._kept:
            found = QtGui.QPixmap(path) if path else QtGui.QPixmap()
            if found.isNull():
                return found
            self._kept[path] = found
        return _newest(self._kept, path)

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        """Qt's hook: zooms."""
        step = 1.2 ** (event.angleDelta().y() / 120.0)
        self._zoom = min(max(self._zoom * step, 1.0), LARGEST_ZOOM)
        if self._zoom == 1.0:
            self._center = QtCore.QPointF(0.5, 0.5)
        self.update()

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """Qt's hook."""
        self._grabbed = QtCore.QPoint(event_x(event), event_y(event))
        if self._mode == WIPE and self._zoom == 1.0:
            self._wipe_to(self._grabbed)

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        """Qt's hook."""
        point = QtCore.QPoint(event_x(event), event_y(event))
        if self._grabbed is None:
            return
        if self._mode == WIPE and self._zoom == 1.0:
            self._wipe_to(point)
        elif self._zoom > 1.0 and self.shots:
            place = self._placed(self.cells()[0], self._size_of(self.shots[0][2]))
            moved = point - self._grabbed
            x = self._center.x() - moved.x() / max(place.width(), 1.0)
            y = self._center.y() - moved.y() / max(place.height(), 1.0)
            self._center = QtCore.QPointF(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))
            self._grabbed = point
            self.update()

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        """Qt's hook."""
        self._grabbed = None

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:
        """Qt's hook."""
        point = QtCore.QPointF(event_x(event), event_y(event))
        for cell, (index, _, _) in zip(self.cells(), self.shots):
            if cell.contains(point):
                self.picked.emit(index if len(self.shots) > 1 else -1)

    def _wipe_to(self, point: QtCore.QPoint) -> None:
        for cell in self.cells():
            if cell.left() <= point.x() <= cell.right() and cell.top() <= point.y() <= cell.bottom():
                self.wiped.emit(min(max((point.x() - cell.left()) / cell.width(), 0.0), 1.0))


def _in_columns(count: int, columns: int, width: float, height: float) -> List[QtCore.QRectF]:
    """Equal cells that fill the view."""
    wide, tall = width / columns, height / max(-(-count // columns), 1)
    return [QtCore.QRectF(index % columns * wide, index // columns * tall, wide, tall) for index in range(count)]


def _one_large(count: int, aspect: float, width: float, height: float) -> List[QtCore.QRectF]:
    """The first camera large at the left, the others above each other beside it, as high together as it is."""
    tall = min(height, width / aspect / (1.0 + 1.0 / (count - 1)))
    wide, small = aspect * tall, tall / (count - 1)
    left, top = 0.5 * (width - wide - aspect * small), 0.5 * (height - tall)
    beside = [QtCore.QRectF(left + wide, top + index * small, aspect * small, small) for index in range(count - 1)]
    return [QtCore.QRectF(left, top, wide, tall), *beside]


def _newest(kept: "OrderedDict[str, QtGui.QPixmap]", key: str) -> QtGui.QPixmap:
    """One of what is kept, which is dropped last from now on."""
    kept.move_to_end(key)
    while len(kept) > KEPT:
        kept.popitem(last=False)
    return kept[key]
