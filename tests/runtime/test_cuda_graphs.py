"""Repeated steps: where nothing is recorded they are plainly done; with a GPU a recording gives the same."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from facesolve.runtime.cuda_graphs import Recordings, chosen


@dataclass(frozen=True, eq=False)
class State:
    value: Tensor
    steps: Tensor
    extra: tuple[Tensor, None]


def begun(device: str = "cpu", value: float = 1.0) -> State:
    zero = torch.zeros(3, device=device)
    return State(zero + value, zero[0].clone(), (zero.clone(), None))


def grow(inputs: tuple[Tensor, ...], now: State) -> State:
    return State(now.value * inputs[0], now.steps + 1, (now.extra[0] + now.value, None))


def test_repeats_until_the_times_are_over():
    start = begun()
    end = Recordings().repeat("grow", grow, (torch.tensor(2.0),), start, 5, lambda state: False)
    assert end.value.tolist() == [32.0] * 3
    assert end.extra[0].tolist() == [31.0] * 3
    assert start.value.tolist() == [1.0] * 3


def test_stops_when_it_is_finished():
    end = Recordings().repeat("grow", grow, (torch.tensor(2.0),), begun(), 50, lambda state: bool(state.value[0] > 10))
    assert end.steps.item() == 4


@pytest.mark.parametrize("use_new", [False, True])
def test_chosen_takes_every_tensor_from_one_side(use_new):
    old, new = begun(value=1.0), grow((torch.tensor(3.0),), begun(value=2.0))
    result = chosen(old, new, torch.tensor(use_new))
    expected = new if use_new else old
    assert result.value.equal(expected.value)
    assert result.steps.equal(expected.steps)
    assert result.extra[0].equal(expected.extra[0])
    assert result.extra[1] is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_recording_gives_what_the_steps_give_for_new_inputs_too():
    recordings = Recordings()
    for factor, times in ((2.0, 5), (3.0, 2), (0.5, 7), (2.0, 1)):
        ends = [
            recordings.repeat(
                "grow", grow, (torch.tensor(factor, device=device),), begun(device), times, lambda _: False
            )
            for device in ("cpu", "cuda")
        ]
        for plain, recorded in zip(*((end.value, end.steps, end.extra[0]) for end in ends), strict=True):
            torch.testing.assert_close(recorded.cpu(), plain)


def set_back(inputs: tuple[Tensor, ...], now: State) -> State:
    return State(now.value * 0 + inputs[0], now.steps, now.extra)


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))]


@pytest.mark.parametrize("key", ["grow", None])
@pytest.mark.parametrize("device", DEVICES)
def test_the_beginning_is_applied_once_before_the_steps_every_time(device, key):
    recordings = Recordings()
    for factor, value in ((2.0, 1.0), (3.0, 7.0), (0.5, 2.0)):
        inputs = (torch.tensor(factor, device=device),)
        end = recordings.repeat(key, grow, inputs, begun(device, value), 5, lambda _: False, begin=set_back)
        torch.testing.assert_close(end.value.cpu(), torch.full((3,), factor**6))
        assert int(end.steps) == 5
