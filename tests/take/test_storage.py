"""Takes and solutions survive the disk, and nothing broken or hostile gets in from there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from facesolve.take import Camera, Rig, Take, TakeError, read_solution, read_take, write_solution, write_take
from facesolve.take.files import write_json, write_npz
from facesolve.take.footage import fill_frame
from facesolve.take.reading import read_json, read_npz

from . import needs_python_3_10, rigs

DATA = settings(max_examples=40, deadline=None)


def assert_same(a: object, b: object, where: str = "") -> None:
    """Equal in every field, arrays element by element with their types."""
    assert type(a) is type(b), where
    if is_dataclass(a):
        for field in fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name), f"{where}.{field.name}")
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, where  # type: ignore[attr-defined]
        np.testing.assert_array_equal(a, b, err_msg=where)
    elif isinstance(a, tuple):
        assert len(a) == len(b), where  # type: ignore[arg-type]
        assert len(a) == len(b)  # type: ignore[arg-type]
        for index, pair in enumerate(zip(a, b)):  # type: ignore[arg-type]
            assert_same(*pair, f"{where}[{index}]")
    else:
        assert a == b, where


def test_take_returns_as_it_was(tmp_path: Path) -> None:
    take = rigs.take(tmp_path)
    write_take(take, tmp_path / "take")
    assert_same(take, read_take(tmp_path / "take"))


def test_takes_from_before_head_pins_can_be_read(tmp_path: Path) -> None:
    write_take(rigs.take(tmp_path), tmp_path / "take")
    record = read_json(tmp_path / "take" / "take.json", "take")
    del record["settings"]["head_pins"]
    write_json(tmp_path / "take" / "take.json", record)
    assert read_take(tmp_path / "take").settings.head_pins == ()


def test_take_of_bare_minimum_returns_as_it_was(tmp_path: Path) -> None:
    rig = Rig.from_dense(rigs.NEUTRAL, np.ones((1, 5, 3)), ["open"], np.array([4]), np.arange(4))
    take = rigs.take(
        tmp_path,
        rig=rig,
        start=None,
        texture=None,
        settings=rigs.Settings(),
        scene_times=np.zeros(0),
        cameras=(rigs.camera(),),
        footage=(rigs.Footage("cam0", (tmp_path / "a.mp4").as_posix()),),
    )
    write_take(take, tmp_path / "take")
    assert_same(take, read_take(tmp_path / "take"))


def test_matched_recordings_return_as_they_were(tmp_path: Path) -> None:
    images = ((1001, 1002, 5), (1004, 1004, 8))
    left = rigs.Footage("cam0", (tmp_path / "a.seq").as_posix(), images=images, bayer="GRBG", matte=None)
    right = rigs.Footage("cam1", (tmp_path / "b.SEQ").as_posix())
    take = rigs.take(tmp_path, footage=(left, right))
    write_take(take, tmp_path / "take")
    back = read_take(tmp_path / "take")
    assert_same(take, back)
    assert [back.footage[0].image_number(frame) for frame in range(1000, 1006)] == [None, 5, 6, None, 8, None]
    assert back.footage[1].image_number(1002) == 1002
    assert {footage.kind for footage in back.footage} == {"norpix"}


def test_take_moves_with_its_footage(tmp_path: Path) -> None:
    write_take(rigs.take(tmp_path / "job"), tmp_path / "job" / "take")
    record = json.loads((tmp_path / "job" / "take" / "take.json").read_text(encoding="utf-8"))
    assert record["footage"][0]["path"] == "../cam0.{frame:04d}.png"
    shutil.move(tmp_path / "job", tmp_path / "elsewhere")
    moved = read_take(tmp_path / "elsewhere" / "take")
    assert Path(moved.footage[0].image_path(1002)) == tmp_path / "elsewhere" / "cam0.0002.png"
    assert moved.texture == (tmp_path / "elsewhere" / "skin.<UDIM>.png").as_posix()


def test_solution_returns_as_it_was(tmp_path: Path) -> None:
    solution = rigs.solution()
    write_solution(solution, tmp_path)
    assert_same(solution, read_solution(tmp_path))


finite = st.floats(-1e6, 1e6, width=32)
printable = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs"))


@st.composite
def rig_strategy(draw: st.DrawFn) -> Rig:
    count = draw(st.integers(3, 8))
    neutral = draw(hnp.arrays(np.float32, (count, 3), elements=finite))
    polygons = draw(st.lists(st.lists(st.integers(0, count - 1), min_size=3, max_size=5), min_size=1, max_size=4))
    names = draw(st.lists(st.text(printable, min_size=1, max_size=8), min_size=1, max_size=3, unique=True))
    targets = []
    for name in names:
        weights = sorted(draw(st.sets(st.sampled_from([-1.0, -0.25, 0.3, 0.5, 1.0, 2.0]), min_size=1)))
        shapes = []
        for weight in weights:
            vertices = np.array(sorted(draw(st.sets(st.integers(0, count - 1)))), np.int32)
            shapes.append(
                rigs.Shape(weight, vertices, draw(hnp.arrays(np.float32, (len(vertices), 3), elements=finite)))
            )
        targets.append(rigs.Target(name, tuple(shapes)))
    return Rig(
        neutral=neutral,
        face_counts=np.array([len(polygon) for polygon in polygons]),
        face_vertices=np.concatenate([np.array(polygon) for polygon in polygons]),
        targets=tuple(targets),
        controls=tuple(rigs.Control(name) for name in names),
        drivers=tuple(rigs.Driver.identity(k, k) for k in range(len(names))),
        rigid_weight=draw(st.none() | hnp.arrays(np.float32, count, elements=st.floats(0, 1, width=32))),
    )


@DATA
@given(rig=rig_strategy())
def test_any_rig_survives_the_disk(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("take")
    take = rigs.take(folder, rig=rig, start=None, settings=rigs.Settings())
    write_take(take, folder)
    assert_same(rig, read_take(folder).rig)


@DATA
@given(
    frames=st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=20, unique=True).map(sorted),
    fps=st.floats(0.1, 1e4),
    name=st.text(printable, max_size=20),
)
def test_any_frames_survive_the_disk(
    frames: list[int], fps: float, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("take")
    take = Take(
        name=name,
        rig=rigs.rig(),
        cameras=(rigs.camera(),),
        footage=(rigs.Footage("cam0", (folder / "a.mov").as_posix()),),
        frames=np.array(frames),
        fps=fps,
    )
    write_take(take, folder)
    assert_same(take, read_take(folder))


@given(prefix=st.text(alphabet="ab%{}0 ", max_size=6), number=st.integers(0, 99999))
def test_frame_field_leaves_other_text_alone(prefix: str, number: int) -> None:
    assert fill_frame("%s_{frame:04d}.png", number) == f"%s_{number:04d}.png"
    if "{frame" not in prefix:
        assert fill_frame(prefix + "{frame}", number) == prefix + str(number)


def test_crash_in_mid_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "solution.json"
    write_json(path, {"state": "old"})

    def power_cut(*_: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    for step in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, step, power_cut)
            with pytest.raises(TakeError, match=r"cannot be written \(No space"):
                write_json(path, {"state": "new"})
        assert read_json(path, "solution") == {"state": "old"}
        assert [entry.name for entry in tmp_path.iterdir()] == ["solution.json"]


def test_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_npz(path, {"x": np.zeros(3)})
    script = (
        "import os, sys, numpy as np\nfrom pathlib import Path\nfrom facesolve.take.files import write_npz\n"
        "os.fsync = lambda handle: os._exit(9)\nwrite_npz(Path(sys.argv[1]), {'x': np.ones(100000)})\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert ended.returncode == 9
    np.testing.assert_array_equal(read_npz(path, "a")["x"], np.zeros(3))


def test_numbers_that_json_lacks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_missing_take_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match=r"no take\.json in .*facesolve pack"):
        read_take(tmp_path)
    with pytest.raises(TakeError, match=r"no solution\.json in .*facesolve solve"):
        read_solution(tmp_path)


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        (3, "schema 3, this version reads 2; update Facesolve"),
        (1, r"was written by an older version of Facesolve; (pack or export it|solve the take) again\."),
        (0, "schema 0, which never existed"),
        ("1", "no schema number"),
        (True, "no schema number"),
        (None, "no schema number"),
    ],
)
def test_other_schemas_are_refused(tmp_path: Path, schema: object, sentence: str) -> None:
    write_take(rigs.take(tmp_path), tmp_path)
    write_solution(rigs.solution(), tmp_path)
    for name, read in (("take.json", read_take), ("solution.json", read_solution)):
        record = json.loads((tmp_path / name).read_text(encoding="utf-8"))
        (tmp_path / name).write_text(json.dumps(dict(record, schema=schema)), encoding="utf-8")
        with pytest.raises(TakeError, match=sentence):
            read(tmp_path)


def test_arrays_of_another_take_are_refused(tmp_path: Path) -> None:
    write_take(rigs.take(tmp_path), tmp_path / "a")
    write_take(rigs.take(tmp_path, fps=25.0, frames=np.arange(4), start=None, settings=rigs.Settings()), tmp_path / "b")
    shutil.copy(tmp_path / "a" / "take.npz", tmp_path / "b" / "take.npz")
    with pytest.raises(TakeError, match="does not match its JSON file"):
        read_take(tmp_path / "b")


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, ("exploded",))


def test_pickled_objects_are_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "evil.npz", neutral=np.array([Bomb()], dtype=object))
    with pytest.raises(TakeError, match=r"not a readable \.npz"):
        read_npz(tmp_path / "evil.npz", "rig")
    assert not (tmp_path / "exploded").exists()


@DATA
@given(position=st.floats(0, 1), value=st.integers(1, 255), cut=st.booleans())
def test_damaged_archives_give_one_sentence(
    position: float, value: int, cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damage") / "rig.npz"
    original = np.random.default_rng(0).random(200)
    write_npz(path, {"neutral": original})
    data = bytearray(path.read_bytes())
    place = int(position * (len(data) - 1))
    data[place] ^= value
    path.write_bytes(bytes(data[:place]) if cut else bytes(data))
    arrays = {}
    with contextlib.suppress(TakeError):
        arrays = read_npz(path, "rig")
    for array in arrays.values():  # the change hit a byte that nothing reads
        np.testing.assert_array_equal(array, original)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00v\x00{}", b"not an archive"])
def test_files_that_are_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rig.npz").write_bytes(content)
    with pytest.raises(TakeError, match=r"not a readable \.npz"):
        read_npz(tmp_path / "rig.npz", "rig")


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", "\udcff"])
def test_files_that_are_no_json_object(tmp_path: Path, content: str) -> None:
    (tmp_path / "take.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(TakeError, match=r"take\.json"):
        read_take(tmp_path)


def _places(record: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every key and list element inside a JSON value."""
    items = record.items() if isinstance(record, dict) else enumerate(record) if isinstance(record, list) else ()
    return [place for key, value in items for place in [(*path, key), *_places(value, (*path, key))]]


