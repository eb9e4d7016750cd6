"""Takes as a job bundle of Open Job Description (specification 2023-09), which farms such as AWS Deadline Cloud run.

Templates are JSON, which is YAML, too. https://github.com/OpenJobDescription/openjd-specifications/wiki.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facesolve.take import Take, TakeError, read_take
from facesolve.take.files import new_folder, write_json
from facesolve.take.footage import MEMORY
from facesolve.take.names import REPORT

from .environments import ENVIRONMENTS, environment_template

SPECIFICATION = "jobtemplate-2023-09"
EXTENSIONS = ("EXPR", "TASK_CHUNKING", "FEATURE_BUNDLE_1")
TEMPLATE, REFERENCES = "template.json", "asset_references.json"
VALUES, VALUES_OF_OPENJD = "parameter_values.json", "parameters.json"  # as a bundle has them, and as openjd reads them
LONGEST_RANGE = 1024  # values of a task parameter, by the specification
MOST_CHUNK = 150  # frames of a chunk, by AWS Deadline Cloud
SECONDS_OF_CHUNK = 300  # where the farm may choose: as many frames as take this long
LONGEST_SOLVE, LONGEST_PICTURES = 4 * 3600, 2 * 3600  # seconds
NOTICE = 30  # seconds between the request to stop and the end; a solve needs less than 15


@dataclass(frozen=True)
class BundleRequest:
    """What a farm is to do with takes.

    Attributes:
        device: what solves and draws: cuda, where each task needs a GPU, or cpu.
        chunk: frames of an overlay that one task renders.
        overlay: also render the overlay videos, in chunks of frames.
        plain: use the base specification alone, without its extensions.
        facesolve: the command as the farm's machines know it.
    """

    device: str = field(default="cuda", metadata={"choices": ("cuda", "cpu")})
    chunk: int = 100
    overlay: bool = True
    plain: bool = False
    facesolve: str = "facesolve"

    def __post_init__(self) -> None:
        if not 1 <= self.chunk <= MOST_CHUNK:
            raise TakeError(f"farm: chunk {self.chunk} is not a number of frames from 1 to {MOST_CHUNK}.")


@dataclass(frozen=True)
class _Shot:
    """A take as a farm sees it. footage: folders of its images, mattes, texture and actor's profile."""

    name: str
    folder: Path
    first: int
    last: int
    footage: tuple[str, ...]

    def chunks(self, size: int) -> list[str]:
        starts = range(self.first, self.last + 1, size)
        return [f"{start}-{min(start + size - 1, self.last)}" for start in starts]


def write_bundle(
    takes: Sequence[Path], solutions: Path, options: Sequence[str], request: BundleRequest, out: Path, overwrite: bool
) -> None:
    """Writes the job of ``takes`` as the folder ``out``: template, files to upload, environments.

    solutions: folder of the solutions, each in a folder named as its take's. options: further arguments of each solve.
    Raises TakeError for takes that cannot be read, share a name, or are too many for a plain job.
    """
    shots = [_shot(take) for take in takes]
    names = [shot.name.casefold() for shot in shots]
    for name in names:
        if names.count(name) > 1:
            raise TakeError(f"farm: two takes are named '{name}'; they would be solved into one folder.")
    target = solutions.resolve().as_posix()
    template = _template(shots, list(options), request)
    with new_folder(out, overwrite) as folder:
        write_json(folder / TEMPLATE, template)
        write_json(folder / REFERENCES, _references(shots, target))
        values: dict[str, Any] = {"Out": target}
        if not request.plain:
            values["Takes"] = [shot.folder.as_posix() for shot in shots]
        write_json(folder / VALUES_OF_OPENJD, values)
        write_json(folder / VALUES, {"parameterValues": [{"name": n, "value": v} for n, v in values.items()]})
        (folder / "environments").mkdir()
        for kind in ENVIRONMENTS:
            write_json(folder / "environments" / f"{kind}.json", environment_template(kind))


def _shot(folder: Path) -> _Shot:
    take: Take = read_take(folder)
    place = folder.resolve()
    files = [Path(source.path) for source in take.footage if source.kind != MEMORY]
    files += [Path(source.matte) for source in take.footage if source.matte is not None]
    files += [Path(file) for file in (take.texture, take.actor) if file is not None]
    return _Shot(
        place.name,
        place,
        int(take.frames[0]),
        int(take.frames[-1]),
        tuple(sorted({Path(place, file).parent.as_posix() for file in files})),
    )


def _template(shots: Sequence[_Shot], options: list[str], request: BundleRequest) -> dict[str, Any]:
    folder = {"type": "PATH", "objectType": "DIRECTORY"}  # its value is no default: those must lie in the bundle
    parameters: list[dict[str, Any]] = [
        {"name": "Out", **folder, "dataFlow": "OUT"},
        {"name": "Facesolve", "type": "STRING", "default": request.facesolve},
    ]
    if not request.plain:
        parameters.append({"name": "Takes", **folder, "type": "LIST[PATH]", "dataFlow": "IN"})
    steps = [_per_take(shots, "Solve", _solve_arguments(options, request), LONGEST_SOLVE, request)]
    if request.overlay:
        steps += _overlays(shots, request)
    report = ["report", _SOLUTION, "--out", f"{_SOLUTION}/{REPORT}", "--overwrite", *_drawn(request)]
    steps.append({**_per_take(shots, "Report", report, LONGEST_PICTURES, request), **_after("Solve")})
    index = ["index", "{{Param.Out}}", "--overwrite", "--progress", "openjd"]
    steps.append({"name": "Index", **_after("Report"), **_script(index, 3600)})
    head = {"specificationVersion": SPECIFICATION}
    extensions = {} if request.plain else {"extensions": list(EXTENSIONS)}
    name = f"Facesolve {shots[0].name}" + (f" and {len(shots) - 1} more" if len(shots) > 1 else "")
    return {**head, **extensions, "name": name[:128], "parameterDefinitions": parameters, "steps": steps}


