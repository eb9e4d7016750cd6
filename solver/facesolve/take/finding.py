"""What a check found: one record for the scene, a take, footage, a calibration, a solution and an installation.

Knows nothing about what is checked, nor who shows it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

from .checks import cause, shown
from .errors import TakeError

ERROR = "error"  # stops what was going to be done
WARNING = "warning"  # may spoil it
NOTE = "note"  # informs
SEVERITIES = (ERROR, WARNING, NOTE)  # the gravest first
SCHEMA = 2  # of the JSON that holds findings; up to 1 they had no subject and no remedy


@dataclass(frozen=True)
class Show:
    """Where to look, for a viewer that can jump there. frames: take frame numbers; controls: names."""

    frames: Tuple[int, ...] = ()
    controls: Tuple[str, ...] = ()


# What a panel can offer to do about a finding; the values of each in brackets.
USE_FRAMES = "use frames"  # (first, last) scene frame
LEAVE_OUT = "leave frames out"  # scene frames
SOLVE_WITHOUT = "solve without bad images"  # ()
LEAVE_CAMERA = "leave camera out"  # (camera,)
CHOOSE_FOOTAGE = "choose footage"  # (camera,)
LOAD_CAMERAS = "load cameras"  # ()
FIND_HEAD = "find the head"  # ()
SET_RESOLUTION = "set the render resolution"  # (width, height)
OFFERS = (USE_FRAMES, LEAVE_OUT, SOLVE_WITHOUT, LEAVE_CAMERA, CHOOSE_FOOTAGE, LOAD_CAMERAS, FIND_HEAD, SET_RESOLUTION)


@dataclass(frozen=True)
class Offer:
    """A remedy that one press of a button carries out. label: what the button says."""

    kind: str
    label: str
    values: Tuple[Any, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One finding. ``str`` gives it as a line, ``text`` without the severity.

    severity: one of SEVERITIES. subject: the node, camera or package that ``sentence`` speaks of; empty where the
    sentence names it. remedy: what to do, in words. action: where a viewer can show it. offers: what a panel can do
    about it. fix: the repair of the take that mends it, as ``facesolve repair --fix`` takes it, such as ``units=mm``.
    """

    severity: str
    subject: str
    sentence: str
    remedy: str = ""
    action: Optional[Show] = None
    offers: Tuple[Offer, ...] = ()
    fix: str = ""

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError("severity '{}', expected one of {}".format(self.severity, ", ".join(SEVERITIES)))

    @property
    def text(self) -> str:
        """Subject, sentence and remedy as they are read."""
        return "{}: {}".format(self.subject, self.words) if self.subject else self.words

    @property
    def words(self) -> str:
        """Sentence and remedy, for whoever shows the subject apart."""
        return " ".join(part for part in (self.sentence, self.remedy) if part)

    def __str__(self) -> str:
        return "{}: {}".format(self.severity, self.text)

    def record(self) -> Dict[str, Any]:
        """As JSON values; ``read_finding`` reads them."""
        shown = None if self.action is None else {key: list(values) for key, values in asdict(self.action).items()}
        return {
            "severity": self.severity,
            "subject": self.subject,
            "sentence": self.sentence,
            "remedy": self.remedy,
            "action": None if shown is None else {"show": shown},
            "offers": [asdict(offer) for offer in self.offers],
            "fix": self.fix,
        }


def findings_record(kind: str, findings: Iterable[Finding]) -> Dict[str, Any]:
    """A JSON object of findings; ``read_findings`` reads it. kind: what was examined."""
    return {"schema": SCHEMA, "kind": kind, "findings": [finding.record() for finding in findings]}


def read_findings(record: Any) -> Tuple[Finding, ...]:
    """The findings in a JSON object. Raises TakeError when another version wrote it, or something else."""
    if not isinstance(record, dict) or "findings" not in record:
        raise TakeError("findings: {} holds none.".format(shown(record)))
    if record.get("schema") != SCHEMA:
        raise TakeError("findings: another version of Facesolve wrote them; use one version on both sides.")
    if not isinstance(record["findings"], list):
        raise TakeError("findings: {} is no list of them.".format(shown(record["findings"])))
    return tuple(read_finding(one) for one in record["findings"])


def read_finding(record: Any) -> Finding:
    """The finding in JSON values. Raises TakeError for anything that ``record`` did not write."""
    try:
        words = [_text(record[name]) for name in ("severity", "subject", "sentence", "remedy", "fix")]
        offers = tuple(_offer(offer) for offer in record["offers"])
        return Finding(words[0], words[1], words[2], words[3], _action(record["action"]), offers, words[4])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise TakeError("finding: {} is malformed ({}).".format(shown(record), cause(error))) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("{!r} is not text".format(value))
    return value


def _offer(record: Mapping[str, Any]) -> Offer:
    kind, values = _text(record["kind"]), record["values"]
    if kind not in OFFERS or not isinstance(values, (list, tuple)):
        raise ValueError("no panel offers {!r}".format(kind))
    return Offer(kind, _text(record["label"]), tuple(values))


def _action(record: Optional[Mapping[str, Any]]) -> Optional[Show]:
    if record is None:
        return None
    shown = record["show"]
    return Show(tuple(int(frame) for frame in shown["frames"]), tuple(_text(name) for name in shown["controls"]))


def gravest_first(findings: Iterable[Finding]) -> Tuple[Finding, ...]:
    """Errors, warnings, notes; each kind in the order in which it was found."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
