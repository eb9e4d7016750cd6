"""A report from a solution's folder: reads, renders the videos, writes the page. Other modules here read no file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.review.encode import check_output
from facesolve.review.request import KINDS, NEEDS_TEXTURE, ReportRequest, VideoError, VideoRequest
from facesolve.review.sheet import chosen_cameras
from facesolve.review.video import Video, baked_texture, render_videos
from facesolve.runtime.devices import choose_device
from facesolve.runtime.progress import Progress
from facesolve.take import FootageError, Solution, Take, TakeError, read_solution, read_take
from facesolve.take.files import check_file, check_new, write_atomic
from facesolve.take.names import LOG, REPORT, SOLUTION
from facesolve.take.provenance import read_provenance
from facesolve.take.reading import read_json
from facesolve.take.review import read_review, review_record
from facesolve.take.solved import find_take
from facesolve.take.version import VERSION

from .head import head_record, head_skin
from .page import Film, page_html, record_in, with_record
from .record import packed, report_record

SUFFIXES = (".html", ".htm")
LONGEST_LOG = 200_000  # characters of the log that the page keeps, its end
RATE_FACTOR = 24  # of the videos in a page: half as large as a file for the archive, and no less to see
RATE_FACTOR_OF_NOISE = 32  # of differences, which are mostly the camera's noise and hard to compress
LABELS = {"wireframe": "Overlay", "overlay": "Footage and overlay", "heatmap": "Difference"}


@dataclass(frozen=True)
class Report:
    """What was written. size: bytes. no_film: why the page has no video, empty when it has one."""

    path: Path
    size: int
    no_film: str


def write_report(
    folder: Path, path: Path, request: ReportRequest, progress: Progress, overwrite: bool = False
) -> Report:
    """Writes the solution in ``folder`` as one HTML page to ``path``, whole or not at all.

    A take or footage that is not there any more, or no PyAV, leaves a page without video, which says so. Anything that
    was asked for and cannot be had raises FacesolveError with one sentence, and so does a file at ``path`` unless
    ``overwrite``.
    """
    if path.is_dir():
        raise TakeError(f"report: '{path}' is a folder; name a file in it, such as '{path / REPORT}'.")
    if path.suffix.lower() not in SUFFIXES:
        raise TakeError(f"report: '{path}' does not end in {SUFFIXES[0]}, so browsers would not show it; rename it.")
    check_file(path)
    check_new(path, overwrite)
    solution = read_solution(folder)
    videos = tuple(_video_request(kind, request, len(solution.frames)) for kind in request.kinds)
    other = None if request.against is None else _other(request.against, solution)
    take, take_folder, no_film = _take(solution, folder, request)
    films: list[Film] = []
    if take is not None:
        films, no_film = _films(solution, folder, take, videos, request, progress)
    if take is not None and films and other is not None and request.against is not None:
        more, _ = _films(other, request.against, take, videos[:1], request, progress)
        films += [replace(film, label=f"{film.label} of {request.against.resolve().name}") for film in more]
    progress.stage("write the page", 1)
    name = _name(solution, take, folder)
    record = {
        **report_record(solution, take),
        "take": {"name": name, "folder": take_folder, "solution": folder.resolve().as_posix()},
        "no_film": no_film,
        "review": review_record(read_review(folder))["marks"],
        "head3d": None if take is None else head_record(solution, take, _texture(folder, solution)),
        "against": None if other is None else _against(request, solution, other, take),
        "solution": read_json(folder / SOLUTION, "solution"),
        "log": _log(folder),
        "written": {"facesolve": VERSION, "date": datetime.now(timezone.utc).isoformat(timespec="seconds")},
    }
    page = page_html(f"{name} – Facesolve report", record, films)
    write_atomic(path, page)
    progress.advance()
    return Report(path, len(page), no_film)


def add_texture(folder: Path, path: Path) -> None:
    """Adds the texture that was baked since the page at ``path`` was written: to its head, and to what it tells.

    Leaves a file that is no report, or one without a head, as it is. Raises TakeError.
    """
    solution = read_solution(folder)
    page = path.read_text(encoding="utf-8") if path.is_file() else ""
    record = record_in(page)
    if record is None or record.get("head3d") is None:
        return
    rig = solution.fitted_rig(find_take(solution, folder).rig)  # as its mesh was thinned
    record["head3d"]["skin"] = head_skin(rig, _texture(folder, solution))
    record |= {"solution": read_json(folder / SOLUTION, "solution"), "log": _log(folder)}
    write_atomic(path, with_record(page, record))


def _video_request(kind: str, request: ReportRequest, frames: int) -> VideoRequest:
    factor = RATE_FACTOR_OF_NOISE if "difference" in KINDS.get(kind, ()) else RATE_FACTOR
    return VideoRequest(kind, request.only_cameras, height=request.height_for(frames), rate_factor=factor)


def _take(solution: Solution, folder: Path, request: ReportRequest) -> tuple[Take | None, str, str]:
    """The take, its folder in words, and why there is none."""
    if request.take is not None:
        return read_take(request.take), request.take.resolve().as_posix(), ""
    try:
        take = find_take(solution, folder)
    except TakeError as error:
        recorded = read_provenance(solution.provenance).take or "unknown"
        return None, f"{recorded} (not found)", f"No video: {str(error).removeprefix('solution: ')}"
    return take, (folder / solution.provenance["take"]).resolve().as_posix(), ""


def _films(
    solution: Solution,
    folder: Path,
    take: Take,
    videos: Sequence[VideoRequest],
    request: ReportRequest,
    progress: Progress,
) -> tuple[list[Film], str]:
    """The videos, and why there are none: footage that cannot be read, or no PyAV. Raises FacesolveError otherwise."""
    if not videos:
        return [], "This report was made without video."
    textured = any(NEEDS_TEXTURE.intersection(video.panels) or video.what == "blend" for video in videos)
    texture = baked_texture(folder, solution) if textured else None
    chosen_cameras(take, videos[0].only_cameras)
    with tempfile.TemporaryDirectory(prefix="facesolve_report_") as scratch:
        wanted = [(video, Path(scratch) / f"{video.what}.mp4") for video in videos]
        try:
            check_output(wanted[0][1], len(solution.frames))
        except VideoError as error:
            return [], f"No video: {str(error).removeprefix('output: ')}"
        try:
            made = render_videos(solution, take, wanted, progress, texture, choose_device(request.device))
        except FootageError as error:
            return [], f"No video: {error}"
        return [_film(asked, video) for (asked, _), video in zip(wanted, made, strict=True)], ""


def _film(request: VideoRequest, video: Video) -> Film:
    label = LABELS.get(request.what, request.what.capitalize())
    return Film(label, video.path.read_bytes(), video.fps, video.size, video.cells, video.sound)


def _other(folder: Path, solution: Solution) -> Solution:
    """The solution that is shown beside. Raises TakeError when it holds other frames."""
    other = read_solution(folder)
    if other.frames.tolist() != solution.frames.tolist():
        raise TakeError(f"report: '{folder}' holds other frames than the solution; give one of the same frames.")
    return other


def _against(request: ReportRequest, solution: Solution, other: Solution, take: Take | None) -> dict[str, Any]:
    """The other solution's name, its values by the controls of the first (NaN where it lacks one), and its head."""
    assert request.against is not None
    columns = {name: column for name, column in zip(other.control_names, other.controls.T, strict=True)}
    unknown = np.full(len(other.frames), np.nan)
    values = np.stack([columns.get(name, unknown) for name in solution.control_names])
    head = None if take is None else head_record(other, take)
    return {"name": request.against.resolve().name, "values": packed(values), "head3d": head}


def _texture(folder: Path, solution: Solution) -> list[Path]:
    """Files of the baked texture."""
    return [folder / Path(name).name for name in read_provenance(solution.provenance).texture or ()]


def _name(solution: Solution, take: Take | None, folder: Path) -> str:
    if take is not None:
        return take.name
    return read_provenance(solution.provenance).take_name or folder.resolve().name


def _log(folder: Path) -> str:
    try:
        return (folder / LOG).read_text(encoding="utf-8", errors="replace")[-LONGEST_LOG:]
    except FileNotFoundError:
        return ""
