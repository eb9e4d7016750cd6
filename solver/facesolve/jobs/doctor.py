"""What this installation can use, what it lacks, and how to get it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys

import torch
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from facesolve.footage import describe_codecs
from facesolve.render import choose_backend
from facesolve.runtime.devices import GET_CUDA, IDLE_GPU, idle_gpus
from facesolve.runtime.kernels import choose_kernels
from facesolve.start.detector import PYTHON_VARIABLE, LandmarkError, find_detector
from facesolve.take.finding import ERROR, NOTE, WARNING, Finding
from facesolve.take.version import VERSION

PACKAGES = (
    "numpy",
    "torch",
    "opencv-python-headless",
    "simplejpeg",
    "matplotlib",
    "pillow",
    "fileseq",
    "rich",
    "cyclopts",
    "pyyaml",
)


def required_packages() -> tuple[str, ...]:
    """What pip installs with Facesolve, by the names of pyproject."""
    return PACKAGES if sys.version_info >= (3, 11) else (*PACKAGES, "tomli")  # newer ones read TOML themselves


def examine() -> list[Finding]:
    """Looks at Python, packages, devices, rasterizers and codecs: a finding for each.

    An error is missing; a note with a remedy is absent, but a solve runs without it; the other notes say what is there.
    """
    findings = [Finding(NOTE, "facesolve", f"{VERSION}, Python {platform.python_version()}, {platform.platform()}")]
    findings += [_package(name) for name in required_packages()]
    findings += [_processor(), _cuda(), _backend(), _kernels(), _nvdiffrast(), _usd(), _landmarks()]
    for name, codec in describe_codecs().items():
        detail = f"{codec.version}: {', '.join(codec.reads)}" if codec.version is not None else "not installed"
        if codec.wrong:
            package = {"PyAV": "av", "OpenCV": "opencv-python-headless"}.get(name, name)
            findings.append(Finding(WARNING, f"footage by {name}", codec.wrong, f"pip install -U {package}"))
        else:
            findings.append(Finding(NOTE, f"footage by {name}", detail, codec.install))
    return findings


def _package(name: str) -> Finding:
    """opencv-python and its variants all provide cv2; any of them will do."""
    candidates = (name, name.removesuffix("-headless"), name.replace("python", "contrib-python"))
    for candidate in candidates:
        try:
            return Finding(NOTE, candidate, importlib.metadata.version(candidate))
        except importlib.metadata.PackageNotFoundError:
            continue
    return Finding(ERROR, name, "not installed", f"pip install {name}")


def _processor() -> Finding:
    return Finding(NOTE, "CPU", f"{os.cpu_count()} cores, {torch.get_num_threads()} threads used by PyTorch")


def _cuda() -> Finding:
    if torch.cuda.is_available():
        names = [f"cuda:{index} {torch.cuda.get_device_name(index)}" for index in range(torch.cuda.device_count())]
        return Finding(NOTE, "CUDA", f"{torch.version.cuda}: {', '.join(names)}")
    if idle_gpus():
        return Finding(WARNING, "CUDA", IDLE_GPU, GET_CUDA)
    if torch.version.cuda is None:
        remedy = f"with an NVIDIA GPU, {GET_CUDA}"
        return Finding(NOTE, "CUDA", "this PyTorch is built without it; solves run on the CPU", remedy)
    return Finding(NOTE, "CUDA", "no usable GPU found; solves run on the CPU", "check the driver with nvidia-smi")


def _backend() -> Finding:
    backend = choose_backend("cuda" if torch.cuda.is_available() else "cpu")
    return Finding(NOTE, "rasterizer", f"{backend.name}: {backend.reason}")


def _kernels() -> Finding:
    return Finding(NOTE, "kernels", choose_kernels("cuda" if torch.cuda.is_available() else "cpu").reason)


def _nvdiffrast() -> Finding:
    if importlib.util.find_spec("nvdiffrast") is not None:
        return Finding(NOTE, "nvdiffrast", "installed; mind its research and evaluation license")
    remedy = "needs CUDA and a research license: https://github.com/NVlabs/nvdiffrast"
    return Finding(NOTE, "nvdiffrast", "not installed; the built-in rasterizer is used", remedy)


def _usd() -> Finding:
    try:
        return Finding(NOTE, "usd-core", importlib.metadata.version("usd-core"))
    except importlib.metadata.PackageNotFoundError:
        return Finding(NOTE, "usd-core", "not installed; no export to USD", 'pip install "facesolve[usd]"')


def _landmarks() -> Finding:
    remedy = f"name a Python that has mediapipe in {PYTHON_VARIABLE}; see docs/guide/start_pose.md"
    try:
        detector = find_detector()
    except LandmarkError as problem:
        return Finding(WARNING, "landmarks", str(problem), remedy)
    if detector is None:
        return Finding(NOTE, "landmarks", "no MediaPipe; start poses are found by search", remedy)
    model = "its own model" if detector.model is None else detector.model
    return Finding(NOTE, "landmarks", f"MediaPipe in {detector.python}, {model}")


def _state(finding: Finding) -> str:
    if finding.severity == ERROR:
        return "[red]missing[/]"
    if finding.severity == WARNING:
        return "[yellow]broken[/]"
    return "[yellow]optional[/]" if finding.remedy else "[green]ok[/]"


def print_findings(findings: list[Finding], console: Console | None = None) -> None:
    """Prints a table to ``console`` (stdout when None)."""
    console = Console() if console is None else console
    table = Table()
    for heading in ("", "state", "what is there", "how to get it"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        table.add_row(finding.subject, _state(finding), escape(finding.sentence), escape(finding.remedy))
    console.print(table)
