"""Bumped cameras: the equations against explicit ones, what is found again, what is left alone, and the job on disk."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from facesolve.calibrate.bumped import BUMPED, camera_places, find_bumped, joint_model, motion, shifts_of
from facesolve.cli import main
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import apply_head
from facesolve.geometry.rigid import rigid_step
from facesolve.residuals.observation import observe
from facesolve.residuals.photometric import template_covectors
from facesolve.residuals.template import agree
from facesolve.stages.problem import Problem
from facesolve.take import Camera, Footage, Solution, SolveError, StartPose, read_take, write_solution, write_take
from tests.calibrate.boards_seen import rigid
from tests.synthetic import compound_rig, film, head_rig, head_scene, make_problem, make_take, performance

TURN, SHIFT = 0.3, 3.0  # degrees, millimeters


def bump(camera: Camera, seed: int = 0) -> Camera:
    """The camera turned by 0.3 degrees about its center, and its center moved by 3 mm."""
    random = np.random.default_rng(seed)
    turn, shift = (v / np.linalg.norm(v) for v in random.normal(size=(2, 3)))
    center = -camera.rotation.T @ camera.translation + SHIFT / 10 * shift
    rotation = rigid(np.radians(TURN) * turn, np.zeros(3))[:3, :3] @ camera.rotation
    return replace(camera, rotation=rotation, translation=-rotation @ center)


def bumped_problem(name: str) -> Problem:
    """The synthetic head with one camera's calibration off."""
    problem = head_scene().problem
    lenses = tuple(bump(c) if c.name == name else c for c in problem.take.cameras)
    return make_problem(replace(problem.take, cameras=lenses))


def pixels_off(places: torch.Tensor) -> np.ndarray:
    """(C,) root mean square pixels between where cameras at ``places`` and the true ones see the filmed surface."""
    scene = head_scene()
    model = scene.problem.model
    deformation = model.deformation(scene.truth.controls.to(model.dtype))
    points = apply_head(scene.truth.head.to(model.dtype), scene.problem.samples.positions(deformation))
    return shifts_of(scene.problem, camera_places(scene.problem), places, points.reshape(-1, 3)).numpy()


def pulled(pose: Pose) -> Pose:
    """What a solve makes of a bumped camera: the head is drawn along in every frame."""
    step = torch.tensor([0.001, -0.0015, 0.0008, 0.05, -0.04, 0.06], dtype=torch.float64)
    return Pose(pose.controls, pose.head @ rigid_step(step[None]))


def test_equations_are_those_of_explicit_variable_projection():
    """Dense: the Jacobian of every observation by each head and camera, centered by the weighted mean of its sample."""
    problem, truth = make_problem(make_take(compound_rig(), frames=2), 60, torch.float64), performance(2)
    pixels = film(problem.model, problem.take.cameras, truth)
    frames, count, pivot = torch.arange(2), 2, torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    pose = pulled(truth)
    views = problem.views.views(problem.samples, 0, [0, 1], pixels, pose.controls, pose.head)
    scale = torch.tensor(0.3, dtype=torch.float64)
    joint = joint_model(problem, views, pose, 0, pivot, scale)
    seen = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    template, weights, _ = agree(seen, views.edges, scale)
    covectors = torch.einsum(
        "mcni,mji->mcnj", template_covectors(template.slopes, seen.rays, views.edges), pose.head[:, :3, :3]
    )

    def before_camera(step: torch.Tensor) -> torch.Tensor:
        """(M, C, N, 3) where the cameras' calibrations would have the surface."""
        heads = pose.head @ rigid_step(step[: 6 * count].view(-1, 6))
        world = apply_head(heads, seen.points)
        moves = rigid_step(step[6 * count :].view(-1, 6), pivot)
        return torch.stack([apply_head(move[None], world) for move in moves], 1)

    size = 6 * (count + 3)
    columns = []
    for i in range(size):
        step = torch.zeros(size, dtype=torch.float64)
        step[i] = 1e-5
        columns.append((before_camera(step) - before_camera(-step)) / 2e-5)
    J = torch.einsum("mcni,mcnip->mcnp", covectors, torch.stack(columns, -1)).flatten(0, 1)
    weight, residual = weights.flatten(0, 1), (seen.values - template.values).flatten(0, 1)
    mean = (weight[..., None] * J).sum(0) / torch.where(template.weights > 0, template.weights, 1.0)[:, None]
    noise = problem.noise_variance(scale, 0)
    A = torch.einsum("onp,on,onq->pq", J - mean, weight, J - mean) / noise
    b = -torch.einsum("onp,on,on->p", J - mean, weight, residual) / noise
    torch.testing.assert_close(joint.A, A, rtol=1e-6, atol=1e-6 * float(A.abs().max()))
    torch.testing.assert_close(joint.b, b, rtol=1e-6, atol=1e-6 * float(b.abs().max()))
    assert len(frames) == count
    assert float(A.diagonal().min()) > 0


