"""Many scenes: ``mayapy -m facesolve_maya.batch SCENE... --mesh M --head H --cameras a,b --frames A-B``.

Exports, solves, keys and saves each scene; one bad scene does not stop the others. The solver is looked for before the
first export, and a solve that does not fit is not keyed. Exit code 0: all went well, 1: some scene did not, 2: the
command line is wrong or there is no solver, 130: Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable, List, Optional, Sequence, Tuple

from facesolve.take.device_names import check_device
from facesolve.take.errors import SolveError
from facesolve.take.events import Event, Message, Stage
from facesolve.take.settings import QUALITIES
from facesolve.take.verdict import DOES_NOT_FIT

DONE = "done"
FAILED = "failed"
CHECKED = "checked"
_COLUMNS = (("scene", 28), ("status", 8), ("seconds", 8), ("keys", 6))


@dataclass
class SceneResult:
    """What became of one scene. findings: lines of the check; message: why it failed, or what was keyed.

    verdict: of the solve, in words, empty before it.
    """

    scene: str
    status: str = FAILED
    seconds: float = 0.0
    keys: int = 0
    message: str = ""
    take: str = ""
    solution: str = ""
    verdict: str = ""
    saved: str = ""
    findings: List[str] = field(default_factory=list)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs the batch; returns the exit code. Maya must be initialized."""
    parser = argument_parser()
    options = parser.parse_args(arguments)
    if options.character is None and not (options.mesh and options.head):
        parser.error("give --mesh and --head, or a --character that names them.")
    _refuse_collisions(parser, options)
    if not options.preflight:
        _check_solver(parser, options)
    results = []
    for scene in options.scenes:
        started = time.time()
        result = SceneResult(scene)
        try:
            _scene(Path(scene), options, result)
        except Exception as error:  # one scene must not stop the others, whatever is wrong with it
            result.status, result.message = FAILED, _sentence(error)
        result.seconds = round(time.time() - started, 1)
        results.append(result)
        _say("{}: {}. {}".format(scene, result.status, result.message))
    if options.json:
        sys.stdout.write(json.dumps([asdict(result) for result in results], indent=1) + "\n")
    else:
        sys.stdout.write(table(results) + "\n")
    return 0 if all(result.status != FAILED for result in results) else 1


def _sentence(error: Exception) -> str:
    """An expected error's own words; an unexpected one also leaves its traceback on stderr."""
    from facesolve.take.errors import FacesolveError

    if not isinstance(error, (FacesolveError, RuntimeError, OSError)):
        traceback.print_exc(file=sys.stderr)
    return str(error).strip() or type(error).__name__


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mayapy -m facesolve_maya.batch", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("scenes", nargs="+", metavar="SCENE", help="Maya scenes")
    add("--character", type=Path, metavar="FILE", help="character.json: head, meshes, controls and strengths")
    add("--namespace", help="of the character's rig, where a scene has it several times")
    add("--mesh", action="append", help="head mesh or blendShape node; may be given several times")
    add("--head", help="transform that carries the head's motion")
    add("--cameras", required=True, type=_names, help="cameras with footage, separated by commas")
    add("--frames", required=True, type=_frames, help="first and last frame, such as 1001-1040")
    add("--step", type=float, default=1.0, help="frames between images; 0.5 for footage at twice the scene's rate")
    add("--take-dir", type=Path, help="folder for takes and solutions (default: facesolve beside the scene)")
    add("--save-as", help="where the keyed scene is saved; {scene} is its name, {folder} its folder")
    add("--preflight", action="store_true", help="only check")
    add("--json", action="store_true", help="results as JSON on stdout")
    add("--project", help="Maya project that relative footage paths start from")
    add("--footage-folder", action="append", default=[], help="folder to search for missing footage")
    add(
        "--sample",
        action="append",
        default=[],
        metavar="PLUG",
        help="a rig control to sample, such as face_CTL.smile; repeatable; the sampled controls are keyed",
    )
    add(
        "--over-rig",
        action="append",
        default=[],
        metavar="NAME",
        help="a weight or channel that cannot be read, to be solved and keyed over what drives it; repeatable",
    )
    add(
        "--settings",
        type=Path,
        metavar="FILE",
        help="settings file as of 'facesolve solve --settings': JSON, or TOML where this Python reads it (3.11 on)",
    )
    add("--quality", choices=QUALITIES, help="quality, overrides the settings file (default: standard)")
    add("--find-head", action="store_true", help="look for the head in the footage, instead of taking the scene's pose")
    add("--apply-anyway", action="store_true", help="key also a solve that does not fit what the cameras saw")
    add("--no-texture", action="store_true", help="leave the texture out, which Maya does not need")
    add("--device", default="auto", type=_device, help="auto, cpu, cuda or cuda:N")
    add("--overwrite", action="store_true", help="replace takes, solutions and saved scenes that are there already")
    add("--python", default="", help="the solver's Python")
    add("--layer", default="", help="animation layer for the keys")
    add("--tolerance", type=float, help="reduce keys within this surface error in mm (default: a key on every frame)")
    return parser


