"""Tensors nested in tuples and dataclasses: all of them in order, the same structure with others, one or the other.

A dataclass with a method ``constants`` is not looked into: it stands for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

Value = TypeVar("Value")


def tensors_of(value: Any) -> Iterator[Tensor]:
    """The tensors, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from tensors_of(part)
    elif _is_open(value):
        for field in fields(value):
            yield from tensors_of(getattr(value, field.name))


def mapped(function: Callable[..., Tensor], value: Value, *others: Value) -> Value:
    """``value`` with each tensor replaced by ``function`` of it and of the tensors in its place in ``others``."""
    result: Any = value
    if isinstance(value, Tensor):
        result = function(value, *others)
    elif isinstance(value, tuple):
        result = tuple(mapped(function, *parts) for parts in zip(value, *others, strict=True))
    elif _is_open(value):
        names = [field.name for field in fields(value)]  # type: ignore[arg-type]
        changed = {name: mapped(function, *(getattr(each, name) for each in (value, *others))) for name in names}
        result = replace(value, **changed)  # type: ignore[type-var]
    return result


def chosen(old: Value, new: Value, use_new: Tensor) -> Value:
    """``new`` where ``use_new`` (...) bool is True, else ``old``; the tensors' leading dimensions are those of it.

    A single answer on a CPU chooses without a copy, and what is chosen may then be anything.
    """
    if use_new.ndim == 0 and use_new.device.type == "cpu":
        return new if bool(use_new) else old

    def each(before: Tensor, after: Tensor) -> Tensor:
        if before is after:
            return before
        shape = (*use_new.shape, *[1] * (before.ndim - use_new.ndim))
        return torch.where(use_new.view(shape), after, before)

    return mapped(each, old, new)


def copied(value: Value) -> Value:
    """The same with its tensors copied."""
    return mapped(torch.clone, value)


def with_tensors(value: Value, tensors: Iterator[Tensor]) -> Value:
    """``value`` with these tensors, in order, in the place of its own."""
    return mapped(lambda _: next(tensors), value)


def _is_open(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type) and not hasattr(value, "constants")
