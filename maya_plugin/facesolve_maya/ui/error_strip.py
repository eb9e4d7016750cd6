"""The error of every frame as a strip of bars; a click jumps the timeline. Knows the result and Qt, nothing of maya."""

from __future__ import annotations

from typing import Optional, Tuple

from facesolve.take.review import APPROVED, NOTED, REJECTED
from facesolve.take.summary import FrameError

from .qt import Qt, QtCore, QtGui, QtWidgets, Signal, event_x, has, text_flags
from .reviewing import ShownMark
from .style import BAD, GOOD, LEVEL_COLORS, NOTE_TEXT, QUIET, WELL, scaled

CUT = 3.0  # medians
MARK_COLORS = {APPROVED: GOOD, REJECTED: BAD, NOTED: NOTE_TEXT}
FEWEST = 10.0  # frames that are shown at least


class ErrorStrip(QtWidgets.QWidget):
    """Click or drag: ``time_chosen(time)``. Drag with Shift: ``span_chosen(first, last)``. Left/Right: next marked.

    The wheel zooms; a double click shows all frames again.
    """

    time_chosen = Signal(float)
    span_chosen = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self._frames: Tuple[FrameError, ...] = ()
        self._marks: Tuple[ShownMark, ...] = ()
        self.shown_time: Optional[float] = None
        self._span: Optional[Tuple[int, int]] = None
        self._anchor: Optional[int] = None
        self._first, self._shown = 0.0, 1.0  # the part that is looked at, in frames
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(scaled(64, self))
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Error of each frame")

    def show_frames(self, frames: Tuple[FrameError, ...]) -> None:
        """Shows the frames of a result, in order of time."""
        changed = len(frames) != len(self._frames)
        self._frames, self._span, self._anchor = frames, None, None
        if changed:
            self._look_at_part(0.0, float(len(frames)))
        self.update()

    def show_marks(self, marks: Tuple[ShownMark, ...]) -> None:
        """Shows what a person has decided about frames, the latest on top."""
        self._marks = marks
        self.update()

    def show_time(self, time: float) -> None:
        """Moves the marker of the present time."""
        self.shown_time = time
        self.update()

    @property
    def top(self) -> Optional[float]:
        """What the highest bar stands for, as ``bar_height``; None without one.

        One wild frame must not flatten all others: bars taller than this are cut off and capped.
        """
        known = sorted(height for height in map(bar_height, self._frames) if height is not None)
        return min(known[-1], CUT * known[len(known) // 2]) if known else None

    @property
    def span(self) -> Optional[Tuple[float, float]]:
        """First and last time of the marked frames, None when none are marked."""
        if self._span is None:
            return None
        return self._frames[self._span[0]].time, self._frames[self._span[1]].time

    def mark(self, span: Optional[Tuple[float, float]]) -> None:
        """Marks the frames from one time to another, as Shift-drag does; None for none."""
        inside = [i for i, frame in enumerate(self._frames) if span is not None and span[0] <= frame.time <= span[1]]
        self._span = (inside[0], inside[-1]) if inside else None
        self.update()

    def position_of(self, index: int) -> QtCore.QPoint:
        """The middle of frame ``index``'s bar, in the widget's coordinates."""
        return QtCore.QPoint(int((index + 0.5 - self._first) * self._step()), self.height() // 2)

    def _step(self) -> float:
        return self.width() / max(self._shown, 1.0)

    def _index_at(self, x: int) -> int:
        return min(max(int(self._first + x / self._step()), 0), len(self._frames) - 1)

    def _look_at_part(self, first: float, shown: float) -> None:
        """Shows ``shown`` frames from ``first`` on, as far as there are so many."""
        count = float(len(self._frames))
        self._shown = min(max(shown, min(FEWEST, count)), count)
        self._first = min(max(first, 0.0), count - self._shown)
        self.update()

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        """Qt's hook: zooms around the frame below the pointer."""
        if self._frames:
            x = event_x(event)
            middle, share = self._first + x / self._step(), x / max(self.width(), 1)
            shown = self._shown * 1.25 ** (-event.angleDelta().y() / 120.0)
            self._look_at_part(middle - share * min(shown, len(self._frames)), shown)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Qt's hook."""
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect(), QtGui.QColor(WELL))
        if not self._frames:
            painter.setPen(QtGui.QColor(QUIET))
            painter.drawText(self.rect(), text_flags(Qt.AlignmentFlag.AlignCenter), "No result yet")
            return
        step, axis = self._step(), self.fontMetrics().height() + 2
        base = self.height() - axis
        if self._span is not None:
            left, right = (self._span[0] - self._first) * step, (self._span[1] + 1 - self._first) * step
            color = QtGui.QColor(NOTE_TEXT)
            color.setAlpha(90)
            painter.fillRect(QtCore.QRectF(left, 0, right - left, base), color)
        self._paint_bars(painter, step, base)
        self._paint_marks(painter, step, base)
        self._paint_time(painter, step, base)
        self._paint_axis(painter, step, base)

    def _paint_bars(self, painter: QtGui.QPainter, step: float, base: int) -> None:
        top = self.top or 1.0
        gap = 1.0 if step > 4 else 0.0
        for index in range(int(self._first), min(int(self._first + self._shown) + 1, len(self._frames))):
            frame = self._frames[index]
            color = QtGui.QColor(LEVEL_COLORS[frame.level])
            left, width = (index - self._first) * step, max(step - gap, 1.0)
            tall = bar_height(frame)
            if frame.error is None or tall is None:
                painter.fillRect(
                    QtCore.QRectF(left, 2, width, base - 2), QtGui.QBrush(color, Qt.BrushStyle.BDiagPattern)
                )
                continue
            height = min(max(tall / top * (base - 4), 2.0), base - 4)
            painter.fillRect(QtCore.QRectF(left, base - height, width, height), color)
            if tall > top:
                painter.fillRect(QtCore.QRectF(left, base - height - 3, width, 2), color.lighter(150))

    def _paint_marks(self, painter: QtGui.QPainter, step: float, base: int) -> None:
        """A line along the top: green is approved, red rejected; a note is a square of its own color."""
        tall = max(scaled(4, self), 3)
        times = [frame.time for frame in self._frames]
        for mark in self._marks:
            inside = [index for index, time in enumerate(times) if mark.first - 1e-3 <= time <= mark.last + 1e-3]
            if not inside:
                continue
            left, right = (inside[0] - self._first) * step, (inside[-1] + 1 - self._first) * step
            width = min(right - left, 2.0 * tall) if mark.mark == NOTED else right - left
            place = QtCore.QRectF(left, tall if mark.mark == NOTED else 0, max(width, 2.0), tall)
            painter.fillRect(place, QtGui.QColor(MARK_COLORS[mark.mark]))

    def _paint_time(self, painter: QtGui.QPainter, step: float, base: int) -> None:
        now = self.shown_time
        if now is None or not self._frames[0].time <= now <= self._frames[-1].time:
            return
        index = min(range(len(self._frames)), key=lambda i: abs(self._frames[i].time - now))
        x = int((index + 0.5 - self._first) * step)
        painter.setPen(QtGui.QPen(QtGui.QColor("white"), 1))
        painter.drawLine(x, 0, x, base)

    def _paint_axis(self, painter: QtGui.QPainter, step: float, base: int) -> None:
        painter.setPen(QtGui.QColor(QUIET))
        width = self.fontMetrics().horizontalAdvance("{:g}  ".format(self._frames[-1].time)) * 1.6
        every = max(1, round(width / step))
        every = next((n for n in (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 5000) if n >= every), every)
        first = -(-int(self._first) // every) * every
        for index in range(first, min(int(self._first + self._shown) + 1, len(self._frames)), every):
            x = int((index - self._first) * step)
            painter.drawLine(x, base, x, base + 3)
            painter.drawText(x + 3, self.height() - 2, "{:g}".format(self._frames[index].time))

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """Qt's hook."""
        if not self._frames or event.button() != Qt.MouseButton.LeftButton:
            return
        index = self._index_at(event_x(event))
        if has(event.modifiers(), Qt.KeyboardModifier.ShiftModifier):
            self._anchor, self._span = index, (index, index)
        else:
            self._anchor, self._span = None, None
            self._jump(index)
        self.update()

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        """Qt's hook."""
        if not self._frames:
            return
        index = self._index_at(event_x(event))
        said = [
            _spoken(mark) for mark in self._marks if mark.first - 0.5 <= self._frames[index].time <= mark.last + 0.5
        ]
        self.setToolTip("\n".join([describe_frame(self._frames[index]), *said]))
        if not has(event.buttons(), Qt.MouseButton.LeftButton):
            return
        if self._anchor is not None:
            self._span = (min(self._anchor, index), max(self._anchor, index))
            self.update()
        else:
            self._jump(index)

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        """Qt's hook."""
        span = self.span
        if self._anchor is not None and span is not None:
            self._anchor = None
            self.span_chosen.emit(*span)

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:
        """Qt's hook."""
        self._look_at_part(0.0, float(len(self._frames)))

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        """Qt's hook."""
        if event.key() == Qt.Key.Key_Right:
            self.jump_to_marked(1)
        elif event.key() == Qt.Key.Key_Left:
            self.jump_to_marked(-1)
        else:
            super().keyPressEvent(event)

    def jump_to_marked(self, direction: int) -> None:
        """Goes to the next (1) or previous (-1) frame that is worth a look, seen from the present time."""
        marked = [index for index, frame in enumerate(self._frames) if frame.level]
        now = self.shown_time
        later = [i for i in marked if now is None or (self._frames[i].time - now) * direction > 1e-6]
        if later:
            self._jump(min(later) if direction > 0 else max(later))

    def _jump(self, index: int) -> None:
        time = self._frames[index].time
        if time != self.shown_time:
            self.show_time(time)
            self.time_chosen.emit(time)


def _spoken(mark: ShownMark) -> str:
    return "{}{}".format(mark.mark.capitalize(), ": " + mark.text if mark.text else "")


def bar_height(frame: FrameError) -> Optional[float]:
    """What a frame's bar stands for: expected millimeters, the residual where these are not known."""
    return frame.error if frame.expected is None else frame.expected


def describe_frame(frame: FrameError) -> str:
    """One line about a frame for the tool tip."""
    if frame.error is None:
        return "Frame {:g}: seen by no camera, interpolated".format(frame.time)
    words = ("fine", "worth a look", "likely wrong")[frame.level]
    expected = "" if frame.expected is None else "{:.2f} mm expected, ".format(frame.expected)
    return "Frame {:g}: {}{}; residual {:.3g}, largest in {}".format(
        frame.time, expected, words, frame.error, frame.camera
    )
