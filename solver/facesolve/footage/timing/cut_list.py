"""Cut lists: which parts of the footage become takes. CMX 3600 EDLs, and OpenTimelineIO by its own library."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from facesolve.take import TakeError
from facesolve.take.reading import read_text
from facesolve.take.timecode import Timecode, rational_rate, read_timecode

_EVENT = re.compile(
    r"(\d{1,6})\s+(\S+)\s+(\S+)\s+([CDWK]\S*)(?:\s+\d+)?\s+"
    r"(\d\d:\d\d:\d\d[:;.]\d\d)\s+(\d\d:\d\d:\d\d[:;.]\d\d)\s+(\d\d:\d\d:\d\d[:;.]\d\d)\s+(\d\d:\d\d:\d\d[:;.]\d\d)"
)
_CLIP = re.compile(r"\*\s*FROM CLIP NAME:\s*(.+)", re.IGNORECASE)
_SPEED = re.compile(r"M2\s+(\S+)\s+(-?[\d.]+)")


@dataclass(frozen=True)
class Cut:
    """A part of the footage. name: of its take. first, end: labels, the end not included; or frames since midnight at
    ``rate``, where the list counts them."""

    name: str
    first: str | int
    end: str | int
    rate: Fraction | None = None

    def frames(self, start: Timecode) -> tuple[int, int]:
        """First and last frame, both included, of footage whose frame 0 has the label ``start``. Raises TakeError."""
        if self.rate is not None and round(self.rate) != round(start.rate):
            raise TakeError(
                f"cut '{self.name}': it counts {float(self.rate):g} frames a second, the footage {float(start.rate):g}."
            )
        first, end = (value if isinstance(value, int) else count_of(value, start) for value in (self.first, self.end))
        if end <= first:
            raise TakeError(f"cut '{self.name}': it is empty, {self.first} to {self.end}.")
        return first - start.count, end - 1 - start.count


def read_cuts(path: Path) -> tuple[Cut, ...]:
    """The cuts of an EDL or an OpenTimelineIO file, in order; names are made distinct. Raises TakeError."""
    cuts = _timeline(path) if path.suffix.lower() in (".otio", ".otioz", ".otiod") else _edl(path)
    if not cuts:
        raise TakeError(f"cuts: '{path}' holds no picture event; export a CMX 3600 EDL or OpenTimelineIO.")
    named: dict[str, int] = {}
    distinct = []
    for cut in cuts:
        name = re.sub(r"[^\w.-]+", "_", Path(cut.name).stem).strip("._") or "cut"
        named[name] = named.get(name, 0) + 1
        distinct.append(Cut(name if named[name] == 1 else f"{name}_{named[name]}", cut.first, cut.end, cut.rate))
    return tuple(distinct)


def count_of(label: str, start: Timecode) -> int:
    """Frames since midnight of a label that counts as the footage's do, whichever sign it is written with."""
    written = re.sub("[:;.]([0-9]+)$", (";" if start.drop else ":") + r"\1", label)
    return read_timecode(written, start.rate).count


def _edl(path: Path) -> list[Cut]:
    cuts: list[Cut] = []
    last = ""
    for line in read_text(path, "cuts").splitlines():
        event, clip, speed = _EVENT.match(line.strip()), _CLIP.match(line.strip()), _SPEED.match(line.strip())
        if event is not None:
            number, reel, track, _, first, end, _, _ = event.groups()
            picture = track.upper().startswith(("V", "B")) and reel.upper() not in ("BL", "BLACK")
            last = number if picture else ""
            if picture:
                cuts.append(Cut(f"{reel}_{number}", first, end))
        elif clip is not None and last:
            cuts[-1] = Cut(clip[1].strip(), cuts[-1].first, cuts[-1].end)
        elif speed is not None and last:
            raise TakeError(
                f"cuts: event {last} in '{path}' changes speed (M2 {speed[2]}); a take runs at the speed it was filmed."
            )
    return cuts


def _timeline(path: Path) -> list[Cut]:
    try:
        otio = importlib.import_module("opentimelineio")
    except ImportError:
        raise TakeError(
            f"cuts: '{path}' needs OpenTimelineIO: python -m pip install \"facesolve[timeline]\"; an EDL needs nothing."
        ) from None
    if not path.exists():
        raise TakeError(f"cuts: '{path}' does not exist.")
    try:
        timeline = otio.adapters.read_from_file(str(path))
        clips = [clip for track in timeline.video_tracks() for clip in track.find_clips()]
    except (otio.exceptions.OTIOError, AttributeError, ValueError, RuntimeError) as problem:
        raise TakeError(f"cuts: '{path}' is not a readable timeline ({str(problem).splitlines()[0]}).") from None
    cuts = []
    for clip in clips:
        if clip.effects:
            raise TakeError(
                f"cuts: clip '{clip.name}' in '{path}' has an effect; a take runs at the speed it was filmed."
            )
        part = clip.trimmed_range()
        rate = rational_rate(part.start_time.rate)
        first, length = part.start_time.to_frames(), part.duration.to_frames()
        cuts.append(Cut(clip.name or "clip", first, first + length, rate))
    return cuts
