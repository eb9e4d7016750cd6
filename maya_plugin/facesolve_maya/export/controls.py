"""The controls of the rig: what the solver solves for and what gets keyed. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, List, Optional, Sequence, Set, Tuple

import numpy as np
from maya import cmds

from facesolve.take import Combination, Control, ControlSettings, Driver, Pin
from facesolve.take.finding import WARNING, Finding
from facesolve_maya.scene.choices import FREE, LOCKED, PINNED
from facesolve_maya.scene.findings import Refusal, Report
from facesolve_maya.scene.motion import plug_values
from facesolve_maya.scene.plugs import obstacle, short_name, source, split
from facesolve_maya.scene.units import internal_factor

from .black_box import SAMPLED
from .drivers import COMBINATION, Drive, Path, classify, is_channel, limits, piecewise, rest_value
from .expressions import ControlValue, Expression
from .unread import Unread, put_in, replaced
from .upstream import SCENE, read_expression

_AT_REST = 1e-4  # of a weight
THROUGH_NODES = "utility nodes"


@dataclass(frozen=True)
class DrivenTarget:
    """A target's weight plug and the activations of its shapes, in the rig's order of targets.

    size: centimeters by which a weight of 1 moves the farthest vertex.
    """

    name: str
    weight: str
    activations: Tuple[float, ...]
    size: float = 0.0


@dataclass(frozen=True)
class ControlSet:
    """controls with their drivers and combinations; kinds: how each control reaches its weights, for the panel.

    expressions: what further targets' weights are of the controls, by target. factors: internal units of one shown unit
    of each control. locked: names of controls that the scene sets, because nobody could read how.
    """

    controls: Tuple[Control, ...]
    drivers: Tuple[Driver, ...]
    combinations: Tuple[Combination, ...]
    kinds: Tuple[str, ...]
    expressions: Dict[int, Expression] = field(default_factory=dict)
    factors: Tuple[float, ...] = ()
    locked: Tuple[str, ...] = ()


def read_controls(
    targets: Sequence[DrivenTarget], times: Sequence[float], report: Report, channels: Sequence[Expression] = ()
) -> ControlSet:
    """Controls of all targets, and of channels of joints.

    A weight that cannot be read becomes a control of its own, locked to the scene's value, with a warning.

    times: scene times; a transform's channel that moves nothing at the first is at rest there.
    """
    drives, expressions = _drives(targets, times, report)
    ways: Dict[str, List[Tuple[int, Path]]] = {}
    kinds: Dict[str, str] = {}
    for index, drive in enumerate(drives):
        for path in drive.paths if drive is not None else ():
            ways.setdefault(_same_plug(path.control), []).append((index, path))
            kinds.setdefault(_same_plug(path.control), drive.kind if drive is not None else "")
    for expression in [*expressions.values(), *channels]:
        for plug in sorted(expression.controls):
            ways.setdefault(_same_plug(plug), [])
            kinds.setdefault(_same_plug(plug), SCENE if _set_by_scene(expression, plug) else _kind_of(expression, plug))
    names = _unique_names(list(ways))
    controls: List[Control] = []
    drivers: List[Driver] = []
    for number, (plug, paths) in enumerate(ways.items()):
        factor = internal_factor(plug)
        if kinds[plug] == SCENE:
            low, high = _scene_range(plug, times)
        else:
            low, high = _range(plug, paths, targets, factor)
        default = min(max(_rest(plug, [path for _, path in paths], factor, times[0]), low), high)
        controls.append(Control(names[number], low, high, default, plug))
        for index, path in paths:
            inputs, outputs = piecewise(path, low, high, factor)
            drivers.append(Driver(number, index, inputs, outputs))
    combinations = _combinations(targets, drives, report)
    return ControlSet(
        tuple(controls),
        tuple(drivers),
        combinations,
        tuple(kinds[plug] for plug in ways),
        {index: same_plugs(expression) for index, expression in expressions.items()},
        tuple(internal_factor(plug) for plug in ways),
        tuple(control.name for control, plug in zip(controls, ways) if kinds[plug] == SCENE),
    )


def _drives(
    targets: Sequence[DrivenTarget], times: Sequence[float], report: Report
) -> Tuple[List[Optional[Drive]], Dict[int, Expression]]:
    """What drives each target's weight: a drive, or None and an expression."""
    drives: List[Optional[Drive]] = []
    expressions: Dict[int, Expression] = {}
    for target in targets:
        try:
            drives.append(classify(target.weight))
        except Refusal:
            drives.append(None)
    ranged = {_same_plug(path.control) for drive in drives if drive is not None for path in drive.paths}
    sizes = {target.weight: target.size for target in targets}
    unread = Unread(tuple(times), report, "weight", still=False, sizes=sizes)
    for index, drive in enumerate(drives):
        if drive is None:
            expressions[index] = _expression(targets[index].weight, ranged, unread)
    settled = unread.settled()
    expressions = {index: put_in(expression, settled) for index, expression in expressions.items()}
    return drives, expressions


