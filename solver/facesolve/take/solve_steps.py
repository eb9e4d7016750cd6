"""The stages of a solve as an animator calls them, and how much of the whole is done. Knows no solver and no panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Step:
    """A stage by the solver's name, what an animator calls it, and its usual share of a solve's time."""

    stage: str
    words: str
    share: float


STEPS = (
    Step("find the start pose", "Looking for the head", 0.0),
    Step("align the start pose", "Placing the head", 0.05),
    Step("track", "Following the face", 0.3),
    Step("bundle the keyframes", "Agreeing on the key frames", 0.31),
    Step("refine", "Refining every frame", 0.2),
    Step("join all frames", "Smoothing over time", 0.02),
    Step("hold the cameras against each other", "Checking the result", 0.02),
    Step("bake the texture", "Painting the texture", 0.1),
    Step("look for a mistake", "Looking for what is wrong", 0.0),
    Step("look for late images", "Looking for what is wrong", 0.0),
    Step("look for a wrong lens", "Looking for what is wrong", 0.0),
)
FIRST = "align the start pose"  # the first stage that only a solve has
_PLACE = {step.stage: place for place, step in enumerate(STEPS)}
TOLD_FROM = 0.08  # of the whole: before that, the time left would be a guess


def words_of(stage: str) -> str:
    """What an animator calls a stage; one that is no solve's by its own name."""
    return STEPS[_PLACE[stage]].words if stage in _PLACE else stage[:1].upper() + stage[1:]


def part_done(stage: str, done: int, total: int) -> Optional[float]:
    """0..1 of the whole solve, when ``done`` of ``total`` steps of a stage are over; None for what is no solve's."""
    if stage not in _PLACE:
        return None
    place, within = _PLACE[stage], min(done / total, 1.0) if total > 0 else 0.0
    return min(1.0, sum(step.share for step in STEPS[:place]) + STEPS[place].share * within)


def seconds_left(part: Optional[float], seconds: float) -> Optional[float]:
    """What is left of a solve of which a part took ``seconds``; None while that would be a guess."""
    if part is None or part < TOLD_FROM:
        return None
    return seconds / part * (1.0 - part)
