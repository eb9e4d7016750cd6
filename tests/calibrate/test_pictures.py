"""The picture of a rig: nothing is cut off, and ticks are in the axes of the calibration."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D

from facesolve.calibrate.board import parse_board
from facesolve.calibrate.calibrate import Request, calibrate
from facesolve.calibrate.pictures import draw_rig
from facesolve.runtime.progress import Silent

from .boards_seen import Faults, arc_of_cameras, photograph, waved_boards


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory) -> Figure:
    board = parse_board("circles:10x10:20")
    session = photograph(board, arc_of_cameras(2), waved_boards(board, 8), Faults())
    kept: list[Figure] = []
    save = Figure.savefig
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", lambda own, *given, **named: (kept.append(own), save(own, *given, **named)))
        draw_rig(calibrate(session, Request(origin="000"), Silent()), Path(tmp_path_factory.mktemp("rig") / "rig.png"))
    return kept[0]


def test_all_is_inside_the_panels(figure: Figure) -> None:
    side, above = figure.axes
    assert isinstance(side, Axes3D)
    names = {text.get_text() for panel in figure.axes for text in panel.texts}
    assert names == {"cam0", "cam1"}
    drawn = np.concatenate([np.stack(line.get_data_3d(), -1) for line in side.lines])
    limits = np.array([side.get_xlim(), side.get_ylim(), side.get_zlim()])
    assert ((drawn > limits[:, 0]) & (drawn < limits[:, 1])).all()
    drawn = np.concatenate(
        [line.get_xydata() for line in above.lines] + [[text.get_position()] for text in above.texts]
    )
    limits = np.array([above.get_xlim(), above.get_ylim()])
    assert ((drawn > limits[:, 0]) & (drawn < limits[:, 1])).all()


def test_ticks_are_in_the_axes_of_the_calibration(figure: Figure) -> None:
    """y points down: what lies below the origin has a positive y."""
    side, above = figure.axes
    assert isinstance(side, Axes3D)
    green = next(line for line in side.lines if line.get_color() == "#2e8b3d")
    end = np.stack(green.get_data_3d(), -1)[1]
    assert end[2] < 0
    assert float(side.zaxis.get_major_formatter()(end[2])) == pytest.approx(-end[2], rel=1e-4)
    assert [side.get_xlabel(), side.get_ylabel(), side.get_zlabel()] == ["x, cm", "z, cm", "y, cm"]
    assert [above.get_xlabel(), above.get_ylabel()] == ["x, cm", "z, cm"]
