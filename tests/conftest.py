"""Shared fixtures: where the development data lies. The order of the files, so that two processes end together."""

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
SLOWEST = (  # files, the slowest first: one that starts last would keep one process waiting
    "start/test_find.py",
    "jobs/test_solve_folder.py",
    "docs/test_commands.py",
    "review/report/test_page_frames.py",
    "review/report/test_page_curves.py",
    "review/report/test_page_words.py",
    "calibrate/test_detect.py",
    "calibrate/test_calibrate.py",
    "start/test_landmarks.py",
    "facesolve_maya/ui/test_demo_solve.py",
    "facesolve_maya/apply/test_round_trip.py",
    "calibrate/test_bumped.py",
    "jobs/test_demo_take.py",
    "facesolve_maya/apply/test_apply.py",
    "baseline/test_descent.py",
    "baseline/test_modes.py",
    "facesolve_maya/test_in_maya.py",
    "review/test_sheet.py",
    "commands/test_help.py",
    "solve/test_solve.py",
    "correctives/test_learn.py",
    "jobs/test_many_takes.py",
    "residuals/test_contour.py",
    "jobs/test_find_correctives.py",
    "render/test_drawing.py",
    "render/test_antialias.py",
    "facesolve_maya/test_batch.py",
    "take/test_processes.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """xdist hands out the files in our order, not those of most tests first."""
    if hasattr(config.option, "loadscopereorder"):  # from xdist 3.7 on; the last for Python 3.7 is 3.5
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: "list[pytest.Item]") -> None:
    """Files of SLOWEST in front, the others in their order behind them."""
    place = {TESTS / name: index for index, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session")
def facesolve_data() -> Path:
    """The development data's folder: FACESOLVE_DATA, else ../shared/data beside the checkout; skips when absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("FACESOLVE_DATA") or default)
    if not folder.is_dir():
        pytest.skip(f"development data not found at '{folder}'; set FACESOLVE_DATA to its folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    try:
        import torch
    except ImportError:  # Maya's own Python, which runs tests/in_maya alone
        return
    torch.set_num_threads(1)
