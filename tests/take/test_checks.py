"""Names that become files, and text that people read."""

from __future__ import annotations

import pytest

from facesolve.take import TakeError
from facesolve.take.checks import NAME, file_name, printable, shown

LEADING_ELSEWHERE = ("a/b", "..", ".", "a\\b", "c:", "CON", "aux.txt", "a.", " a", "a|b", "a?b", "a\nb", "", "x" * 400)


@pytest.mark.parametrize("name", LEADING_ELSEWHERE)
def test_a_name_that_leads_elsewhere_or_cannot_be_a_file_is_refused(name: str) -> None:
    with pytest.raises(TakeError, match=r"^the camera "):
        file_name(name, "the camera")


@pytest.mark.parametrize("name", ["cam0", "left eye", "Kamera-Ö", "a.b", "console", "ns_cam"])
def test_plain_names_can_be_files(name: str) -> None:
    assert file_name(name, "the camera") == name


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "\u2028", "\x1b[31mred", "a\tb", "  "])
def test_a_name_can_be_printed(name: str) -> None:
    with pytest.raises(TakeError):
        NAME(name, "the name")


def test_a_sentence_cannot_steer_a_terminal() -> None:
    assert printable("camera '\x1b[31m' has\n\ta größe \ud800.") == r"camera '\x1b[31m' has a größe \ud800."


def test_a_sentence_quotes_no_more_than_it_must() -> None:
    assert shown("x" * 5000) == "'" + "x" * 39 + "..."
    assert shown([1] * 9) == "a list of 9"
    assert "\x1b" not in shown("\x1b[31m")
