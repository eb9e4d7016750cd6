"""What a developer needs to understand a failure, in one zip: take, solution, versions; no image unless wanted.

Reads files as they are, so that what cannot be read is in it, too.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np

from facesolve.footage import open_footage
from facesolve.footage.color import srgb_bytes
from facesolve.take import FacesolveError, Take, TakeError, read_take
from facesolve.take.files import check_new, write_atomic
from facesolve.take.finding import findings_record
from facesolve.take.footage import MEMORY
from facesolve.take.names import (
    CHECKPOINT,
    LOG,
    REVIEW,
    SOLUTION,
    SOLUTION_ARRAYS,
    TAKE,
    TAKE_ARRAYS,
)
from facesolve.take.provenance import read_provenance
from facesolve.take.reading import read_json

from .doctor import examine

OF_TAKE = (TAKE, TAKE_ARRAYS)
OF_SOLUTION = (SOLUTION, SOLUTION_ARRAYS, LOG, REVIEW, CHECKPOINT)
SUFFIX = ".zip"


def write_bugreport(folder: Path, out: Path, *, images: bool, overwrite: bool) -> tuple[str, ...]:
    """Writes the zip ``out`` about the take or solution in ``folder``; returns the names of the files in it.

    The rig's geometry and the solved curves are in it. images: also the footage's images of the start frame, which show
    the actor. Raises TakeError when ``folder`` holds neither a take nor a solution.
    """
    if out.suffix.lower() != SUFFIX:
        raise TakeError(f"bugreport: '{out}' does not end in {SUFFIX}; rename it.")
    check_new(out, overwrite)
    files = dict(_files(folder))
    if not files:
        raise TakeError(f"bugreport: '{folder}' holds neither a take nor a solution.")
    files["doctor.json"] = json.dumps(findings_record("facesolve doctor", examine()), indent=1).encode("utf-8")
    if images:
        files.update(_images(folder))
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(name, data)
    write_atomic(out, buffer.getvalue())
    return tuple(sorted(files))


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of the solution and of its take, whole or damaged, by their names in the zip."""
    for name in OF_SOLUTION:
        if (folder / name).is_file():
            yield f"solution/{name}", (folder / name).read_bytes()
    take = _take_folder(folder)
    for name in OF_TAKE:
        if take is not None and (take / name).is_file():
            yield f"take/{name}", (take / name).read_bytes()


def _take_folder(folder: Path) -> Path | None:
    """``folder`` itself, or where its solution says that the take lies; None where that cannot be told."""
    if (folder / TAKE).is_file():
        return folder
    try:
        provenance = read_json(folder / SOLUTION, "solution").get("provenance")
    except TakeError:
        return None
    recorded = read_provenance(provenance).take if isinstance(provenance, dict) else ""
    return folder / recorded if recorded else None


def _images(folder: Path) -> Iterator[tuple[str, bytes]]:
    place = _take_folder(folder)
    if place is None:
        raise TakeError(f"bugreport: '{folder}' does not tell where its take is; name the take for its images.")
    take = read_take(place)
    frame = int(take.frames[0]) if take.start is None else int(take.start.frame)
    for index, source in enumerate(take.footage):
        if source.kind == MEMORY:
            continue
        try:
            yield f"images/{source.camera}.png", _image(take, index, frame)
        except FacesolveError as error:  # perhaps the very failure
            yield f"images/{source.camera}.txt", str(error).encode("utf-8")


def _image(take: Take, camera: int, frame: int) -> bytes:
    reader = open_footage(take.footage[camera], take.cameras[camera], take.frames.tolist())
    try:
        picture = srgb_bytes(reader.read(frame).pixels)
        return cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))[1].tobytes()
    finally:
        reader.close()
