"""A solve as a job on disk: what it writes, how it resumes, what it refuses, parts of a take."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.appearance.bake import NoTexture
from facesolve.cli import main
from facesolve.commands.output import EXIT_INTERRUPTED
from facesolve.evaluate import evaluate
from facesolve.evaluate.evaluation import read_truth
from facesolve.jobs.opened_take import taken_part
from facesolve.jobs.pack import pack_take
from facesolve.jobs.requests import PackRequest
from facesolve.jobs.serve_solution import Editor
from facesolve.jobs.solve_folder import solve_take_folder, sweep
from facesolve.runtime import sole_writer
from facesolve.runtime.checkpoint import Checkpoint
from facesolve.runtime.progress import Silent
from facesolve.solve import solve
from facesolve.stages.problem import Problem
from facesolve.start.found import FoundStart
from facesolve.take import (
    ControlSettings,
    FacesolveError,
    FootageError,
    HeadPin,
    Pin,
    Settings,
    Solution,
    SolveError,
    TakeError,
    read_solution,
    read_take,
    write_solution,
    write_take,
)
from facesolve.take.actor import ActorProfile, write_actor
from facesolve.take.frame_range import part_of_take
from facesolve.take.names import LIVE_PICTURE, STATE
from facesolve.take.provenance import read_provenance
from facesolve.take.settings_record import SettingsChange, settings_record
from facesolve.take.solved import fingerprint
from facesolve.take.verdict import DOES_NOT_FIT, EXIT_DOES_NOT_FIT
from tests.textured import write_filmed_take

FRAMES = 4
DRAFT = SettingsChange(values={"quality": "draft"})


class StopsIn(Silent):
    """Interrupts like Ctrl-C after some steps of a stage."""

    def __init__(self, stage: str, steps: int) -> None:
        self._stage, self._steps, self._inside = stage, steps, False

    def stage(self, name: str, total: int) -> None:
        self._inside = name == self._stage

    def advance(self, count: int = 1) -> None:
        if self._inside and count:
            self._steps -= 1
            if self._steps <= 0:
                raise KeyboardInterrupt


def _solve(take: Path, out: Path, progress: Silent | None = None, resume: bool = False, **options: object) -> Solution:
    chosen = {"device": "cpu", "settings": DRAFT, "frames": None, **options}
    return solve_take_folder(take, out, resume=resume, progress=progress or Silent(), **chosen)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("job") / "take"
    write_filmed_take(folder, FRAMES)
    return folder


class HearsPictures(Silent):
    """Keeps the pictures that were told of."""

    def __init__(self) -> None:
        self.pictures: list[Path] = []

    def picture(self, path: Path) -> None:
        self.pictures.append(path)


@pytest.fixture(scope="module")
def heard() -> HearsPictures:
    return HearsPictures()


@pytest.fixture(scope="module")
def ready() -> list[tuple[Solution, Solution, set[str]]]:
    """What was handed over, what the folder held then, and its files."""
    return []


@pytest.fixture(scope="module")
def solved(take: Path, heard: HearsPictures, ready: list[tuple[Solution, Solution, set[str]]]) -> Path:
    out = take.parent / "solved"

    def look(solution: Solution) -> None:
        ready.append((solution, read_solution(out), {path.name for path in out.iterdir()}))

    _solve(take, out, heard, pictures=True, ready=look)
    return out


def test_a_solve_shows_all_cameras_at_work_where_that_is_wanted(solved: Path, take: Path, heard: HearsPictures):
    assert set(heard.pictures) == {solved / LIVE_PICTURE}
    height, width, _ = cv2.imread(str(solved / LIVE_PICTURE)).shape
    camera, _, _ = read_take(take).cameras
    shown = 2 * camera.width / width  # at full size, or half of it when tracking drew the last picture
    assert shown in (1, 2)
    assert height == 2 * camera.height / shown  # three wide images in two rows


def test_the_profile_of_an_earlier_solve_is_believed(take: Path, tmp_path: Path):
    rig = read_take(take).rig
    offset = 0.1 * rig.neutral / np.linalg.norm(rig.neutral, axis=1, keepdims=True)
    write_actor(
        ActorProfile(offset, np.full(rig.vertex_count, 0.01), rig.meshes, {"takes": ["monday"]}), tmp_path / "a.npz"
    )
    words = ["--out", tmp_path / "out", "--actor", tmp_path / "a.npz", "--quality", "draft", "--device", "cpu", "-q"]
    assert main(["solve", str(take), *map(str, words), "--no-texture", "--no-report"]) in (0, 3)
    found = read_solution(tmp_path / "out").actor
    assert found is not None
    assert found.provenance["takes"][0] == "monday"
    np.testing.assert_allclose(found.offset, offset, atol=0.05)


def test_solution_is_complete(take: Path, solved: Path):
    solution, rig = read_solution(solved), read_take(take).rig
    assert solution.frames.tolist() == read_take(take).frames.tolist()
    assert (solution.controls >= rig.bounds[:, 0]).all()
    assert (solution.controls <= rig.bounds[:, 1]).all()
    assert np.isfinite(solution.control_std).all()
    assert np.isfinite(solution.residual).all()


def test_a_real_capture_from_its_rough_start(facesolve_data: Path, tmp_path: Path):
    source = facesolve_data / "ict_rom"
    request = PackRequest(
        rig=source / "rig.npz",
        cameras=source / "calibration.json",
        footage=str(source / "footage" / "{camera}" / "{camera}_{frame:04d}.jpg"),
        frames=(0, 39),
        fps=30.0,
        start=source / "start.json",
    )
    pack_take(request, tmp_path / "take")
    take = read_take(tmp_path / "take")
    part = part_of_take(take, 0, 2)
    solution = solve(part, device="cpu", settings=replace(take.settings, quality="draft"))  # no texture is baked
    errors = evaluate(solution, take, read_truth(source / "truth.npz"), (0, 6706))
    face = errors.regions[1]
    assert face.world_mean < 0.5
    assert face.rig_mean < 0.4  # draft quality, three frames
    assert errors.head_rotation.mean() < 0.3


def test_writes_solution_texture_and_log_and_leaves_no_checkpoint(take: Path, solved: Path):
    names = {path.name for path in solved.iterdir()}
    assert {"solution.json", "solution.npz", "solve.log", "texture.1001.png"} <= names
    assert "checkpoint.npz" not in names
    provenance = json.loads((solved / "solution.json").read_text(encoding="utf-8"))["provenance"]
    assert (solved / provenance["take"]).resolve() == (solved.parent / "take").resolve()
    settings = read_take(take).settings
    assert settings.quality == "standard"  # the take keeps its own
    assert provenance["settings"] == settings_record(replace(settings, quality="draft"))
    made = read_provenance(provenance)
    assert made.record() == provenance  # it says nothing that the contract does not name
    assert {"track", "refine", "join all frames"} <= set(made.seconds)
    assert all((made.facesolve, made.torch, made.python, made.device, made.rasterizer, made.date))


def test_the_solution_is_whole_before_its_texture_is_baked(
    solved: Path, ready: list[tuple[Solution, Solution, set[str]]]
):
    ((handed, read, names),) = ready
    assert not names.intersection(("checkpoint.npz", "texture.1001.png"))
    assert read.verdict == read_solution(solved).verdict
    for name in ("controls", "head", "control_std", "head_std", "residual"):
        for each in (handed, read_solution(solved)):
            np.testing.assert_array_equal(getattr(read, name), getattr(each, name))
    assert (solved / "texture.1001.png").exists()


def test_a_bake_that_is_stopped_leaves_solution_and_report_and_is_made_up_for_by_resume(
    take: Path, solved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "out"
    shutil.copytree(solved, out)
    whole = read_solution(out)
    without = {key: value for key, value in whole.provenance.items() if key not in ("texture", "camera_gains")}
    write_solution(replace(whole, provenance={**without, "take": str(take)}), out)
    for path in out.glob("texture.*.png"):
        path.unlink()
    before = (out / "solution.json").read_bytes()
    command = ["solve", str(take), "--out", str(out), "--quality", "draft", "--device", "cpu", "--resume"]

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("facesolve.jobs.solve_folder.bake_texture", stopped)
        assert main(command) == EXIT_INTERRUPTED
        assert (out / "solution.json").read_bytes() == before
        assert (out / "report.html").exists()
        assert main([*command, "--no-report", "--no-texture"]) in (0, EXIT_DOES_NOT_FIT)  # nothing more is wanted
    assert not list(out.glob("texture.*.png"))
    main([*command, "--no-report"])
    made = read_provenance(read_solution(out).provenance)
    assert made.texture == read_provenance(whole.provenance).texture
    for name in made.texture or ():
        assert (out / name).read_bytes() == (solved / name).read_bytes()
    assert {"track", "bake the texture"} <= set(made.seconds)


def test_a_texture_made_up_for_is_baked_on_the_neutral_of_the_actor(
    take: Path, solved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out, baked_on = tmp_path / "out", []
    shutil.copytree(solved, out)
    whole, rig = read_solution(out), read_take(take).rig
    record = {key: value for key, value in whole.provenance.items() if key not in ("texture", "camera_gains")}
    offset = np.full((rig.vertex_count, 3), 0.01, np.float32)
    profile = ActorProfile(offset, np.zeros(rig.vertex_count, np.float32), rig.meshes)
    write_solution(replace(whole, actor=profile, provenance={**record, "take": str(take)}), out)

    def bake(problem: Problem, *_: object) -> NoTexture:
        baked_on.append(problem.take.rig.neutral)
        return NoTexture("nothing is drawn here")

    monkeypatch.setattr("facesolve.jobs.solve_folder.bake_texture", bake)
    main(["solve", str(take), "--out", str(out), "--quality", "draft", "--device", "cpu", "--resume", "--no-report"])
    (neutral,) = baked_on
    np.testing.assert_allclose(neutral, rig.neutral + offset, atol=1e-6)


def test_verbose_shows_the_log_and_old_tiles_are_removed(take: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    frames = "{}-{}".format(*read_take(take).frames[:2])
    out = tmp_path / "out"
    out.mkdir()
    for name in ("texture.1099.png", "texture.mine.png"):
        (out / name).write_bytes(b"")
    arguments = ["--out", str(out), "--quality", "draft", "--frames", frames, "--device", "cpu", "--no-report", "-v"]
    assert main(["solve", str(take), *arguments]) == 0
    assert not (out / "texture.1099.png").exists()  # of an earlier solve
    assert (out / "texture.mine.png").exists()
    shown = capfd.readouterr()
    logged = _words((out / "solve.log").read_text(encoding="utf-8"))
    assert any(line.startswith("stage: track") for line in logged)
    assert shown.out == ""
    assert _words(shown.err)[: len(logged)] == logged  # and the closing words behind


def _words(log: str) -> list[str]:
    """The log's lines without the seconds at which they were said."""
    return [line.split(" s  ", 1)[-1] for line in log.splitlines()]


