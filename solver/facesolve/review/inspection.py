"""What is in a take and what is wrong with it, as data and as tables. Looks at footage; solves nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from facesolve.footage import check_footage
from facesolve.footage.check_pixels import check_pixels
from facesolve.geometry.camera_sense import camera_findings
from facesolve.geometry.face_weight import share_with_a_say
from facesolve.take import Camera, Rig, Take
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.camera import FISHEYE
from facesolve.take.finding import ERROR, NOTE, WARNING, Finding, findings_record, gravest_first
from facesolve.take.names import UDIM
from facesolve.take.start_in_view import OUT_OF_SIGHT, parts_in_view

FEW_CAMERAS = 2
READ_AT_MOST = 50  # images of each camera that are proved whole; every file is looked for
LEAST_SAY = 1 / 3  # of what expressions move, by area; teeth and tongue, which never drive, are a third of it


@dataclass(frozen=True)
class Inspection:
    """All findings, the gravest first."""

    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Those that stop a solve."""
        return tuple(finding for finding in self.findings if finding.severity == ERROR)

    @property
    def stops_a_solve(self) -> bool:
        """True when at least one finding is an error."""
        return bool(self.errors)


def inspect_take(take: Take) -> Inspection:
    """Checks what reading a take does not: cameras, footage, start pose in the images, idle controls and targets."""
    findings = [*_rig_findings(take.rig), *camera_findings([_first(camera) for camera in take.cameras])]
    findings += [*_start_findings(take), *_setting_findings(take)]
    every = max(1, take.frame_count // READ_AT_MOST)
    findings += check_footage(take, every)
    findings += check_pixels(take, findings)
    if len(take.cameras) < FEW_CAMERAS:
        findings.append(Finding(WARNING, "cameras", "one camera cannot tell depth.", "Add a second view."))
    if take.texture is not None and UDIM not in take.texture and not Path(take.texture).is_file():
        findings.append(Finding(ERROR, "texture", f"'{take.texture}' does not exist.", "Copy it there or pack again."))
    return Inspection(gravest_first(findings))


def _first(camera: Camera) -> CalibratedCamera:
    """The camera as it stands at the take's first frame."""
    return CalibratedCamera(camera.name, *camera.at(0), camera.distortion, camera.width, camera.height, camera.lens)


def _rig_findings(rig: Rig) -> list[Finding]:
    findings = []
    still = [target.name for target in rig.targets if not any(len(shape.vertices) for shape in target.shapes)]
    if still:
        text = f"{len(still)} targets move nothing ({_some(still)}); their controls stay at the start pose."
        findings.append(Finding(WARNING, "rig", text, "Sculpt these targets, or leave their controls out."))
    used = rig.controls_in_use
    idle = [control.name for k, control in enumerate(rig.controls) if k not in used]
    if idle:
        text = f"{len(idle)} controls drive no target ({_some(idle)})."
        findings.append(Finding(WARNING, "rig", text, "Connect them, or leave them out."))
    say = share_with_a_say(rig)
    if say < LEAST_SAY:
        text = f"only {say:.0%} of the surface that expressions move has a say in the solve."
        remedy = "Paint the photometric weight: 1 on the face, 0 elsewhere."
        findings.append(Finding(WARNING, "rig", text, remedy))
    if not len(rig.uvs):
        findings.append(Finding(NOTE, "rig", "it has no UVs, so no texture can be written.", "Lay out UVs to get one."))
    return findings


def _start_findings(take: Take) -> list[Finding]:
    if take.start is None:
        remedy = "Run 'facesolve align' first to see what it finds."
        return [Finding(WARNING, "start pose", "there is none; the solve will search for the head.", remedy)]
    findings = []
    bounds, values = take.rig.bounds, take.start.controls
    outside = np.flatnonzero((values < bounds[:, 0] - 1e-6) | (values > bounds[:, 1] + 1e-6))
    if len(outside):
        names = [take.rig.control_names[k] for k in outside]
        text = f"{len(outside)} controls are outside their range ({_some(names)}); they are clamped to it."
        findings.append(Finding(WARNING, "start pose", text, "Correct the start pose, or the range in the rig."))
    for camera, inside in zip(take.cameras, parts_in_view(take), strict=True):
        if not inside:
            text = f"the head is outside the image of camera '{camera.name}'."
            findings.append(Finding(ERROR, "start pose", text, "Check units, axes and the head's position."))
        elif inside < OUT_OF_SIGHT:
            text = f"{1 - inside:.0%} of the head is outside the image of camera '{camera.name}'."
            findings.append(Finding(WARNING, "start pose", text, "Check that the start pose fits the footage."))
    return findings


def _setting_findings(take: Take) -> list[Finding]:
    idle = [control.name for control in take.settings.controls if not control.active]
    if len(idle) < len(take.rig.controls):
        return []
    text = "every control is switched off, so only the head will be solved."
    return [Finding(WARNING, "settings", text, "Activate the controls that should move.")]


def print_inspection(take: Take, inspection: Inspection, console: Console | None = None) -> None:
    """Prints what the take holds and the findings to ``console`` (stdout when None)."""
    console = Console() if console is None else console
    summary = Table(title=f"take '{take.name}'", title_justify="left", show_header=False)
    for name, value in _summary(take).items():
        summary.add_row(name, value)
    console.print(summary)
    cameras = Table(title="cameras", title_justify="left")
    for heading in ("name", "pixels", "focal length, px", "distortion", "moving", "footage"):
        cameras.add_column(heading, overflow="fold")
    for camera, footage in zip(take.cameras, take.footage, strict=True):
        cameras.add_row(
            camera.name,
            f"{camera.width}x{camera.height}",
            f"{camera.intrinsics.reshape(-1, 3, 3)[0, 0, 0]:.1f}",
            _lens(camera) if camera.distorted and not footage.undistorted else "none",
            "yes" if camera.moving else "no",
            f"{footage.path} ({footage.color_space}{', matte' if footage.matte else ''})",
        )
    console.print(cameras)
    if not inspection.findings:
        console.print("nothing wrong found.")
    for finding in inspection.findings:
        console.print(str(finding), markup=False, highlight=False)


def _lens(camera: Camera) -> str:
    """The lens model in words, for the table."""
    coefficients = f"{len(camera.distortion)} coefficients"
    return f"fisheye, {coefficients}" if camera.lens == FISHEYE else coefficients


def inspection_record(take: Take, inspection: Inspection) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        **findings_record("facesolve inspection", inspection.findings),
        "take": take.name,
        "ok": not inspection.stops_a_solve,
        "summary": _summary(take),
        "controls": [asdict(control) for control in take.rig.controls],
        "cameras": [
            {"name": camera.name, "width": camera.width, "height": camera.height, "footage": footage.path}
            for camera, footage in zip(take.cameras, take.footage, strict=True)
        ],
    }


