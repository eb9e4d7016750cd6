"""Tensors nested in tuples and dataclasses."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from facesolve.optimize.nested import chosen, copied, tensors_of, with_tensors


@dataclass(frozen=True, eq=False)
class Leaf:
    value: Tensor
    name: str


@dataclass(frozen=True, eq=False)
class Closed:
    value: Tensor

    def constants(self) -> tuple[object, ...]:
        return (self.value,)


@dataclass(frozen=True, eq=False)
class Tree:
    leaf: Leaf
    pair: tuple[Tensor, None]
    closed: Closed


def tree(value: float) -> Tree:
    return Tree(Leaf(torch.full((3,), value), "a"), (torch.full((3, 2), -value), None), Closed(torch.zeros(1)))


def test_tensors_come_in_order_and_closed_things_stay_closed():
    one = tree(2.0)
    assert [part.shape for part in tensors_of(one)] == [(3,), (3, 2)]
    other = with_tensors(one, iter([torch.zeros(1), torch.ones(2)]))
    assert other.leaf.value.tolist() == [0.0]
    assert other.pair[0].tolist() == [1.0, 1.0]
    assert other.closed is one.closed
    assert other.leaf.name == "a"


@pytest.mark.parametrize("use_new", [False, True])
def test_one_answer_takes_every_tensor_from_one_side(use_new):
    old, new = tree(1.0), tree(2.0)
    assert chosen(old, new, torch.tensor(use_new)) is (new if use_new else old)


def test_an_answer_for_each_row_takes_whole_rows():
    taken = chosen(tree(1.0), tree(2.0), torch.tensor([True, False, True]))
    assert taken.leaf.value.tolist() == [2.0, 1.0, 2.0]
    assert taken.pair[0].tolist() == [[-2.0, -2.0], [-1.0, -1.0], [-2.0, -2.0]]


def test_a_copy_shares_no_tensor():
    one = tree(1.0)
    other = copied(one)
    one.leaf.value.zero_()
    assert other.leaf.value.tolist() == [1.0] * 3


def test_a_single_answer_on_a_device_chooses_tensors_without_dimensions() -> None:
    """As on a GPU, which is not asked for the answer."""
    number = torch.zeros((), device="meta")
    assert chosen((number, number[None]), (number + 1, number[None]), torch.tensor(True, device="meta"))[0].shape == ()
