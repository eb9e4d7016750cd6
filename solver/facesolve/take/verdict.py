"""Whether a solution can be believed: the verdict that every solve ends with, as data. Knows not how it is found.

``Solution.verdict`` holds it; who applies a solution asks it first: ``if verdict.asks: show verdict.reason``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Tuple

from .checks import cause, shown
from .errors import TakeError
from .finding import OFFERS

FITS = "fits"
DOUBTFUL = "doubtful"
DOES_NOT_FIT = "does not fit"
VERDICTS = (FITS, DOUBTFUL, DOES_NOT_FIT)  # the best first

EXIT_DOES_NOT_FIT = 3  # exit code of a solve that wrote a solution which does not fit
UNKNOWN = math.nan


@dataclass(frozen=True)
class CameraAgreement:
    """How one camera agrees with all others about the solved face; NaN where that cannot be known.

    correlation: between what it shows of the surface and what the others show there, at most 1. off_mm, off_pixels: how
    far its picture would have to be moved over the face, here one way and there another, to agree with them best:
    median over the face.
    """

    correlation: float = UNKNOWN
    off_mm: float = UNKNOWN
    off_pixels: float = UNKNOWN


@dataclass(frozen=True)
class Verdict:
    """One of VERDICTS, a sentence of reason, and the figures behind it; a figure that is not known is NaN.

    reason: one sentence for people, with figures. correlation: between the cameras, over the visible face. off_mm: of
    the camera that is off most. contrast: how much the correlation falls when the head is moved by 5 mm or 5 degrees.
    error_mm: expected distance of the surface from the truth, from the standard deviations. share: part of the visible
    face on which the cameras agree. frames: take frame numbers that show something else than the solved face, or only
    a part of it.
    cameras: by name. next_step: what to do, a sentence; empty where there is nothing to do. offer: which of
    ``finding.OFFERS`` does the same, for programs that have a button for it; empty where none does.
    """

    verdict: str
    reason: str
    correlation: float = UNKNOWN
    off_mm: float = UNKNOWN
    contrast: float = UNKNOWN
    error_mm: float = UNKNOWN
    share: float = UNKNOWN
    frames: Tuple[int, ...] = ()
    cameras: Mapping[str, CameraAgreement] = field(default_factory=dict)
    next_step: str = ""
    offer: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise TakeError("verdict: '{}' is not one of {}.".format(self.verdict, ", ".join(VERDICTS)))
        if self.offer and self.offer not in OFFERS:
            raise TakeError("verdict: the offer '{}' is not one of {}.".format(self.offer, ", ".join(OFFERS)))

    @property
    def asks(self) -> bool:
        """True when a person should decide before the solution is used."""
        return self.verdict != FITS

    @property
    def text(self) -> str:
        """The verdict and its reason in one line."""
        return "{}: {}".format(self.verdict, self.reason)

    def record(self) -> Dict[str, Any]:
        """As JSON values; ``read_verdict`` reads them. NaN becomes null."""
        numbers = {name: _number_or_none(getattr(self, name)) for name in _NUMBERS}
        cameras = {
            name: {figure: _number_or_none(getattr(one, figure)) for figure in _CAMERA_NUMBERS}
            for name, one in self.cameras.items()
        }
        return dict(
            {"verdict": self.verdict, "reason": self.reason},
            **numbers,
            frames=list(self.frames),
            cameras=cameras,
            next_step=self.next_step,
            offer=self.offer,
        )


_NUMBERS = ("correlation", "off_mm", "contrast", "error_mm", "share")
_CAMERA_NUMBERS = ("correlation", "off_mm", "off_pixels")


def read_verdict(record: Any) -> Verdict:
    """The verdict in JSON values. Raises TakeError for anything that ``record`` did not write."""
    try:
        return Verdict(
            verdict=_text(record["verdict"]),
            reason=_text(record["reason"]),
            frames=tuple(int(frame) for frame in record["frames"]),
            cameras={
                _text(name): CameraAgreement(**{figure: _number(one[figure]) for figure in _CAMERA_NUMBERS})
                for name, one in record["cameras"].items()
            },
            next_step=_text(record["next_step"]),
            offer=_text(record["offer"]),
            **{name: _number(record[name]) for name in _NUMBERS},
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TakeError("verdict: {} is malformed ({}).".format(shown(record), cause(error))) from None


def _number_or_none(value: float) -> Any:
    return round(float(value), 5) if math.isfinite(value) else None


def _number(value: Any) -> float:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("{!r} is not a number".format(value))
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("{!r} is not text".format(value))
    return value
