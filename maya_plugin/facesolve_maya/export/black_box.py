"""Weights and channels that nobody can read: recorded while the controls that may drive them are moved.

What is recorded are numbers, never meshes: which controls matter, how each acts alone, and where two act on each other,
or three where that is not all.
Everything is put back.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import Dict, Iterator, List, Sequence, Tuple

import numpy as np
from maya import cmds

from facesolve_maya.scene.plugs import driver_of, keys_of, kinds_of, split
from facesolve_maya.scene.undisturbed import undisturbed
from facesolve_maya.scene.units import internal_factor

from .drivers import is_control, limits
from .expressions import Constant, ControlValue, Curve, Expression, Grid, Sum

_FIRST = 9  # places on a control's range at which it is recorded, before it is looked at more closely
_DEEPEST = 5  # halvings of an interval in which an output bends
_PAIR = 9  # places a side, at most, where two controls act on each other
_TRIPLE = 5  # where three do
_MOST_TRIPLES = 40  # that are looked at
_TOLERANCE = 5e-4  # of the output's way: what differs by less is the same
_CHECKS = 12  # random poses at which what was recorded is compared with the scene
SAMPLED = "sampled"  # the kind of a control that was moved
_CHANNELS = tuple(kind + axis for kind in ("translate", "rotate") for axis in "XYZ")


@dataclass(frozen=True, eq=False)
class Recording:
    """What was recorded of some plugs, by plug: expressions; left: how far each is from the scene at random poses, as a
    part of its way; ways: from its lowest to its highest value, shown units, one control moved at a time, beside others
    where alone none moves it."""

    expressions: Dict[str, Expression]
    left: Dict[str, float]
    ways: Dict[str, float]


def record(plugs: Sequence[str], time: float) -> Recording:
    """The plugs as functions of the controls above them; those that no control moves are left out."""
    spans = {}
    for plug in plugs:
        for control in _controls_above(plug):
            spans[control] = _span(control)
    if not spans:
        return Recording({}, {}, {})
    with undisturbed(tuple(spans), time):
        return _Box(tuple(plugs), spans).recording()


def _span(control: str) -> Tuple[float, float, float]:
    """Lowest, highest and present value, shown units."""
    low, high = limits(control)
    assert low is not None
    assert high is not None
    return low, high, min(max(float(cmds.getAttr(control)), low), high)


def _controls_above(plug: str) -> List[str]:
    """What an animator may move, with limits, that is connected to a plug from above."""
    found: List[str] = []
    above = driver_of(plug)
    waiting, seen = [split(above)[0]] if above is not None else [], set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        given = cmds.listConnections(node, source=True, destination=False, plugs=True, skipConversionNodes=False) or []
        for source in given:
            giver, attribute = split(source)
            if is_control(giver, attribute):
                found += [source] if _free(source) else []
            elif "transform" in kinds_of(giver) and giver != split(plug)[0]:
                found += [c for c in ("{}.{}".format(giver, name) for name in _CHANNELS) if _free(c)]
            waiting.append(giver)
    return list(dict.fromkeys(found))


def _free(control: str) -> bool:
    driven = driver_of(control) is not None and keys_of(control) is None
    return None not in limits(control) and not driven and not cmds.getAttr(control, lock=True)


class _Box:
    """Outputs (n) of controls that are at rest unless they are moved."""

    def __init__(self, plugs: Tuple[str, ...], spans: Dict[str, Tuple[float, float, float]]) -> None:
        self._plugs, self._spans = plugs, spans
        for control, (_, _, rest) in spans.items():
            cmds.setAttr(control, rest)
        self._rest = self._values()
        self._alone: Dict[str, Tuple[np.ndarray, np.ndarray]] = {}  # places (m,), values less those at rest (m, n)

    def recording(self) -> Recording:
        for control in self._spans:
            self._alone[control] = self._response(control)
        ways = np.max([np.ptp(values, axis=0) for _, values in self._alone.values()], axis=0)
        beside = {control: self._beside_others(control) for control in self._spans}
        ways = np.where(ways > 1e-9, ways, np.max(list(beside.values()), axis=0))
        least = np.maximum(_TOLERANCE * ways, 1e-9)
        moves = {control: np.ptp(values, axis=0) > least for control, (_, values) in self._alone.items()}
        terms: Dict[int, List[Tuple[float, Expression]]] = {n: [] for n in range(len(self._plugs))}
        for control, (places, values) in self._alone.items():
            for n in np.flatnonzero(moves[control]).tolist():
                terms[n].append((1.0, self._curve(control, places, values[:, n], n)))
        depends = {control: moves[control] | (beside[control] > least) for control in self._spans}
        for first, second in combinations(self._spans, 2):
            both = depends[first] & depends[second]
            for output, grid in self._interaction(first, second, both, least):
                terms[output].append((1.0, grid))
        left = self._left(self._sums(terms), ways)
        for output, grid in self._triples(terms, left, depends, least):
            terms[output].append((1.0, grid))
        found = self._sums(terms)
        return Recording(found, self._left(found, ways), dict(zip(self._plugs, ways.tolist())))

    def _sums(self, terms: Dict[int, List[Tuple[float, Expression]]]) -> Dict[str, Expression]:
        """By plug what it is at rest and all that is added to that, internal units."""
        found: Dict[str, Expression] = {}
        for place, plug in enumerate(self._plugs):
            if terms[place]:
                rest = Constant(float(self._rest[place]) * internal_factor(plug))
                found[plug] = Sum(((1.0, rest), *terms[place]))
        return found

    def _triples(
        self,
        terms: Dict[int, List[Tuple[float, Expression]]],
        left: Dict[str, float],
        depends: Dict[str, np.ndarray],
        least: np.ndarray,
    ) -> Iterator[Tuple[int, Grid]]:
        """What three controls do together beyond one and two, for the outputs that random poses show wanting."""
        wanting = np.array([left.get(plug, 1.0) > _TOLERANCE for plug in self._plugs])
        sums = self._sums(terms)
        chosen = [
            (three, both)
            for three in combinations(self._spans, 3)
            for both in [wanting & depends[three[0]] & depends[three[1]] & depends[three[2]]]
            if both.any()
        ]
        for three, both in chosen[:_MOST_TRIPLES]:
            ends = [self._spans[control][:2] for control in three]
            apart = np.max([np.abs(self._beyond(sums, three, pose, both)) for pose in product(*ends)], axis=0)
            shown = np.flatnonzero(both & (apart > least))
            if not len(shown):
                continue
            axes = [self._few(control, _TRIPLE) for control in three]
            values = np.array([self._beyond(sums, three, pose, both) for pose in product(*axes)])
            values = values.reshape(*map(len, axes), -1)
            inputs = tuple(axis * internal_factor(control) for control, axis in zip(three, axes))
            sources = tuple(ControlValue(control, SAMPLED) for control in three)
            for n in shown.tolist():
                yield n, Grid(sources, inputs, values[..., n] * internal_factor(self._plugs[n]))

    def _beyond(
        self, sums: Dict[str, Expression], controls: Sequence[str], values: Sequence[float], some: np.ndarray
    ) -> np.ndarray:
        """(n,) what some outputs are beyond their sums, shown units, the controls at values and all others at rest."""
        pose = dict(zip(controls, map(float, values)))
        everywhere = {control: rest for control, (_, _, rest) in self._spans.items()}
        internal = {c: value * internal_factor(c) for c, value in {**everywhere, **pose}.items()}
        found = self._at(pose) + self._rest
        for n in np.flatnonzero(some).tolist():
            plug = self._plugs[n]
            found[n] -= sums[plug].value(internal) / internal_factor(plug) if plug in sums else self._rest[n]
        return np.where(some, found, 0.0)

    def _values(self) -> np.ndarray:
        return np.array([float(cmds.getAttr(plug)) for plug in self._plugs])

    def _at(self, values: Dict[str, float]) -> np.ndarray:
        """(n,) outputs less those at rest, with some controls moved, which go back."""
        for control, value in values.items():
            cmds.setAttr(control, value)
        found = self._values() - self._rest
        for control in values:
            cmds.setAttr(control, self._spans[control][2])
        return found

    def _response(self, control: str) -> Tuple[np.ndarray, np.ndarray]:
        """Places on a control's range and what the outputs are there, closer together where they bend."""
        low, high, rest = self._spans[control]
        known = {float(x): self._at({control: float(x)}) for x in {*np.linspace(low, high, _FIRST), rest}}
        scale = np.maximum(np.ptp(list(known.values()), axis=0), 1e-9)

        def refine(left: float, right: float, depth: int) -> None:
            middle = 0.5 * (left + right)
            known[middle] = self._at({control: middle})
            bend = np.abs(known[middle] - 0.5 * (known[left] + known[right]))
            if depth and (bend > _TOLERANCE * scale).any():
                refine(left, middle, depth - 1)
                refine(middle, right, depth - 1)

        first = sorted(known)
        if np.ptp(list(known.values()), axis=0).any():
            for place in range(len(first) - 1):
                refine(first[place], first[place + 1], _DEEPEST)
        places = np.array(sorted(known))
        return places, np.stack([known[float(x)] for x in places])

    def _beside_others(self, control: str) -> np.ndarray:
        """(n,) how far a control moves the outputs beside moved others: at rest a product may show nothing."""
        random = np.random.default_rng(1)
        others = {name: float(random.uniform(low, high)) for name, (low, high, _) in self._spans.items()}
        low, high, _ = self._spans[control]
        return np.ptp([self._at({**others, control: value}) for value in (low, 0.5 * (low + high), high)], axis=0)

    def _curve(self, control: str, places: np.ndarray, values: np.ndarray, output: int) -> Expression:
        inputs = places * internal_factor(control)
        outputs = values * internal_factor(self._plugs[output])
        return Curve(ControlValue(control, SAMPLED), lambda x: float(np.interp(x, inputs, outputs)), tuple(inputs))

    def _interaction(
        self, first: str, second: str, both: np.ndarray, least: np.ndarray
    ) -> List[Tuple[int, Expression]]:
        """What two controls do together beyond what each does alone, for the outputs that show it."""
        if not both.any():
            return []
        corners = [(a, b) for a in self._ends(first) for b in self._ends(second)]
        apart = np.max([np.abs(self._together(first, second, a, b)) for a, b in corners], axis=0)
        shown = np.flatnonzero(both & (apart > least))
        if not len(shown):
            return []
        axes = self._few(first), self._few(second)
        values = np.array([[self._together(first, second, a, b) for b in axes[1]] for a in axes[0]])
        sources = ControlValue(first, SAMPLED), ControlValue(second, SAMPLED)
        inputs = axes[0] * internal_factor(first), axes[1] * internal_factor(second)
        return [(int(n), Grid(sources, inputs, values[..., n] * internal_factor(self._plugs[n]))) for n in shown]

    def _together(self, first: str, second: str, a: float, b: float) -> np.ndarray:
        return self._at({first: a, second: b}) - self._alone_at(first, a) - self._alone_at(second, b)

    def _alone_at(self, control: str, value: float) -> np.ndarray:
        places, values = self._alone[control]
        return np.array([np.interp(value, places, column) for column in values.T])

    def _ends(self, control: str) -> List[float]:
        low, high, rest = self._spans[control]
        return [x for x in (low, 0.5 * (low + rest), 0.5 * (rest + high), high) if abs(x - rest) > 1e-9 * (high - low)]

    def _few(self, control: str, most: int = _PAIR) -> np.ndarray:
        """Some places of a control, its rest among them: where it bends if that is seldom, else evenly."""
        low, high, rest = self._spans[control]
        places, values = self._alone[control]
        bends = np.zeros(len(places), bool)
        if len(places) > 2:
            slopes = np.diff(values, axis=0) / np.diff(places)[:, None]
            change = np.abs(np.diff(slopes, axis=0)).max(axis=1)
            bends[1:-1] = change > 1e-3 * max(float(np.abs(slopes).max()), 1e-12)
        corners = places[bends]
        if len(corners) > most - 3:
            corners = np.linspace(low, high, most - 1)
        return np.unique(np.concatenate([corners, [low, rest, high]]))

    def _left(self, found: Dict[str, Expression], ways: np.ndarray) -> Dict[str, float]:
        random = np.random.default_rng(0)
        left = dict.fromkeys(found, 0.0)
        for _ in range(_CHECKS if found else 0):
            pose = {control: float(random.uniform(low, high)) for control, (low, high, _) in self._spans.items()}
            actual = self._at(pose) + self._rest
            internal = {control: value * internal_factor(control) for control, value in pose.items()}
            for n, plug in enumerate(self._plugs):
                if plug in found:
                    here = found[plug].value(internal) / internal_factor(plug)
                    left[plug] = max(left[plug], abs(here - actual[n]) / max(float(ways[n]), 1e-9))
        return left
