"""Scene to take, and the check before it: one reading of the scene serves both. Changes nothing in the scene.

Sampling (``sampling.py``) is the exception that moves controls; it puts everything back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import List, Optional, Sequence, Tuple

import numpy as np
from maya import cmds

from facesolve.take import Camera, Footage, Rig, StartPose, Take
from facesolve.take.camera import FISHEYE
from facesolve.take.finding import CHOOSE_FOOTAGE, FIND_HEAD, LOAD_CAMERAS, SET_RESOLUTION, Finding, Offer
from facesolve.take.in_words import listed
from facesolve.take.start_in_view import OUT_OF_SIGHT, parts_in_view
from facesolve_maya.scene.choices import LOCKED, OVER
from facesolve_maya.scene.findings import Refusal, Report
from facesolve_maya.scene.head import head_at, head_node
from facesolve_maya.scene.motion import plug_values, world_matrices
from facesolve_maya.scene.timeline import check_times, footage_frame_rate, retimed_frame_rate

from .cameras import camera_name, camera_shape, read_camera, refuse_unsupported
from .controls import key_choices, reaching
from .footage import CameraFootage, checked, footage_by_hand, footage_of_plane, image_plane
from .request import ExportRequest
from .retiming import camera_of, retiming, say_of_retiming
from .rig import read_rig
from .sampling import Recordings

FISHEYE_IN_MAYA = (
    "its lens is a fisheye, which Maya cannot show: the solve uses it, but the view shows a pinhole of the same focal "
    "length, which fits the footage in its middle only."
)


_RigAndHead = Tuple[Rig, str, Tuple[str, ...]]  # rig, head, names of controls that the scene sets


def preflight(request: ExportRequest) -> Tuple[Finding, ...]:
    """Every finding about the request, errors first. An export succeeds exactly when none is an error."""
    return _read(request)[1].findings


def export_take(request: ExportRequest) -> Take:
    """The take. Raises ExportError that holds every error that was found."""
    take, report = _read(request)
    report.raise_errors()
    assert take is not None
    return take


def _read(request: ExportRequest) -> Tuple[Optional[Take], Report]:
    report = Report()
    rig: Optional[_RigAndHead] = None
    cameras: Optional[Tuple[List[Camera], List[CameraFootage]]] = None
    with report.collecting("scene"):
        times = check_times(request.frames)
        with report.collecting("rig"):
            rig = _rig(request, times, report)
        with report.collecting("cameras"):
            cameras = _cameras(request, times, report)
    if rig is not None and cameras is not None and not report.failed:
        with report.collecting("take"):
            take = _take(request, times, rig, cameras, report)
            _say_of_start(take, request.head, report)
            return take, report
    return None, report


def _say_of_start(take: Take, head: str, report: Report) -> None:
    """A head that cameras do not see where the scene has it is looked for, not posed by hand."""
    unseen = [camera.name for camera, part in zip(take.cameras, parts_in_view(take)) if part < OUT_OF_SIGHT]
    if unseen:
        report.warning(
            head,
            "at the first frame most of it is outside the image of {}.".format(listed(unseen)),
            "Have the head looked for in the footage, or move it there.",
            (Offer(FIND_HEAD, "Find the head"),),
        )


def _rig(request: ExportRequest, times: Tuple[float, ...], report: Report) -> _RigAndHead:
    head = head_node(request.head)
    if request.sampled_controls:
        recordings = request.recordings or Recordings()
        return recordings.rig(request.meshes, head, request.sampled_controls, times, report), head, ()
    rig, controls = read_rig(request.meshes, head, times, report)
    return rig, head, controls.locked


def _cameras(
    request: ExportRequest, times: Tuple[float, ...], report: Report
) -> Tuple[List[Camera], List[CameraFootage]]:
    cameras: List[Camera] = []
    footage: List[CameraFootage] = []
    if not request.cameras:
        report.error(
            "scene",
            "no camera with footage is in it.",
            "Load cameras from a calibration file, or give a camera an image plane.",
            (Offer(LOAD_CAMERAS, "Load cameras…"),),
        )
    shown: List[Tuple[str, CameraFootage]] = []
    for given in request.cameras:
        with report.collecting(given):
            shape = camera_shape(given)
            refuse_unsupported(shape, times)
            found = checked(_footage(request, given, shape, times, report), request.on_bad_frame, report)
            shown.append((shape, found))
    matrices = world_matrices([shape for shape, _ in shown], times)
    for shape, found in shown:
        with report.collecting(found.camera):
            cameras.append(read_camera(shape, times, found.width, found.height, matrices[shape]))
            if cameras[-1].lens == FISHEYE:
                report.note(found.camera, FISHEYE_IN_MAYA, "For a view that fits, use undistorted footage.")
            footage.append(found)
            _compare_aspect(found, report)
    report.raise_errors()
    return cameras, footage


def _at_times(wanted: Tuple[float, ...], frames: Sequence[int], times: Sequence[float]) -> Tuple[int, ...]:
    """The take's frames that are shown at scene times; a part of a scene may lack some of those."""
    return tuple(frame for frame, time in zip(frames, times) if any(abs(time - one) < 1e-3 for one in wanted))


