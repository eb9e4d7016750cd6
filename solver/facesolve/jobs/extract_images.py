"""Writes the images of a Norpix ``.seq`` recording as image files, with a table of their time stamps."""

from __future__ import annotations

import csv
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facesolve.footage.container import UnreadableImage
from facesolve.footage.norpix.reader import MICROSECONDS, NorpixFile
from facesolve.runtime.progress import Progress
from facesolve.take import FootageError, TakeError
from facesolve.take.csv_text import csv_text
from facesolve.take.files import check_folder, check_new, write_atomic
from facesolve.take.footage import fill_frame

from .requests import ExtractRequest

IMAGES = (".png", ".jpg", ".tif")
_JPEG_QUALITY = 95
_WORKERS = 8


@dataclass(frozen=True)
class Extraction:
    """written, left_out: numbers of images. table: the CSV file of time stamps."""

    written: int
    left_out: int
    table: Path


def extract_images(request: ExtractRequest, folder: Path, progress: Progress, overwrite: bool = False) -> Extraction:
    """Writes the images and, after them, ``<recording>.csv`` into ``folder`` (made if needed).

    Each file appears whole or not at all; existing ones are an error unless ``overwrite``, which removes the images of
    the table that was there. The table has for each image
    its number, file, seconds since 1970 (by the recorder's clock, whose time zone is not known) and milliseconds since
    the one before. Raises TakeError or FootageError.
    """
    check_folder(folder)
    try:
        file = NorpixFile(request.recording, request.bayer)
    except UnreadableImage as problem:
        raise FootageError(f"'{request.recording}' {problem}") from None
    try:
        if file.note:
            progress.message(f"warning: '{request.recording}' {file.note}")
        numbers = _numbers(request, file.count)
        stamps = _stamps(file, numbers, request)
        names, table = _names(request, numbers), folder / f"{request.recording.stem}.csv"
        for path in (table, *(folder / name for name in names)):
            check_new(path, overwrite)
        whole = _write_all(request, file, numbers, [folder / name for name in names], progress)
        rows = [row for row, kept in zip(zip(numbers, names, stamps.tolist(), strict=True), whole, strict=True) if kept]
        stale = {*_listed(table)} - {name for _, name, _ in rows}
        write_atomic(table, _table(rows).encode())
        for name in stale:
            (folder / name).unlink(missing_ok=True)
        return Extraction(len(rows), len(numbers) - len(rows), table)
    finally:
        file.close()


def _listed(table: Path) -> list[str]:
    """The images that an earlier run wrote, as its table lists them."""
    if not table.exists():
        return []
    rows = csv.DictReader(table.read_text(encoding="utf-8", errors="replace").splitlines())
    names = [(row.get("file") or "").removeprefix("'") for row in rows]
    return [name for name in names if name.endswith(IMAGES) and Path(name).name == name]


def _names(request: ExtractRequest, numbers: list[int]) -> list[str]:
    """File names of the images; TakeError unless the pattern gives each one of its own in one folder."""
    filled = [fill_frame(request.name, number) for number in numbers]
    if fill_frame(request.name, 0) == fill_frame(request.name, 1):
        raise TakeError(f"name: '{request.name}' has no {{frame}} or {{frame:06d}} field; images would share a name.")
    if set(filled[0]) & set("/\\:"):
        raise TakeError(f"name: '{request.name}' contains a folder; give the folder with --out.")
    return [f"{name.replace('{name}', request.recording.stem)}.{request.format}" for name in filled]


def _numbers(request: ExtractRequest, count: int) -> list[int]:
    first, last = (0, count - 1) if request.frames is None else request.frames
    if not 0 <= first <= last < count:
        raise FootageError(
            f"frames {first}-{last}: '{request.recording}' has {count} images, 0 to {count - 1}; choose among them."
        )
    return list(range(first, last + 1))


def _stamps(file: NorpixFile, numbers: list[int], request: ExtractRequest) -> np.ndarray:
    try:
        return file.stamps(numbers)
    except UnreadableImage as problem:
        raise FootageError(f"'{request.recording}' {problem}") from None


def _write_all(
    request: ExtractRequest, file: NorpixFile, numbers: list[int], paths: list[Path], progress: Progress
) -> list[bool]:
    """Writes every image; says for each whether it was written."""

    def write(number: int, path: Path) -> str:
        try:
            data = _encoded(file, number, request.format)
        except UnreadableImage as problem:
            return f"'{request.recording}' {problem}"
        write_atomic(path, data)
        return ""

    progress.stage("extract", len(numbers))
    workers = min(_WORKERS, os.cpu_count() or 1)
    batch = 4 * workers  # no more than these are in memory, or still to be written when something goes wrong
    whole: list[bool] = []
    with ThreadPoolExecutor(workers, "extract") as pool:
        for start in range(0, len(numbers), batch):
            problems = list(pool.map(write, numbers[start : start + batch], paths[start : start + batch]))
            bad = [problem for problem in problems if problem]
            if bad and request.on_bad_frame == "stop":
                raise FootageError(bad[0])
            for problem in bad:
                progress.message(f"left out: {problem}")
            whole += [not problem for problem in problems]
            progress.advance(len(problems))
    return whole


def _encoded(file: NorpixFile, number: int, form: str) -> bytes:
    """Image ``number`` as the bytes of a file of format ``form``. Raises UnreadableImage."""
    stored = file.jpeg(number) if form == "jpg" else None
    if stored is not None:
        return stored
    pixels = file.read(number)
    if form == "jpg" and pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if form == "jpg" else []
    try:
        _, data = cv2.imencode(f".{form}", pixels, options)
    except cv2.error:
        height, width = pixels.shape[:2]
        raise UnreadableImage(f"has images of {width}x{height} pixels, too large for a {form} file.") from None
    return data.tobytes()


def _table(rows: list[tuple[int, str, int]]) -> str:
    table: list[tuple[object, ...]] = []
    before = None
    for number, name, stamp in rows:
        seconds, rest = divmod(stamp, MICROSECONDS)
        step = "" if before is None else f"{(stamp - before) / 1000:.3f}"
        table.append((number, name, f"{seconds}.{rest:06d}", step))
        before = stamp
    return csv_text(("image", "file", "seconds", "step_ms"), table)