@pytest.mark.parametrize("change", ["remove", None, 7, "text", [], {}])
def test_edited_take_is_read_or_explained(tmp_path: Path, change: object) -> None:
    """Whatever a text editor does to take.json, reading it gives a take or one sentence."""
    write_take(rigs.take(tmp_path), tmp_path)
    text = (tmp_path / "take.json").read_text(encoding="utf-8")
    refused = 0
    for place in _places(json.loads(text)):
        record = json.loads(text)
        inner = record
        for key in place[:-1]:
            inner = inner[key]
        if change == "remove":
            del inner[place[-1]]
        else:
            inner[place[-1]] = change
        (tmp_path / "take.json").write_text(json.dumps(record), encoding="utf-8")
        try:
            read_take(tmp_path)
        except TakeError:
            refused += 1
    assert refused > 10


def test_camera_at_gives_each_frame_its_own() -> None:
    moving = Camera("c", 4, 4, np.eye(3), np.tile(np.eye(3), (2, 1, 1)), np.array([[0.0, 0, 1], [0, 0, 2]]))
    assert moving.moving
    assert moving.frame_count == 2
    np.testing.assert_array_equal(moving.at(1)[2], [0, 0, 2])


MODULES = ["facesolve", "facesolve.take", pytest.param("facesolve.cli", marks=needs_python_3_10)]


@pytest.mark.parametrize("module", MODULES)
def test_contract_and_command_line_start_without_torch(module: str) -> None:
    script = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