def _footage(request: ExportRequest, given: str, shape: str, times: Tuple[float, ...], report: Report) -> CameraFootage:
    name = camera_name(shape)
    by_hand = request.footage.get(name) or request.footage.get(given)
    if by_hand:
        return footage_by_hand(name, by_hand, times, request.footage_folders)
    plane = image_plane(shape, report)
    if plane is None:
        raise Refusal(
            name,
            "it has no image plane with footage.",
            "Add an image plane, or choose footage by hand.",
            (Offer(CHOOSE_FOOTAGE, "Choose footage…", (name,)),),
        )
    return footage_of_plane(name, plane, times, request.footage_folders, report)


def _compare_aspect(found: CameraFootage, report: Report) -> None:
    """The render settings decide what Maya shows through a camera; the footage decides what is solved."""
    width = float(cmds.getAttr("defaultResolution.width"))
    height = float(cmds.getAttr("defaultResolution.height"))
    if abs(width / height - found.width / found.height) > 0.005 * width / height:
        report.warning(
            found.camera,
            "the footage is {}x{}, the render resolution {:g}x{:g} has another aspect, so the view does not show what "
            "is solved.".format(found.width, found.height, width, height),
            "Set the render resolution to the footage's size.",
            (Offer(SET_RESOLUTION, "Render {}x{}".format(found.width, found.height), (found.width, found.height)),),
        )


def _take(
    request: ExportRequest,
    times: Tuple[float, ...],
    rig_and_head: _RigAndHead,
    cameras_and_footage: Tuple[List[Camera], List[CameraFootage]],
    report: Report,
) -> Take:
    (rig, head, locked), (cameras, found) = rig_and_head, cameras_and_footage
    shown = retiming(found, times)
    say_of_retiming(shown, times, report)
    at = tuple(times[row] for row in shown.rows)  # of each take frame
    controls = np.array([plug_values(control.plug, times[:1])[0] for control in rig.controls])
    for name in sorted(name for name, use in request.keys.items() if use == OVER and name not in rig.control_names):
        report.warning(
            name, "no control of this rig is called so; nothing is keyed over it.", "Use the control's name."
        )
    held = (name for name in locked if request.keys.get(name) != OVER)
    uses = {**request.keys, **dict.fromkeys(held, LOCKED)}
    rig, decided = request.with_character(rig)
    frames = [int(frame) for frame in shown.frames]
    neutral = (*decided.neutral, *_at_times(request.neutral, frames, at))
    settings, pins = key_choices(rig.controls, uses, frames, at, decided.controls, report)
    return Take(
        name=request.name,
        rig=replace(rig, controls=reaching(rig.controls, settings, pins)),
        cameras=tuple(camera_of(camera, shown, times, report) for camera in cameras),
        footage=tuple(
            Footage(f.camera, f.pattern, offset, color_space=f.color_space) for f, offset in zip(found, shown.offsets)
        ),
        frames=shown.frames,
        scene_times=np.array(at),
        fps=retimed_frame_rate(shown.frames) if shown.retimed else footage_frame_rate(times),
        start=StartPose(int(shown.numbers[0]), controls, head_at(head, times[0])),
        actor=request.actor or None,
        on_bad_frame=request.on_bad_frame,
        settings=replace(decided, controls=settings, pins=(*decided.pins, *pins), neutral=neutral),
        repeat_times=np.array(times)[shown.repeats],
        repeat_frames=shown.numbers[shown.repeats],
    )