_SOLUTION = "{{Param.Out}}/{{Task.Param.Name}}"


def _solve_arguments(options: list[str], request: BundleRequest) -> list[str]:
    solve = ["solve", "{{Task.Param.Take}}", "--out", _SOLUTION, "--resume", "--overwrite", "--no-report"]
    return [*solve, *options, *_drawn(request)]


def _drawn(request: BundleRequest) -> list[str]:
    return ["--device", request.device, "--progress", "openjd"]


def _per_take(
    shots: Sequence[_Shot], step: str, arguments: list[str], seconds: int, request: BundleRequest
) -> dict[str, Any]:
    """A step with a task for each take."""
    if request.plain and len(shots) > LONGEST_RANGE:
        raise TakeError(f"farm: a plain job holds {LONGEST_RANGE} takes, not {len(shots)}; make several.")
    paths: Any = [shot.folder.as_posix() for shot in shots] if request.plain else "{{RawParam.Takes}}"
    space = {
        "taskParameterDefinitions": [
            {"name": "Take", "type": "PATH", "range": paths},
            {"name": "Name", "type": "STRING", "range": [shot.name for shot in shots]},
        ],
        "combination": "(Take, Name)",
    }
    return {"name": step, "parameterSpace": space, **_host(request), **_script(arguments, seconds)}


def _overlays(shots: Sequence[_Shot], request: BundleRequest) -> list[dict[str, Any]]:
    """Overlay videos in chunks of frames, named by them. The base specification knows no chunks: there they are listed.

    With the extension there is a step for each take, as takes differ in length.
    """
    if request.plain:
        pairs = [(shot.name, chunk) for shot in shots for chunk in shot.chunks(request.chunk)]
        if len(pairs) > LONGEST_RANGE:
            raise TakeError(
                f"farm: a plain job holds {LONGEST_RANGE} overlays, not {len(pairs)}; give a larger --chunk, "
                "--no-overlay, or make several."
            )
        space: dict[str, Any] = {
            "taskParameterDefinitions": [
                {"name": "Name", "type": "STRING", "range": [name for name, _ in pairs]},
                {"name": "Frames", "type": "STRING", "range": [chunk for _, chunk in pairs]},
            ],
            "combination": "(Name, Frames)",
        }
        return [_overlay("Overlay", _SOLUTION, "{{Task.Param.Frames}}", space, request)]
    steps = []
    for number, shot in enumerate(shots):
        chunks = {
            "defaultTaskCount": request.chunk,
            "targetRuntimeSeconds": SECONDS_OF_CHUNK,
            "rangeConstraint": "CONTIGUOUS",
        }
        frames = {"name": "Frames", "type": "CHUNK[INT]", "range": f"{shot.first}-{shot.last}", "chunks": chunks}
        name = f"Overlay {number + 1} {shot.name}"[:64]
        space = {"taskParameterDefinitions": [frames]}
        steps.append(_overlay(name, "{{Param.Out}}/" + shot.name, "{{Task.Param.Frames}}", space, request))
    return steps


def _overlay(name: str, solution: str, frames: str, space: dict[str, Any], request: BundleRequest) -> dict[str, Any]:
    render = ["render", solution, "--what", "overlay", f"--frames={frames}"]
    out = ["--out", f"{solution}/overlay/{frames}.mp4", "--overwrite", *_drawn(request)]
    script = _script([*render, *out], LONGEST_PICTURES)
    return {"name": name, **_after("Solve"), "parameterSpace": space, **_host(request), **script}


def _after(step: str) -> dict[str, Any]:
    return {"dependencies": [{"dependsOn": step}]}


def _host(request: BundleRequest) -> dict[str, Any]:
    if request.device == "cpu":
        return {}
    return {"hostRequirements": {"amounts": [{"name": "amount.worker.gpu", "min": 1}]}}


def _script(arguments: Sequence[str], seconds: int) -> dict[str, Any]:
    stop = {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": NOTICE}
    run = {"command": "{{Param.Facesolve}}", "args": list(arguments), "timeout": seconds, "cancelation": stop}
    return {"script": {"actions": {"onRun": run}}}


def _references(shots: Sequence[_Shot], target: str) -> Mapping[str, Any]:
    """What a farm without shared storage uploads and brings back."""
    folders = sorted({folder for shot in shots for folder in (shot.folder.as_posix(), *shot.footage)})
    return {
        "assetReferences": {
            "inputs": {"filenames": [], "directories": folders},
            "outputs": {"directories": [target]},
            "referencedPaths": [],
        }
    }
