"""Tests of verdicts as data."""

import json

import numpy as np
import pytest

from facesolve.take import TakeError
from facesolve.take.finding import LEAVE_CAMERA
from facesolve.take.verdict import DOES_NOT_FIT, DOUBTFUL, FITS, CameraAgreement, Verdict, read_verdict

VERDICT = Verdict(
    DOUBTFUL,
    "camera 'b' is off by 1.2 mm.",
    correlation=0.81,
    off_mm=1.2,
    frames=(3, 4),
    cameras={"a": CameraAgreement(0.9, 0.1, 0.8), "b": CameraAgreement()},
    next_step="Check its calibration.",
    offer=LEAVE_CAMERA,
)


def test_a_verdict_survives_its_json_with_what_is_not_known():
    again = read_verdict(json.loads(json.dumps(VERDICT.record(), allow_nan=False)))
    assert again.record() == VERDICT.record()
    assert again.cameras["a"] == VERDICT.cameras["a"]
    assert np.isnan([again.contrast, again.cameras["b"].correlation]).all()


def test_what_is_not_sure_asks_before_it_is_used():
    assert [Verdict(verdict, "").asks for verdict in (FITS, DOUBTFUL, DOES_NOT_FIT)] == [False, True, True]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {},
        dict(VERDICT.record(), verdict="good"),
        dict(VERDICT.record(), share="all"),
        dict(VERDICT.record(), offer="a pony"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(wrong: object):
    with pytest.raises(TakeError):
        read_verdict(wrong)