def test_bumped_camera_is_told_from_the_others_and_found_again():
    """The one in the middle; another one is bumped in ``test_cameras_that_travel_are_held``."""
    name = "front"
    scene, problem = head_scene(), bumped_problem(name)
    found, moved = find_bumped(problem, scene.pixels, pulled(scene.truth), scene.frames, None)
    names = [c.name for c in problem.take.cameras]
    assert [n for n, m in zip(names, moved.tolist(), strict=True) if m] == [name]
    index = names.index(name)
    assert pixels_off(camera_places(problem))[index] > 1.4
    off = pixels_off(found.places)
    assert off[index] < 0.2  # turn and shift can make up for each other, and at 42 pixels across the head they do
    others = [i for i in range(3) if i != index]
    assert off[others].max() < 1e-3
    assert found.covariance[others].abs().max() == 0
    assert (found.covariance[index].diagonal() > 0).all()


def test_cameras_that_stand_where_they_were_are_left_alone():
    scene = head_scene()
    found, moved = find_bumped(scene.problem, scene.pixels, pulled(scene.truth), scene.frames, None)
    assert not moved.any()
    assert found.shift.max() < BUMPED / 2


def test_camera_that_is_named_is_the_only_one_to_move():
    scene, problem = head_scene(), bumped_problem("right")
    found, moved = find_bumped(problem, scene.pixels, scene.truth, scene.frames, torch.tensor([False, False, True]))
    assert moved.tolist() == [False, False, True]
    assert pixels_off(found.places).max() < 0.2


def test_motion_is_that_of_the_world_about_the_pivot():
    begun = camera_places(head_scene().problem)
    pivot = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    step = torch.tensor([[0.01, -0.02, 0.03, 0.1, 0.2, -0.3]] * 3, dtype=torch.float64)
    torch.testing.assert_close(motion(begun, begun @ rigid_step(step, pivot), pivot), step)


def test_what_cannot_be_told_is_one_sentence():
    scene = head_scene()
    take = scene.problem.take
    two = make_problem(replace(take, cameras=take.cameras[:2], footage=take.footage[:2]))
    with pytest.raises(SolveError, match="2 of them are too few to find out which one moved"):
        find_bumped(two, scene.pixels, scene.truth, scene.frames, None)
    with pytest.raises(SolveError, match="leave out at least one"):
        find_bumped(scene.problem, scene.pixels, scene.truth, scene.frames, torch.ones(3, dtype=torch.bool))
    traveling = replace(take.cameras[0], translation=np.tile(take.cameras[0].translation, (take.frame_count, 1)))
    moving = make_problem(replace(take, cameras=(traveling, *take.cameras[1:])))
    with pytest.raises(SolveError, match="animated in the take: 'left'"):
        find_bumped(moving, scene.pixels, scene.truth, scene.frames, torch.tensor([True, False, False]))