def _expression(weight: str, ranged: Set[str], unread: Unread) -> Expression:
    """What a weight is of the controls. ranged: plugs of controls whose range follows from what else they drive."""
    try:
        found = read_expression(weight)
        bare = [plug for plug in sorted(found.controls) if _same_plug(plug) not in ranged and not has_range(plug)]
        if not bare:
            return found
        why = Finding(WARNING, bare[0], "it has no limits", "Set its limits to have it solved.")
    except Refusal as refusal:
        why = refusal.findings[0]
    return unread.put(weight, why)


def has_range(plug: str) -> bool:
    """Whether something says how far a control may go: limits, or that it is a weight."""
    return cmds.nodeType(split(plug)[0]) == "blendShape" or None not in limits(plug)


def _kind_of(expression: Expression, plug: str) -> str:
    """How a control reaches what it drives through an expression."""
    kinds: List[str] = []

    def look(control: ControlValue) -> ControlValue:
        if control.plug == plug:
            kinds.append(control.kind)
        return control

    replaced(expression, look)
    return SAMPLED if SAMPLED in kinds else THROUGH_NODES


def _set_by_scene(expression: Expression, plug: str) -> bool:
    return isinstance(expression, ControlValue) and expression.plug == plug and expression.kind == SCENE


def _scene_range(plug: str, times: Sequence[float]) -> Tuple[float, float]:
    values = plug_values(plug, times)
    low, high = limits(plug)
    low, high = 0.0 if low is None else low, 1.0 if high is None else high
    return min(low, float(values.min())), max(high, float(values.max()))


def plugs_of(controls: ControlSet) -> Dict[str, Tuple[int, Control]]:
    """Place and control of each plug."""
    return {control.plug: (place, control) for place, control in enumerate(controls.controls)}


def same_plugs(expression: Expression) -> Expression:
    """The expression with its controls' plugs in the one spelling that controls have."""
    return replaced(expression, lambda control: ControlValue(_same_plug(control.plug), control.kind))


def _rest(plug: str, paths: List[Path], factor: float, time: float) -> float:
    """Where the control moves nothing: at the first time when that is so there, else its attribute's default.

    The controls of a face board sit beside each other, away from zero.
    """
    if is_channel(plug):
        value = float(cmds.getAttr(plug, time=time))
        if all(abs(path(value * factor)) < _AT_REST for path in paths):
            return value
    return rest_value(plug)


def _same_plug(plug: str) -> str:
    """One spelling for a plug, whether it came as alias or as ``weight[i]``: shortest node name, its alias if any."""
    node, attribute = split(plug)
    alias = cmds.aliasAttr(plug, query=True)
    return "{}.{}".format(short_name(node), alias if alias else attribute)


def _unique_names(plugs: List[str]) -> List[str]:
    """The attribute's name where only one plug has it, else ``node.attribute``."""
    attributes = [split(plug)[1] for plug in plugs]
    return [
        attribute if attributes.count(attribute) == 1 else plug.rpartition("|")[2]
        for plug, attribute in zip(plugs, attributes)
    ]


