"""A night of takes on one machine, from files on disk to solutions, reports and the index: takes an hour, GPU, memory.

    python -m tests.bench.night --takes 30 --frames 120 --device cuda:0 --out results

Films one performance of nine cameras (``tests.bench.generated``), writes it as JPEG, and lets takes of it that differ
in their settings be solved by ``facesolve solve A B C``, one after the other on the device. The footage is shared by
all takes, so most of it comes from the system's cache after the first: decoding is measured, the disk is not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from facesolve.take import Footage, read_solution, write_take
from facesolve.take.names import INDEX, REPORT

from .generated import PLACES, film

SAMPLE_EVERY, WRITE_EVERY = 1.0, 10.0  # seconds
JPEG_QUALITY = 92


@dataclass(frozen=True)
class Night:
    """What was measured. ended: whether the command came to its end by itself. busy: mean per cent of the GPU that
    nvidia-smi tells. memory: GiB at most on the GPU, by thirds of the night; equal thirds mean that it does not grow.
    resident: GiB at most of all processes, by thirds."""

    takes: int
    frames: int
    ended: bool
    solved: int
    reports: int
    index: bool
    seconds: float
    takes_an_hour: float
    busy: float | None
    memory: list[float]
    resident: list[float]


def write_takes(folder: Path, takes: int, frames: int, cameras: int, size: tuple[int, int], device: str) -> list[Path]:
    """Takes of one filmed performance; their footage as JPEG in ``folder/footage``."""
    filmed = film(frames, torch.device(device), *size, cameras=cameras)
    for camera in filmed.take.cameras:
        (folder / "footage" / camera.name).mkdir(parents=True)
    for frame, row in zip(filmed.take.frames.tolist(), filmed.images, strict=True):
        for camera, image in zip(filmed.take.cameras, row, strict=True):
            path = folder / "footage" / camera.name / f"{camera.name}.{frame:04d}.jpg"
            quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
            assert cv2.imwrite(str(path), np.ascontiguousarray(image[..., ::-1]), quality)
    footage = tuple(
        Footage(c.name, str(folder / "footage" / c.name / f"{c.name}.{{frame:04d}}.jpg")) for c in filmed.take.cameras
    )
    places = [folder / "takes" / f"take_{number:02d}" for number in range(takes)]
    for number, place in enumerate(places):
        settings = replace(filmed.take.settings, smoothness=1.0 + 0.01 * number)
        write_take(replace(filmed.take, footage=footage, settings=settings, name=place.name), place)
    return places


class Watch:
    """Samples GPU and memory on a thread until it is stopped."""

    def __init__(self, device: str, root: int) -> None:
        self.rows: list[tuple[float, ...]] = []  # busy per cent, GiB on the GPU, GiB resident
        self._device, self._root, self._end = device, root, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(SAMPLE_EVERY):
            busy, memory = self._gpu()
            self.rows.append((busy, memory, resident(self._root)))

    def _gpu(self) -> tuple[float, float]:
        if not self._device.startswith("cuda"):
            return 0.0, 0.0
        index = self._device.partition(":")[2] or "0"
        query = ["--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", f"--id={index}"]
        said = subprocess.run(["nvidia-smi", *query], capture_output=True, text=True, check=True).stdout.split(",")
        return float(said[0]), float(said[1]) / 1024


def resident(root: int) -> float:
    """GiB resident in the process ``root`` and its descendants."""
    parents, sizes = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                sizes[int(entry.name)] = int((entry / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            except OSError:
                continue
    family = {root}
    for _ in range(4):
        family |= {process for process, parent in parents.items() if parent in family}
    return sum(sizes.get(process, 0) for process in family) / 2**30


def run(folder: Path, takes: Sequence[Path], frames: int, device: str, quality: str, limit: float) -> Night:
    """Solves the takes and measures for ``limit`` seconds; what is measured so far is in night.json all the time."""
    out = folder / "solved"
    command = [sys.executable, "-m", "facesolve", "solve", *map(str, takes), "--out", str(out), "--quality", quality]
    begun = time.monotonic()
    process = subprocess.Popen(
        [*command, "--device", device, "--progress", "quiet"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    watch = Watch(device, process.pid)
    while True:
        try:
            process.wait(WRITE_EVERY)
        except subprocess.TimeoutExpired:
            if time.monotonic() - begun > limit:
                process.terminate()
                process.wait()
        night = measured(out, takes, frames, time.monotonic() - begun, process.returncode, watch.rows)
        (folder / "night.json").write_text(json.dumps(asdict(night), indent=1) + "\n", encoding="utf-8")
        if process.returncode is not None:
            watch.stop()
            return night


def measured(
    out: Path, takes: Sequence[Path], frames: int, seconds: float, code: int | None, rows: list[tuple[float, ...]]
) -> Night:
    """The night so far. code: exit code of the command, None while it goes on. rows: of Watch."""
    thirds = np.array_split(np.array(rows[:] or [(0.0, 0.0, 0.0)]), 3)
    peaks = [part.max(axis=0) if len(part) else np.zeros(3) for part in thirds]
    whole = [take for take in takes if (out / take.name / REPORT).exists()]
    return Night(
        takes=len(takes),
        frames=frames,
        ended=code == 0,
        solved=sum(len(read_solution(out / take.name).frames) == frames for take in whole),
        reports=len(whole),
        index=(out / INDEX).exists(),
        seconds=round(seconds, 1),
        takes_an_hour=round(3600 * len(whole) / seconds, 1),
        busy=round(float(np.mean([row[0] for row in rows])), 1) if any(row[1] for row in rows) else None,
        memory=[round(float(peak[1]), 2) for peak in peaks],
        resident=[round(float(peak[2]), 2) for peak in peaks],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=30, help="two or more")
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--cameras", type=int, default=len(PLACES))
    parser.add_argument("--size", type=int, nargs=2, default=(1200, 1600), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="of solving; then the night is over")
    parser.add_argument("--out", type=Path, required=True, help="folder, new")
    chosen = parser.parse_args(arguments)
    folder = chosen.out.resolve()
    width, height = chosen.size
    takes = write_takes(folder, chosen.takes, chosen.frames, chosen.cameras, (width, height), chosen.device)
    night = run(folder, takes, chosen.frames, chosen.device, chosen.quality, chosen.seconds)
    print(json.dumps(asdict(night), indent=1))
    return 0 if night.solved == night.reports == night.takes and night.index else 1


if __name__ == "__main__":
    sys.exit(main())
