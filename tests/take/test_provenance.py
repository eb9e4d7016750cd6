"""What a solution says of its making: written and read alike, and nothing foreign is believed."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from facesolve.take.provenance import Provenance, read_provenance

FULL = Provenance(
    facesolve="0.1.0",
    torch="2.9.0",
    python="3.12.1",
    device="cpu",
    fingerprint="77ab",
    rasterizer="torch",
    date="2026-01-02T03:04:05+00:00",
    take="../take",
    take_name="rom",
    actor="../anna.npz",
    settings={"quality": "draft"},
    seconds={"track": 1.5, "refine": 2},
    start=("found by landmarks.",),
    keyframes=(1001, 1010),
    also_refined_on=("cuda:1",),
    residuals=("LandmarkResidual",),
    texture=("texture.1001.png",),
    camera_gains=((1.0, 0.9, 1.1),),
    camera_errors={"left": {"rotation_degrees": 0.02, "late_frames": 0.3}},
    method="first order (Adam), free",
    rates={"seed": 3},
    steps=12,
)


def test_json_gives_the_same_back() -> None:
    record = json.loads(json.dumps(FULL.record()))
    assert set(record) == {of.name for of in fields(Provenance)}
    assert read_provenance(record) == FULL


def test_what_is_not_known_is_not_written_but_that_no_texture_was_baked_is() -> None:
    assert Provenance().record() == {}
    assert Provenance(texture=None).record() == {"texture": None}
    assert read_provenance({"texture": None}).texture is None
    assert read_provenance({}) == Provenance()


@pytest.mark.parametrize("name", [of.name for of in fields(Provenance)])
@pytest.mark.parametrize("value", [3.5, {"track": [1]}, [["x"], 1], True])
def test_values_of_other_types_count_as_not_known(name: str, value: Any) -> None:
    if name in ("settings", "rates") and isinstance(value, dict):
        return  # whatever they hold is theirs
    assert read_provenance({name: value, "later": 1}) == Provenance()