def test_cameras_that_travel_are_held():
    scene = head_scene()
    take = scene.problem.take
    traveling = replace(take.cameras[1], translation=np.tile(take.cameras[1].translation, (take.frame_count, 1)))
    problem = make_problem(replace(take, cameras=(bump(take.cameras[0]), traveling, take.cameras[2])))
    found, moved = find_bumped(problem, scene.pixels, scene.truth, scene.frames, None)
    assert moved.tolist() == [True, False, False]
    assert pixels_off(found.places)[0] < 0.2


def on_disk(folder: Path, name: str) -> None:
    """``take`` with one camera's calibration off, its footage, and ``solution``: the truth, the head drawn along."""
    truth, rig = performance(), head_rig()
    take = make_take(rig)
    problem = make_problem(take)
    for frame, pixels in enumerate(film(problem.model, take.cameras, truth)):
        for camera, image in zip(take.cameras, pixels.luminance, strict=True):
            cv2.imwrite(str(folder / f"{camera.name}.{frame:04d}.png"), (image.numpy() * 255).round().astype(np.uint8))
    pose = pulled(truth)
    footage = tuple(Footage(c.name, f"{folder.as_posix()}/{c.name}.{{frame:04d}}.png") for c in take.cameras)
    lenses = tuple(bump(c) if c.name == name else c for c in take.cameras)
    start = StartPose(0, truth.controls[0].numpy(), truth.head[0].numpy())
    write_take(replace(take, cameras=lenses, footage=footage, start=start), folder / "take")
    count, frames = len(rig.controls), len(truth.controls)
    solution = Solution(
        frames=take.frames,
        scene_times=take.scene_times,
        fps=take.fps,
        control_names=tuple(rig.control_names),
        controls=pose.controls.numpy(),
        head=pose.head.numpy(),
        control_std=np.full((frames, count), 0.01),
        head_std=np.full((frames, 6), 0.01),
        camera_names=tuple(c.name for c in take.cameras),
        residual=np.full((frames, 3), 0.1),
    )
    write_solution(solution, folder / "solution")


def run(folder: Path, *more: str) -> int:
    return run_with(folder, folder / "solution", *more)


def run_with(folder: Path, solution: Path, *more: str) -> int:
    inputs = [str(folder / "take"), str(solution)]
    return main(["refine-cameras", *inputs, "--out", str(folder / "new"), "--progress", "quiet", *more])


def test_new_take_has_the_camera_where_it_is(tmp_path, capsys):
    on_disk(tmp_path, "left")
    before = (tmp_path / "take" / "take.npz").read_bytes()
    assert run(tmp_path) == 0
    printed = capsys.readouterr().out
    assert "left: turned by 0." in printed
    assert "front: not moved." in printed
    old, new = read_take(tmp_path / "take"), read_take(tmp_path / "new")
    places = torch.stack([torch.as_tensor(rigid_of(camera)) for camera in new.cameras])
    assert pixels_off(places)[0] < 0.2
    for a, b in zip(old.cameras[1:], new.cameras[1:], strict=True):
        assert np.array_equal(a.translation, b.translation)
    assert [f.path for f in new.footage] == [f.path for f in old.footage]
    assert (tmp_path / "take" / "take.npz").read_bytes() == before
    assert run(tmp_path) == 2
    assert "exists already" in capsys.readouterr().err


def rigid_of(camera: Camera) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = camera.rotation, camera.translation
    return matrix


def test_nothing_is_written_when_nothing_moved_or_the_input_is_wrong(tmp_path, capsys):
    on_disk(tmp_path, "")
    assert run(tmp_path) == 0
    assert "No camera was bumped; nothing was written." in capsys.readouterr().out
    assert run(tmp_path, "--only-cameras", "up") == 2
    assert "the take has no camera 'up'; it has left, front, right" in capsys.readouterr().err
    assert run_with(tmp_path, tmp_path / "none") == 2
    assert not (tmp_path / "new").exists()