@pytest.mark.parametrize(
    ("stage", "steps", "beside"),
    [
        *(("track", 2, ()), ("bundle the keyframes", 1, ()), ("refine", 3, ()), ("join all frames", 1, ())),
        ("refine", 2, ("cpu",)),  # and goes on with one device
    ],
)
def test_an_interrupted_solve_resumes_to_the_same_result(
    take: Path, solved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, steps: int, beside: object
):
    monkeypatch.setattr("facesolve.runtime.checkpoint.SECONDS_BETWEEN", 0.0)
    with pytest.raises(KeyboardInterrupt):
        _solve(take, tmp_path, StopsIn(stage, steps), beside=beside)
    assert not (tmp_path / "solution.json").exists()
    resumed, whole = _solve(take, tmp_path, resume=True), read_solution(solved)
    for name in ("controls", "head", "control_std", "head_std", "residual"):
        np.testing.assert_allclose(getattr(resumed, name), getattr(whole, name), atol=1e-9)


def test_resume_refuses_what_is_of_another_solve(take: Path, solved: Path, tmp_path: Path):
    Checkpoint(tmp_path, "another solve", resume=False)
    with pytest.raises(SolveError, match="belongs to another take"):
        _solve(take, tmp_path, resume=True)
    (tmp_path / "checkpoint.npz").write_bytes(b"not a checkpoint")
    with pytest.raises(SolveError, match=r"Give --overwrite to start again"):
        _solve(take, tmp_path, resume=True)
    with pytest.raises(TakeError, match=r"solution\.json' exists already"):
        _solve(take, solved, resume=True, settings=SettingsChange(values={"quality": "draft", "smoothness": 2.0}))
    with pytest.raises(KeyboardInterrupt):  # with leave to overwrite it begins
        _solve(take, tmp_path, StopsIn("track", 2), resume=True, overwrite=True)


