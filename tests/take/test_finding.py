"""A finding reads as one line, survives JSON, and refuses what is none."""

from __future__ import annotations

import json

import pytest

from facesolve.take import TakeError
from facesolve.take.finding import (
    ERROR,
    LEAVE_CAMERA,
    NOTE,
    WARNING,
    Finding,
    Offer,
    Show,
    findings_record,
    gravest_first,
    read_finding,
    read_findings,
)

FULL = Finding(WARNING, "cam1", "its images are dark.", "Open the aperture.", Show((1001, 1003), ("jawOpen",)))
BARE = Finding(NOTE, "", "No texture was baked.")
MENDED = Finding(
    ERROR, "cam1", "it is late.", "Shift it.", None, (Offer(LEAVE_CAMERA, "Leave it out", ("cam1",)),), "shift=cam1:2"
)


def test_it_reads_as_one_line() -> None:
    assert str(FULL) == "warning: cam1: its images are dark. Open the aperture."
    assert FULL.text == "cam1: its images are dark. Open the aperture."
    assert FULL.words == "its images are dark. Open the aperture."
    assert str(BARE) == "note: No texture was baked."


@pytest.mark.parametrize("finding", [FULL, BARE, MENDED])
def test_json_gives_the_same_finding_back(finding: Finding) -> None:
    assert read_finding(json.loads(json.dumps(finding.record()))) == finding


@pytest.mark.parametrize(
    "change",
    [
        {"severity": "look"},
        {"sentence": 3},
        {"subject": None},
        {"action": {"open": {}}},
        {"action": 3},
        {"fix": 1},
        {"offers": [{}]},
    ],
)
def test_a_malformed_record_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(TakeError, match=r"finding: .* is malformed"):
        read_finding({**FULL.record(), **change})
    with pytest.raises(TakeError, match="malformed"):
        read_finding(["warning"])
    with pytest.raises(TakeError, match="malformed"):
        read_finding({name: value for name, value in FULL.record().items() if name != "remedy"})


def test_findings_survive_json_and_say_what_was_examined() -> None:
    record = json.loads(json.dumps(findings_record("facesolve doctor", [FULL, BARE])))
    assert record["kind"] == "facesolve doctor"
    assert read_findings(record) == (FULL, BARE)


@pytest.mark.parametrize("schema", [None, 1, 3])
def test_findings_of_another_version_are_refused(schema: object) -> None:
    with pytest.raises(TakeError, match="another version of Facesolve wrote them"):
        read_findings({**findings_record("facesolve doctor", [FULL]), "schema": schema})
    with pytest.raises(TakeError, match="holds none"):
        read_findings({"schema": 2})


def test_a_severity_of_no_kind_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="severity 'problem', expected one of error, warning, note"):
        Finding("problem", "", "x")


def test_the_gravest_come_first_in_their_order() -> None:
    first, second, third = Finding(ERROR, "a", "x"), Finding(NOTE, "b", "x"), Finding(NOTE, "a", "x")
    assert gravest_first([second, third, first]) == (first, second, third)


def test_a_malformed_finding_is_refused_in_one_short_printable_line() -> None:
    for severity in ("x\ny", "\x1b[31m", "x" * 5000):
        with pytest.raises(TakeError) as refused:
            read_findings({"schema": 2, "findings": [{**FULL.record(), "severity": severity}]})
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 400
