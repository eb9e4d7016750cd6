"""A start pose that was found, and how far it can be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from facesolve.take import StartPose, Take

SURE, HOPELESS = 0.8, 0.3  # confidence from which no warning is given, and below which a solve does not begin
# confidence is logistic in the agreement and its lead over the next best pose; from ``tests.bench.start_trials``
LEVEL, STEEPNESS = 0.8, 30.0
LEAD_SHARE, MOST_LEAD = 0.5, 0.4


@dataclass(frozen=True, eq=False)
class FoundStart:
    """A start pose and what speaks for it.

    how: ``search`` or ``landmarks``. confidence: 0..1, that the head is in place. agreement: correlation between what
    the cameras see at the same surface, NaN with one camera; runner_up: that of the next best distinct pose, NaN when
    none was compared. notes: sentences about what was used.
    """

    start: StartPose
    how: str
    confidence: float
    agreement: float
    runner_up: float
    notes: tuple[str, ...]

    @property
    def sure(self) -> bool:
        return self.confidence >= SURE

    def record(self, take: Take) -> dict[str, Any]:
        """As JSON values."""
        return {
            "frame": self.start.frame,
            "how": self.how,
            "confidence": round(self.confidence, 4),
            "sure": self.sure,
            "agreement": None if math.isnan(self.agreement) else round(self.agreement, 4),
            "runner_up": None if math.isnan(self.runner_up) else round(self.runner_up, 4),
            "notes": list(self.notes),
            "head": self.start.head.tolist(),
            "weights": dict(zip(take.rig.control_names, self.start.controls.tolist(), strict=True)),
        }

    def sentences(self) -> list[str]:
        """What a person should know, one sentence each."""
        said = [f"start pose found by {self.how} at frame {self.start.frame}, confidence {self.confidence:.0%}"]
        said += self.notes
        if not math.isnan(self.agreement):
            rest = "" if math.isnan(self.runner_up) else f"; at the next best pose {self.runner_up:.2f}"
            said.append(f"the cameras' views of the surface correlate by {self.agreement:.2f} there{rest}")
        if not self.sure:
            said.append(
                "warning: this start is not certain; look at its picture ('facesolve align') before trusting a solve"
            )
        return said


def confidence(agreement: float, lead: float) -> float:
    """0..1, that a settled pose is right. agreement: of the cameras there; lead: how much less it is anywhere else."""
    return 1 / (1 + math.exp(-STEEPNESS * (agreement + LEAD_SHARE * min(lead, MOST_LEAD) - LEVEL)))
