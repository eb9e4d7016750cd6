"""What this installation can use, what it lacks, and how to get it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from dataclasses import asdict, dataclass
from typing import Any

import torch
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from facesolve import __version__
from facesolve.footage import describe_codecs
from facesolve.render import choose_backend
from facesolve.start.detector import PYTHON_VARIABLE, LandmarkError, find_detector

READY, OPTIONAL, MISSING = "ok", "optional", "missing"
PACKAGES = ("numpy", "torch", "opencv-python-headless", "matplotlib", "rich")


@dataclass(frozen=True)
class Check:
    """One thing a solve may use. state: ``ok``, ``optional`` (absent, a solve runs without), ``missing``."""

    name: str
    state: str
    detail: str
    remedy: str = ""

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def examine() -> list[Check]:
    """Looks at Python, packages, devices, rasterizers and codecs."""
    checks = [Check("facesolve", READY, f"{__version__}, Python {platform.python_version()}, {platform.platform()}")]
    checks += [_package(name) for name in PACKAGES]
    checks += [_processor(), _cuda(), _backend(), _nvdiffrast(), _usd(), _landmarks()]
    for name, codec in describe_codecs().items():
        state = READY if codec.version is not None else OPTIONAL
        detail = f"{codec.version}: {', '.join(codec.reads)}" if codec.version is not None else "not installed"
        checks.append(Check(f"footage by {name}", state, detail, codec.install))
    return checks


def _package(name: str) -> Check:
    """opencv-python and its variants all provide cv2; any of them will do."""
    candidates = (name, name.removesuffix("-headless"), name.replace("python", "contrib-python"))
    for candidate in candidates:
        try:
            return Check(candidate, READY, importlib.metadata.version(candidate))
        except importlib.metadata.PackageNotFoundError:
            continue
    return Check(name, MISSING, "not installed", f"pip install {name}")


def _processor() -> Check:
    return Check("CPU", READY, f"{os.cpu_count()} cores, {torch.get_num_threads()} threads used by PyTorch")


def _cuda() -> Check:
    if torch.cuda.is_available():
        names = [f"cuda:{index} {torch.cuda.get_device_name(index)}" for index in range(torch.cuda.device_count())]
        return Check("CUDA", READY, f"{torch.version.cuda}: {', '.join(names)}")
    if torch.version.cuda is None:
        remedy = "with an NVIDIA GPU, install a CUDA build of PyTorch (https://pytorch.org/get-started)"
        return Check("CUDA", OPTIONAL, "this PyTorch is built without it; solves run on the CPU", remedy)
    return Check("CUDA", OPTIONAL, "no usable GPU found; solves run on the CPU", "check the driver with nvidia-smi")


def _backend() -> Check:
    backend = choose_backend("cuda" if torch.cuda.is_available() else "cpu")
    return Check("rasterizer", READY, f"{backend.name}: {backend.reason}")


def _nvdiffrast() -> Check:
    if importlib.util.find_spec("nvdiffrast") is not None:
        return Check("nvdiffrast", READY, "installed; mind its research and evaluation licence")
    remedy = "needs CUDA and a research licence: https://github.com/NVlabs/nvdiffrast"
    return Check("nvdiffrast", OPTIONAL, "not installed; the built-in rasterizer is used", remedy)


def _usd() -> Check:
    try:
        return Check("usd-core", READY, importlib.metadata.version("usd-core"))
    except importlib.metadata.PackageNotFoundError:
        return Check("usd-core", OPTIONAL, "not installed; no export to USD", 'pip install "facesolve[usd]"')


def _landmarks() -> Check:
    remedy = f"name a Python that has mediapipe in {PYTHON_VARIABLE}; see README, 'Without a start pose'"
    try:
        detector = find_detector()
    except LandmarkError as problem:
        return Check("landmarks", OPTIONAL, str(problem), remedy)
    if detector is None:
        return Check("landmarks", OPTIONAL, "no MediaPipe; start poses are searched for without", remedy)
    model = "its own model" if detector.model is None else detector.model
    return Check("landmarks", READY, f"MediaPipe in {detector.python}, {model}")


def print_checks(checks: list[Check], console: Console | None = None) -> None:
    """Prints a table to ``console`` (stdout when None)."""
    console = Console() if console is None else console
    table = Table()
    for heading in ("", "state", "what is there", "how to get it"):
        table.add_column(heading, overflow="fold")
    shades = {READY: "green", OPTIONAL: "yellow", MISSING: "red"}
    for check in checks:
        table.add_row(
            check.name, f"[{shades[check.state]}]{check.state}[/]", escape(check.detail), escape(check.remedy)
        )
    console.print(table)
