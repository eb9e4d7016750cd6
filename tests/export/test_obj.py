"""OBJ sequences, read by trimesh."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from facesolve.export import Performance
from facesolve.export.obj import write_obj_sequence
from facesolve.take import TakeError

from .performances import performance


def without_uvs(one: Performance) -> Performance:
    rig = replace(one.rig, uvs=np.zeros((0, 2), np.float32), face_uvs=np.zeros(0, np.int32))
    return Performance(replace(one.take, rig=rig), one.solution, one.rows, one.folder)


@pytest.mark.parametrize("stabilized", [False, True])
def test_vertices_are_those_of_the_solver(tmp_path: Path, stabilized: bool) -> None:
    one = without_uvs(performance(tmp_path))
    write_obj_sequence(one, tmp_path / "meshes", stabilized)
    names = sorted(path.name for path in (tmp_path / "meshes").iterdir())
    assert names == ["head.1002.obj", "head.1004.obj", "head.1005.obj", "head.1006.obj"]
    for name, (_, vertices) in zip(names, one.vertices(stabilized), strict=True):
        read = trimesh.load(tmp_path / "meshes" / name, process=False, maintain_order=True, force="mesh")
        np.testing.assert_allclose(read.vertices, vertices, atol=1e-6)


def test_polygons_uvs_and_meshes_are_kept(tmp_path: Path) -> None:
    one = performance(tmp_path)
    write_obj_sequence(one, tmp_path / "meshes")
    lines = (tmp_path / "meshes" / "head.1004.obj").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Facesolve: take 7 shot, frame 1004, world space, centimeters"
    groups: dict[str, list[list[str]]] = {}
    for line in lines:
        if line.startswith("g "):
            groups[line[2:]] = []
        elif line.startswith("f "):
            groups[list(groups)[-1]].append(line.split()[1:])
    assert {name: [len(polygon) for polygon in polygons] for name, polygons in groups.items()} == {
        "skin": [4] * 12,
        "eye_ball": [3] * 3,
    }
    corners = [corner.split("/") for polygons in groups.values() for polygon in polygons for corner in polygon]
    np.testing.assert_array_equal([int(vertex) - 1 for vertex, _ in corners], one.rig.face_vertices)
    np.testing.assert_array_equal([int(uv) - 1 for _, uv in corners], one.rig.face_uvs)
    uvs = [[float(part) for part in line.split()[1:]] for line in lines if line.startswith("vt ")]
    np.testing.assert_allclose(uvs, one.rig.uvs, rtol=1e-6)


def test_corners_meet_their_uvs_in_another_reader(tmp_path: Path) -> None:
    one = performance(tmp_path)
    write_obj_sequence(one, tmp_path / "meshes")
    vertices = next(one.vertices(False))[1]
    wanted = corners(vertices[one.rig.face_vertices], one.rig.uvs[one.rig.face_uvs])
    scene = trimesh.load(tmp_path / "meshes" / "head.1002.obj", process=False, force="scene", group_material=False)
    read = [
        corners(mesh.vertices[mesh.faces.ravel()], mesh.visual.uv[mesh.faces.ravel()])
        for mesh in scene.geometry.values()
    ]
    assert set().union(*read) == wanted


def corners(positions: np.ndarray, uvs: np.ndarray) -> set[tuple[float, ...]]:
    """Position and UV (n, 5) of polygon corners, to a thousandth."""
    return {tuple(row) for row in np.concatenate((positions, uvs), 1).astype(float).round(3).tolist()}


def test_folder_with_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "meshes").mkdir()
    (tmp_path / "meshes" / "mine.obj").write_text("v 0 0 0", encoding="utf-8")
    with pytest.raises(TakeError, match="exists already"):
        write_obj_sequence(performance(tmp_path), tmp_path / "meshes")
    assert [path.name for path in (tmp_path / "meshes").iterdir()] == ["mine.obj"]


def test_half_a_sequence_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = performance(tmp_path)
    before = sorted(tmp_path.iterdir())
    real = Path.write_text

    def interrupted(self: Path, *arguments: object, **options: object) -> int:
        if self.name == "head.1005.obj":
            raise KeyboardInterrupt
        return real(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_obj_sequence(one, tmp_path / "meshes")
    assert sorted(tmp_path.iterdir()) == before
    monkeypatch.undo()
    (tmp_path / "meshes").mkdir()  # an empty folder may be there
    write_obj_sequence(one, tmp_path / "meshes")
    assert len(list((tmp_path / "meshes").iterdir())) == 4


def test_a_shorter_export_leaves_no_frame_of_the_longer_one_and_every_file_of_others(tmp_path: Path) -> None:
    one = performance(tmp_path)
    write_obj_sequence(one, tmp_path / "meshes")
    (tmp_path / "meshes" / "head.sculpt.obj").write_text("mine", encoding="utf-8")
    rows = one.rows[:2]
    solution = one.solution
    arrays = {name: getattr(solution, name)[:2] for name in ("frames", "scene_times", "controls", "head")}
    arrays.update({name: getattr(solution, name)[:2] for name in ("control_std", "head_std", "residual")})
    shorter = Performance(one.take, replace(solution, **arrays), rows, one.folder)
    write_obj_sequence(shorter, tmp_path / "meshes", overwrite=True)
    names = sorted(path.name for path in (tmp_path / "meshes").iterdir())
    assert names == ["head.1002.obj", "head.1004.obj", "head.sculpt.obj"]
