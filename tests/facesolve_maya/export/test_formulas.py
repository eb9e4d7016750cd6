"""Expressions as Maya stores them, read as functions of what arrives at them."""

import math

import pytest

from facesolve_maya.export.expressions import ControlValue
from facesolve_maya.export.formulas import Unreadable, read_formula


def value(text: str, output: int = 0, **at: float) -> float:
    """Of an output where the inputs are ``I0``, ``I1``."""
    return read_formula(text, output, lambda place: ControlValue(f"I{place}", "direct")).value(at)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("0.5 * .I[0] + 0.1", 0.35),
        ("-.I[0] * (2 - .I[1]) / 4", -0.15625),
        (".I[0] / .I[1]", 2 / 3),
        ("1 / (.I[0] + 1)", 2 / 3),
        ("abs(.I[0] - .I[1])", 0.25),
        ("clamp(0.6, 1, .I[0])", 0.6),
        ("min(.I[1], 0.5) + max(0.9, .I[0])", 1.4),
        ("smoothstep(0, 1, .I[1])", 3 * 0.75**2 - 2 * 0.75**3),
        ("linstep(0.5, 1.0, .I[1])", 0.5),
        ("pow(.I[0], 2) + sqrt(.I[1])", 0.25 + math.sqrt(0.75)),
        ("sin(deg_to_rad(90.0 * .I[0]))", math.sin(math.pi / 4)),
    ],
)
def test_a_formula_is_what_maya_computes(formula, expected):
    assert value(f".O[0] = {formula};", I0=0.5, I1=0.75) == pytest.approx(expected)


def test_outputs_variables_and_comments():
    text = "// brows\nfloat $up = .I[0] * 2; $up = $up + 1;\n.O[0] = $up;\n.O[1] = $up * .I[1];"
    assert value(text, 0, I0=3.0, I1=2.0) == 7.0
    assert value(text, 1, I0=3.0, I1=2.0) == 14.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (".O[0] = .I[0] * frame", "it reads 'frame'"),
        (".O[0] = .I[0] > 1 ? 2 : 3", "is no arithmetic"),
        (".O[0] = .I[0] > 1", "more than arithmetic"),
        ("if (.I[0] > 1) .O[0] = 2", "more than a list of formulas"),
        (".O[0] = noise(.I[0])", "it calls 'noise'"),
        (".O[0] = min(.I[0], .I[1])", "several numbers that move meet in 'min'"),
        (".O[0] = 1 / 2 * .I[0]", "it divides whole numbers"),
        (".O[0] = .I[0] / 0", "more than arithmetic"),
        (".O[1] = .I[0]", "it does not set this output"),
        ("", "it does not set this output"),
    ],
)
def test_what_is_not_read_is_said(text, words):
    with pytest.raises(Unreadable, match=words):
        value(text, I0=0.5, I1=0.75)