def test_resume_begins_what_was_not_begun_and_leaves_what_is_solved(take: Path, solved: Path, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        _solve(take, tmp_path / "new", StopsIn("track", 2), resume=True)
    before = (solved / "solution.json").read_bytes()
    assert _solve(take, solved, StopsIn("track", 1), resume=True).frames.tolist() == read_take(take).frames.tolist()
    assert (solved / "solution.json").read_bytes() == before


def test_a_folder_that_another_solve_writes_is_refused_by_name(
    take: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sole_writer, "WAIT", 0.0)
    with (
        sole_writer.sole_writer(tmp_path, print),
        pytest.raises(SolveError, match=rf"is being written by process {os.getpid()} on '"),
    ):
        _solve(take, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_solve_sweeps_what_a_killed_one_left_unfinished(take: Path, tmp_path: Path):
    stays = tmp_path / "report.html.0123.part"  # of somebody else
    for left in (tmp_path / "checkpoint.npz.0123abc.part", tmp_path / "texture.1001.png.77.part", stays):
        left.touch()
    with pytest.raises(KeyboardInterrupt):
        _solve(take, tmp_path, StopsIn("track", 2))
    assert sorted(path.name for path in tmp_path.glob("*.part")) == [stays.name]


def test_who_looks_at_a_solution_sweeps_too_unless_somebody_writes_there(tmp_path: Path):
    left = tmp_path / "solution.npz.0123abc.part"
    left.touch()
    with sole_writer.sole_writer(tmp_path, lambda text: None):
        sweep(tmp_path)
    assert left.exists()
    sweep(tmp_path)
    assert not left.exists()


def test_a_truncated_image_stops_the_solve_before_anything_is_written(take: Path, tmp_path: Path):
    image = Path(read_take(take).footage[1].image_path(int(read_take(take).frames[2])))
    whole = image.read_bytes()
    image.write_bytes(whole[: len(whole) // 2])
    try:
        with pytest.raises(FootageError, match=image.name):
            _solve(take, tmp_path / "out")
    finally:
        image.write_bytes(whole)
    assert not (tmp_path / "out").exists()


def test_edits_of_a_part_of_a_take_find_the_state_that_its_solve_kept(
    take: Path, solved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole, part = read_take(take), read_solution(solved).part(slice(1, 3))
    (tmp_path / STATE).touch()
    draft = SettingsChange(values={"quality": "draft"})
    wanted = fingerprint(taken_part(whole, draft, (int(part.frames[0]), int(part.frames[-1]))), take)
    sought = []

    def kept(_: Path, identity: str) -> None:
        sought.append(identity)
        raise SolveError("that is enough")

    monkeypatch.setattr("facesolve.jobs.serve_solution.KeptState", kept)
    with pytest.raises(SolveError, match="that is enough"):
        Editor(tmp_path, part, whole, take, "cpu")
    assert sought[0].split()[0] == wanted


def test_part_of_a_take(take: Path):
    whole = read_take(take)
    numbers = whole.frames
    name = whole.rig.control_names[0]
    lock = np.linspace(0, 0.3, FRAMES)
    settings = Settings(
        controls=(ControlSettings(name, lock=lock),),
        pins=(Pin(int(numbers[0]), name, 0.0), Pin(int(numbers[2]), name, 0.2)),
        head_pins=(HeadPin(int(numbers[0]), np.eye(4)), HeadPin(int(numbers[1]), np.eye(4))),
    )
    part = part_of_take(replace(whole, settings=settings), int(numbers[1]), int(numbers[2]))
    assert part.frames.tolist() == numbers[1:3].tolist()
    np.testing.assert_array_equal(part.settings.controls[0].lock, lock[1:3])
    assert [pin.frame for pin in part.settings.pins] == [numbers[2]]
    assert [pin.frame for pin in part.settings.head_pins] == [numbers[1]]
    assert part.start is not None
    assert part.start.frame == numbers[1]
    with pytest.raises(TakeError, match="none of them is in the take"):
        part_of_take(whole, 900, 901)
    assert issubclass(TakeError, FacesolveError)


def test_a_take_without_a_start_is_searched_and_says_so(
    take: Path, solved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = read_take(take)
    assert whole.start is not None
    write_take(replace(whole, start=None), tmp_path / "take")
    found = FoundStart(whole.start, "search", 0.97, 0.9, 0.5, ("a note",))
    monkeypatch.setattr("facesolve.start.find.find_start", lambda *_: found)
    with pytest.raises(KeyboardInterrupt):
        _solve(tmp_path / "take", tmp_path / "out", StopsIn("track", 2))
    log = (tmp_path / "out" / "solve.log").read_text(encoding="utf-8")
    assert "has no start pose: the head is looked for" in log
    assert "confidence 97%" in log
    monkeypatch.setattr("facesolve.start.find.find_start", lambda *_: pytest.fail("it was found already"))
    solution = _solve(tmp_path / "take", tmp_path / "out", resume=True)
    assert "a note" in solution.provenance["start"]
    # as with that start in the take, but for the votes that a posed start frame and its controls have and a found one
    # has not
    assert np.median(solution.residual) == pytest.approx(np.median(read_solution(solved).residual), rel=0.2)


def test_a_hopeless_start_stops_the_solve(take: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = read_take(take)
    assert whole.start is not None
    write_take(replace(whole, start=None), tmp_path / "take")
    found = FoundStart(whole.start, "search", 0.1, 0.5, 0.5, ())
    monkeypatch.setattr("facesolve.start.find.find_start", lambda *_: found)
    with pytest.raises(SolveError, match="none was found with confidence"):
        _solve(tmp_path / "take", tmp_path / "out")
    assert not (tmp_path / "out" / "solution.json").exists()


def test_a_solve_whose_cameras_disagree_says_which_mistake_it_is(take: Path, tmp_path: Path):
    right = read_take(take)
    inches = tuple(replace(camera, translation=camera.translation / 2.54) for camera in right.cameras)
    write_take(replace(right, cameras=inches), tmp_path / "take")
    out = tmp_path / "out"
    assert (
        main(
            [
                "solve",
                str(tmp_path / "take"),
                "--out",
                str(out),
                "--frames",
                "0-1",
                "--quality",
                "draft",
                "-q",
                "--no-report",
            ]
        )
        == 3
    )
    verdict = read_solution(out).verdict
    assert verdict is not None
    assert verdict.verdict == DOES_NOT_FIT
    assert "inches, not centimeters" in verdict.reason
    assert "--fix units=inch --out" in verdict.next_step
