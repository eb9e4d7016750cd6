"""Image sequences as studios write them: ``shot.####.exr`` to the take's pattern, frames on disk, frames as ranges.

Knows names only, no image.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from fileseq import PAD_STYLE_HASH1, FileSequence, FrameSet
from fileseq.exceptions import FileSeqException

from facesolve.take import TakeError
from facesolve.take.footage import fill_frame

ONE_FILE = (".seq", ".mov", ".mp4", ".m4v", ".avi", ".mkv", ".mxf", ".webm", ".mpg", ".mpeg", ".wmv")
TILES = ("<UDIM>", "%(UDIM)d", "<UVTILE>")
WRITE = "write the frame number as #### or {frame:04d}, once"


def canonical_pattern(pattern: str) -> str:
    """``pattern`` with its frame number as ``{frame:04d}``, the form that a take stores.

    Understood in the file name are ``####`` and ``@@@@`` (a digit each), ``%04d`` and ``$F4``; ``{frame}``, other
    braces and files that hold many images are left alone. Raises TakeError when the frame number stands there twice,
    with a range, or as a tile of a texture.
    """
    folder, name = re.fullmatch(r"(?s)(.*[/\\])?(.*)", pattern).groups(default="")  # type: ignore[union-attr]
    if "{frame" in name or name.lower().endswith(ONE_FILE):
        return pattern
    try:
        sequence = FileSequence(name, pad_style=PAD_STYLE_HASH1)
    except FileSeqException:
        return pattern
    token = sequence.padding()
    if not token and not re.search(r"#|@|%\d*d", name):
        return pattern
    if token in TILES:
        raise TakeError(f"footage: '{token}' in '{pattern}' numbers the tiles of a texture; {WRITE}.")
    if not token or "." in token or name.count(token) != 1:
        raise TakeError(f"footage: '{pattern}' does not say which number is the frame; {WRITE}.")
    if re.search(r"\d[-,x:]\d", sequence.frameRange()):
        raise TakeError(f"footage: '{pattern}' holds a range of frames; give it as --frames, and only #### here.")
    digits = sequence.zfill()
    return folder + name.replace(token, "{frame}" if digits < 2 else f"{{frame:0{digits}d}}")


def frames_on_disk(pattern: str) -> list[int]:
    """Numbers, in order, of the images that match a take's ``pattern`` (with ``{frame:04d}``); empty when none does.

    fileseq's own search fails in folders with brackets or @ in their names, and on strange files beside the images.
    """
    path = Path(pattern)
    before, _, behind = re.sub(r"\{frame[^}]*\}", "\0", path.name).partition("\0")
    name = re.compile(re.escape(before) + r"(-?\d+)" + re.escape(behind))
    there = {entry.name for entry in path.parent.iterdir()} if path.parent.is_dir() else set()
    numbers = sorted({int(match[1]) for match in map(name.fullmatch, there) if match})
    return [number for number in numbers if fill_frame(path.name, number) in there]


def named_frames(frames: Iterable[int]) -> str:
    """Frame numbers as people write them: ``frame 7``, ``frames 1-5,9,20-30x2`` (every second one)."""
    numbers = sorted({int(frame) for frame in frames})
    return f"frame{'s' if len(numbers) > 1 else ''} {FrameSet(numbers).frange}"