def _summary(take: Take) -> dict[str, str]:
    rig, settings = take.rig, take.settings
    in_betweens = sum(len(target.shapes) - 1 for target in rig.targets)
    frames = f"{take.frames[0]}..{take.frames[-1]} ({take.frame_count} at {take.fps:g} a second)"
    return {
        "rig": f"{rig.vertex_count} vertices, {len(rig.face_counts)} polygons, {len(rig.meshes)} meshes",
        "shapes": f"{len(rig.targets)} targets, {in_betweens} in-betweens, {len(rig.combinations)} combinations",
        "controls": f"{len(rig.controls)}: {_some(rig.control_names)}",
        "frames": f"{frames}, keyed at {take.scene_times[0]:g}..{take.scene_times[-1]:g}",
        "start pose": "none" if take.start is None else f"at frame {take.start.frame}",
        "texture": take.texture or "none, found in the footage",
        "bad frames": take.on_bad_frame,
        "settings": f"quality {settings.quality}, head {settings.head}, smoothness {settings.smoothness:g}, stiffness "
        f"{settings.stiffness:g}, sparsity {settings.sparsity:g}, contour {settings.contour:g}, "
        f"{len(settings.controls)} control settings, {len(settings.pins)} pins, {len(settings.head_pins)} head pins",
    }


def _some(names: list[str], count: int = 6) -> str:
    return ", ".join(names[:count]) + (f" and {len(names) - count} more" if len(names) > count else "")