def _check_solver(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Ends with a usage error where no solver can solve, before minutes are spent on exports."""
    from facesolve.take.errors import FacesolveError

    from .run import examined, find_interpreter

    try:
        report = examined(find_interpreter(options.python))
    except FacesolveError as error:
        parser.error(str(error))
    if not report.ready:
        parser.error(report.text)


def _refuse_collisions(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Ends with a usage error where one scene's files would overwrite another's."""
    takes = [_take_folder(options, Path(scene)) for scene in options.scenes]
    saved: List[Any] = [
        options.save_as and _save_path(options.save_as, Path(scene).absolute()) for scene in options.scenes
    ]
    for what, targets in (("takes", takes), ("saved scenes", saved)):
        twice = [scene for scene, target in zip(options.scenes, targets) if target and targets.count(target) > 1]
        if twice:
            parser.error("the {} of {} would overwrite each other.".format(what, " and ".join(map(repr, twice))))


def _take_folder(options: argparse.Namespace, scene: Path) -> Path:
    """Where the take of a scene lies; of scenes with one name in one folder, each by the folder of its scene, too."""
    if options.take_dir is None:
        return scene.absolute().parent / "facesolve" / scene.stem
    namesakes = [other for other in map(Path, options.scenes) if other.stem == scene.stem]
    name = scene.stem if len(namesakes) == 1 else "{}_{}".format(scene.absolute().parent.name, scene.stem)
    return Path(options.take_dir) / name


def _save_path(pattern: str, scene: Path) -> Path:
    return Path(pattern.replace("{scene}", scene.stem).replace("{folder}", str(scene.parent)))


def _names(text: str) -> Tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _frames(text: str) -> Tuple[float, float]:
    from facesolve.take.errors import TakeError
    from facesolve.take.frame_range import parse_scene_frames

    try:
        return parse_scene_frames(text)
    except TakeError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _device(text: str) -> str:
    try:
        return check_device(text)
    except SolveError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _scene(scene: Path, options: argparse.Namespace, result: SceneResult) -> None:
    """Everything that is done with one scene; ``result`` is filled on the way."""
    from maya import cmds

    from facesolve.take import Settings, write_take
    from facesolve.take.character import Character, beside, read_character
    from facesolve.take.errors import TakeError
    from facesolve.take.files import check_new
    from facesolve.take.finding import ERROR
    from facesolve.take.names import TAKE
    from facesolve.take.settings_record import SettingsChange
    from facesolve_maya.scene.opening import open_scene
    from facesolve_maya.scene.timeline import frame_range

    from .export import ExportRequest, export_take, preflight
    from .scene.choices import OVER
    from .scene.found_names import in_scene

    if not scene.is_file():
        raise TakeError("scene: '{}' does not exist.".format(scene))
    folder = _take_folder(options, scene)
    if not options.preflight:
        check_new(folder / TAKE, options.overwrite)
        if options.save_as:
            check_new(_save_path(options.save_as, scene), options.overwrite)
    change = SettingsChange(options.settings, {} if options.quality is None else {"quality": options.quality})
    character = None if options.character is None else read_character(options.character)
    wanted = Character("") if character is None else character
    if not ((options.mesh or wanted.meshes) and (options.head or wanted.head)):
        raise TakeError(
            "character: '{}' does not name both head and meshes; give --mesh and --head.".format(wanted.name)
        )
    if options.project:
        cmds.workspace(options.project, openWorkspace=True)
    complaints = open_scene(scene)
    request = ExportRequest(
        meshes=tuple(options.mesh or (in_scene(name, options.namespace) for name in wanted.meshes)),
        head=options.head or in_scene(wanted.head, options.namespace),
        cameras=options.cameras,
        frames=frame_range(options.frames[0], options.frames[1], options.step),
        name=scene.stem,
        footage_folders=tuple(options.footage_folder),
        sampled_controls=tuple(options.sample or (in_scene(name, options.namespace) for name in wanted.sampled)),
        keys=dict.fromkeys(options.over_rig, OVER),
        actor=str(beside(options.character, wanted.actor)) if wanted.actor else "",
        settings=change.over(Settings()),
        character=character,
        character_path=options.character or Path(),
        change=change,
    )
    found = preflight(request)
    result.findings = ["warning: scene: opened with warnings: {}".format(text) for text in complaints]
    result.findings += [str(finding) for finding in found]
    for line in result.findings:
        _say("  " + line)
    errors = [finding for finding in found if finding.severity == ERROR]
    if errors:
        raise TakeError(errors[0].text)
    if options.preflight:
        result.status, result.message = CHECKED, "{} findings.".format(len(found))
        return
    write_take(export_take(request), folder)
    result.take = str(folder)
    _solve_and_key(scene, folder, request.head, options, result)


def _solve_and_key(scene: Path, folder: Path, head: str, options: argparse.Namespace, result: SceneResult) -> None:
    from maya import cmds

    from .apply import apply_solution, read_request
    from .run import SolveRequest, find_interpreter, solve, write_start

    request = SolveRequest(
        take=folder,
        out=folder / "solution",
        device=options.device,
        overwrite=options.overwrite,
        texture=not options.no_texture,
    )
    interpreter, tell = find_interpreter(options.python), _tell_stages(scene)
    if options.find_head:
        write_start(folder, interpreter, options.device, tell)
    solution = solve(request, interpreter, tell)
    result.solution = str(solution)
    wanted = read_request(solution, take=folder, head=head, layer=options.layer, tolerance=options.tolerance)
    verdict = wanted.solution.verdict
    if verdict is not None:
        result.verdict = verdict.text
        _say("  " + verdict.text)
        if verdict.verdict == DOES_NOT_FIT and not options.apply_anyway:
            raise SolveError("not keyed, because the solve {} (--apply-anyway keys it).".format(verdict.text))
    report = apply_solution(wanted)
    result.keys, result.message = report.keys, str(report)
    if options.save_as:
        target = _save_path(options.save_as, scene)
        target.parent.mkdir(parents=True, exist_ok=True)
        cmds.file(rename=str(target))
        cmds.file(save=True, type="mayaBinary" if target.suffix == ".mb" else "mayaAscii")
        result.saved = str(target)
    result.status = DONE


def _tell_stages(scene: Path) -> Callable[[Event], None]:
    """Says each stage of a solve, and the solver's messages."""

    def tell(event: Event) -> None:
        if isinstance(event, Stage):
            _say("  {}: {}".format(scene.name, event.name))
        elif isinstance(event, Message):
            _say("  {}: {}".format(scene.name, event.text))

    return tell


def table(results: Sequence[SceneResult]) -> str:
    """The summary: one line a scene."""
    lines = ["  ".join(name.ljust(width) for name, width in _COLUMNS) + "  message"]
    for result in results:
        values = (Path(result.scene).name, result.status, "{:.1f}".format(result.seconds), str(result.keys))
        cells = [value.ljust(width) for value, (_, width) in zip(values, _COLUMNS)]
        lines.append("  ".join(cells) + "  " + result.message.replace("\n", " "))
    return "\n".join(lines)


def _say(text: str) -> None:
    """Progress goes to stderr, so that stdout holds only the summary."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _run() -> None:
    """Starts Maya without a window, runs the batch, and leaves at once with its exit code.

    Maya's own way out was seen to crash, which would turn a batch that is done into a failure for a farm.
    """
    if any(argument in ("-h", "--help") for argument in sys.argv[1:]):
        argument_parser().parse_args()
    import maya.standalone

    maya.standalone.initialize(name="python")
    try:
        code = main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 2
    except KeyboardInterrupt:
        _say("Stopped. The current scene was not saved.")
        code = 130
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _run()