def _range(
    plug: str, paths: List[Tuple[int, Path]], targets: Sequence[DrivenTarget], factor: float
) -> Tuple[float, float]:
    """The control's limits; where it has none, the part of its axis that moves its targets between their shapes."""
    low, high = limits(plug)
    if low is not None and high is not None:
        return low, high
    ends: List[float] = [] if paths else [0.0, 1.0]  # a weight: nothing else comes here without limits
    for index, path in paths:
        if path.breaks:
            ends += [path.breaks[0] / factor, path.breaks[-1] / factor]
            continue
        slope = (path(1.0) - path(0.0)) * factor
        reach = (min(0.0, *targets[index].activations), max(1.0, *targets[index].activations))
        ends += [(value - path(0.0)) / slope for value in reach if slope]
    if not ends:
        raise Refusal(plug, "moving this control changes nothing.", "Take it out of the rig's connections.")
    return (min(ends) if low is None else low), (max(ends) if high is None else high)


def _combinations(
    targets: Sequence[DrivenTarget], drives: Sequence[Optional[Drive]], report: Report
) -> Tuple[Combination, ...]:
    """Combination targets, each after what it depends on."""
    place = {_same_plug(target.weight): index for index, target in enumerate(targets)}
    for index, target in enumerate(targets):
        above = source(target.weight)
        if above is not None:
            place.setdefault(_same_plug(above), index)
    waiting: List[Combination] = []
    for index, drive in enumerate(drives):
        if drive is None or drive.kind != COMBINATION:
            continue
        unknown = [plug for plug in drive.combined if _same_plug(plug) not in place]
        if unknown:
            report.error(
                targets[index].weight,
                "it is a combination with '{}', which drives no target of this head.".format(unknown[0]),
                "Combine weights of the head's own targets.",
            )
            continue
        waiting.append(Combination(index, tuple(place[_same_plug(p)] for p in drive.combined), drive.method))
    ordered: List[Combination] = []
    while waiting:
        open_targets = {combination.target for combination in waiting}
        ready = [c for c in waiting if not open_targets.intersection(c.drivers)]
        if not ready:
            report.error(
                targets[waiting[0].target].weight, "its combinations depend on each other.", "Break the cycle."
            )
            break
        ordered += ready
        waiting = [combination for combination in waiting if combination not in ready]
    return tuple(ordered)


def reaching(
    controls: Sequence[Control], settings: Sequence[ControlSettings], pins: Sequence[Pin]
) -> Tuple[Control, ...]:
    """The controls with ranges that hold what locks and pins take from the scene: its keys are right."""
    values: Dict[str, List[float]] = {control.name: [] for control in controls}
    for one in settings:
        if one.lock is not None and one.name in values:
            values[one.name] += [float(one.lock.min()), float(one.lock.max())]
    for pin in pins:
        values.setdefault(pin.control, []).append(pin.value)
    return tuple(
        replace(
            control,
            minimum=min([control.minimum, *values[control.name]]),
            maximum=max([control.maximum, *values[control.name]]),
        )
        for control in controls
    )


def key_choices(
    controls: Sequence[Control],
    uses: Dict[str, str],
    frames: Sequence[int],
    times: Sequence[float],
    given: Sequence[ControlSettings],
    report: Report,
) -> Tuple[Tuple[ControlSettings, ...], Tuple[Pin, ...]]:
    """Settings with locks, and pins, from keys that the scene holds.

    ``pinned`` controls give a pin at each key within the take; ``locked`` ones, and plugs that Maya has locked, follow
    their curve exactly.
    """
    settings = {control.name: control for control in given}
    pins: List[Pin] = []
    for control in controls:
        use = uses.get(control.name, FREE)
        why = obstacle(control.plug)
        if why and use != LOCKED:
            report.warning(
                control.plug,
                "this control is {}; the solve leaves it as it is in the scene.".format(why),
                "Unlock it to have it solved.",
            )
        if why or use == LOCKED:
            values = plug_values(control.plug, times)
            curve = values[:1] if np.ptp(values) < 1e-9 else values
            old = settings.get(control.name)
            stiffness = old.stiffness if old is not None else 1.0
            settings[control.name] = ControlSettings(control.name, lock=curve, stiffness=stiffness)
        elif use == PINNED:
            keyed = set(cmds.keyframe(control.plug, query=True, timeChange=True) or [])
            for frame, time in zip(frames, times):
                if any(abs(key - time) < 1e-3 for key in keyed):
                    pins.append(Pin(int(frame), control.name, float(cmds.getAttr(control.plug, time=time))))
    return tuple(settings.values()), tuple(pins)
