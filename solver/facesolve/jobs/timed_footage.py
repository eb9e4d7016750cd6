"""Footage of a take put in step, whichever way its files tell the time. Chooses the way; they are in ``footage``."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from facesolve.footage.norpix.matching import Matching, match_recordings
from facesolve.footage.timing.cut_list import Cut
from facesolve.footage.timing.exr_stamps import match_sequences
from facesolve.footage.timing.match_videos import MOTION, NUMBER, SOUND, STAMPS, VideoSync, frames_of_span, match_videos
from facesolve.take import Footage, TakeError
from facesolve.take.footage import NORPIX, SEQUENCE, VIDEO

from .requests import PackRequest


class TimedFootage(NamedTuple):
    """footage: with the image of every frame. frames: first and last, None where the request and the files do not say.
    fps: None likewise."""

    footage: tuple[Footage, ...]
    frames: tuple[int, int] | None
    fps: float | None


def timed_footage(
    footage: tuple[Footage, ...], request: PackRequest, tell: Callable[[str], None], cut: Cut | None = None
) -> TimedFootage:
    """The footage in step, and its frames; cut: the part wanted, of a cut list. tell: called with each sentence.

    Raises TakeError or FootageError.
    """
    kinds = {source.kind for source in footage}
    span = request.range if cut is None else cut
    if kinds == {VIDEO} and request.sync != NUMBER:
        videos = match_videos(
            footage, VideoSync(request.sync, request.clock, request.sound, span), request.frames, request.on_bad_frame
        )
        for sentence in videos.report:
            tell(sentence)
        return TimedFootage(videos.footage, videos.frames, videos.fps if request.fps is None else request.fps)
    if request.sync in (SOUND, MOTION):
        raise TakeError(f"sync: '{request.sync}' is for videos; the footage is something else.")
    if kinds == {SEQUENCE} and request.sync == STAMPS:
        matched = match_sequences(footage, request.fps)
        if matched is not None:
            for sentence in matched.report:
                tell(sentence)
            fps = float(matched.start.rate) if request.fps is None else request.fps
            frames = request.frames if span is None else frames_of_span(span, matched.start)
            return TimedFootage(matched.footage, frames, fps)
    if span is not None:
        raise TakeError("range: the footage has no timecode; give --frames.")
    if kinds == {NORPIX}:
        matching = Matching(request.sync, request.clock)
        recordings = match_recordings(footage, matching, request.frames, request.on_bad_frame)
        for sentence in recordings.report:
            tell(sentence)
        return TimedFootage(
            recordings.footage, recordings.frames, recordings.fps if request.fps is None else request.fps
        )
    return TimedFootage(footage, request.frames, request.fps)
