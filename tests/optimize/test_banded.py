"""The banded system over a take against dense algebra, and its cost in frames, counted in operations."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from facesolve.optimize.banded import BandedSystem, pulled_back, second_difference_bands, second_differences
from facesolve.optimize.box import solve_box

LENGTHS = [1, 2, 3, 4, 5, 8, 9]
WIDTH = 4


def links(frames: int, seed: int) -> torch.Tensor:
    """Mostly linked frames."""
    return torch.rand(frames, generator=torch.manual_seed(seed)) < 0.8


def difference_matrix(linked: torch.Tensor) -> torch.Tensor:
    """D (F, F): row f takes the second difference around frame f where it is linked and has two neighbors."""
    count = len(linked)
    D = torch.zeros(count, count, dtype=torch.float64)
    for f in range(1, count - 1):
        if linked[f]:
            D[f, f - 1], D[f, f], D[f, f + 1] = 1, -2, 1
    return D


def random_blocks(frames: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Positive definite blocks (F, P, P) and a coupling (P,), one of it zero."""
    generator = torch.manual_seed(seed)
    root = torch.randn(frames, WIDTH, WIDTH, dtype=torch.float64, generator=generator)
    coupling = 10 * torch.rand(WIDTH, dtype=torch.float64, generator=generator)
    coupling[1] = 0
    return root @ root.mT + 0.1 * torch.eye(WIDTH, dtype=torch.float64), coupling


def dense(A: torch.Tensor, coupling: torch.Tensor, linked: torch.Tensor) -> torch.Tensor:
    """The whole matrix (F*P, F*P)."""
    D = difference_matrix(linked)
    return torch.block_diag(*A) + torch.kron(D.T @ D, torch.diag(coupling))


def random_box(frames: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A force and bounds; some variables fixed, some free."""
    b, lower, upper = 3 * torch.rand(3, frames, WIDTH, dtype=torch.float64, generator=torch.manual_seed(seed))
    lower, upper = -0.05 * lower, 0.1 * upper
    lower[::2, 0] = upper[::2, 0] = 0.02
    lower[:, 3], upper[:, 3] = -torch.inf, torch.inf
    return b - 1.5, lower, upper


@pytest.mark.parametrize("frames", LENGTHS)
@pytest.mark.parametrize("pattern", ["all", "none", "some", "ends"])
def test_multiply_solve_and_variances_equal_dense_algebra(frames, pattern):
    linked = {
        "all": torch.ones(frames, dtype=torch.bool),
        "none": torch.zeros(frames, dtype=torch.bool),
        "some": links(frames, 1),
        "ends": torch.arange(frames) % max(frames - 1, 1) == 0,
    }[pattern]
    A, coupling = random_blocks(frames, frames)
    whole = dense(A, coupling, linked)
    system = BandedSystem(A, linked[:, None] * coupling)
    x = torch.randn(frames, WIDTH, dtype=torch.float64, generator=torch.manual_seed(2))
    torch.testing.assert_close(system.multiply(x).flatten(), whole @ x.flatten())
    infinite = torch.full_like(x, torch.inf)
    solution = system.solve_box(x, -infinite, infinite)
    torch.testing.assert_close(solution.flatten(), torch.linalg.solve(whole, x.flatten()))
    free = torch.zeros_like(x, dtype=torch.bool)
    torch.testing.assert_close(system.variances(free).flatten(), torch.linalg.inv(whole).diagonal())


@pytest.mark.parametrize("frames", LENGTHS)
def test_bounded_solve_equals_the_dense_one(frames):
    A, coupling = random_blocks(frames, 10 + frames)
    b, lower, upper = random_box(frames, frames)
    linked = links(frames, frames)
    solution = BandedSystem(A, linked[:, None] * coupling).solve_box(b, lower, upper)
    expected = solve_box(dense(A, coupling, linked)[None], *(v.reshape(1, -1) for v in (b, lower, upper)))
    torch.testing.assert_close(solution.reshape(1, -1), expected, atol=1e-8, rtol=0)
    assert (solution[::2, 0] == 0.02).all()


@pytest.mark.parametrize("frames", LENGTHS)
def test_variances_of_held_parameters_are_zero_and_the_others_are_those_of_the_rest(frames):
    A, coupling = random_blocks(frames, frames)
    linked = torch.ones(frames, dtype=torch.bool)
    held = torch.rand(frames, WIDTH, generator=torch.manual_seed(frames)) < 0.3
    free = ~held.flatten()
    variances = BandedSystem(A, linked[:, None] * coupling).variances(held).flatten()
    assert not variances[~free].any()
    expected = torch.linalg.inv(dense(A, coupling, linked)[free][:, free]).diagonal()
    torch.testing.assert_close(variances[free], expected)


def test_bands_are_those_of_the_squared_second_differences():
    for frames in LENGTHS:
        springs = torch.rand(frames, 2, dtype=torch.float64, generator=torch.manual_seed(frames))
        D = difference_matrix(torch.ones(frames, dtype=torch.bool))
        for parameter in range(2):
            squared = D.T @ torch.diag(springs[:, parameter]) @ D
            for reach, band in enumerate(second_difference_bands(springs)):
                expected = squared.diagonal(reach).clone() if reach < frames else squared[:0, 0]
                torch.testing.assert_close(band[:, parameter], expected)


def test_second_differences_and_their_transpose():
    for frames in (length for length in LENGTHS if length > 2):
        values = torch.randn(frames, 3, dtype=torch.float64, generator=torch.manual_seed(4))
        D = difference_matrix(torch.ones(frames, dtype=torch.bool))[1:-1]
        torch.testing.assert_close(second_differences(values), D @ values)
        torch.testing.assert_close(pulled_back(second_differences(values)), D.T @ D @ values)
    assert not len(second_differences(torch.ones(2, 3)))


def test_constant_speed_costs_nothing():
    values = torch.arange(7, dtype=torch.float64)[:, None] * torch.tensor([1.0, -2.0]) + 3
    assert second_differences(values).abs().max() < 1e-12


class CountOperations(TorchDispatchMode):
    """Counts operations and the numbers they write."""

    def __init__(self):
        super().__init__()
        self.calls = self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.calls += 1
        parts = result if isinstance(result, (tuple, list)) else (result,)
        self.numbers += sum(part.numel() for part in parts if isinstance(part, torch.Tensor))
        return result


def work(frames: int) -> np.ndarray:
    """Operations and numbers written by one build, one unbounded solve and the variances."""
    A, coupling = random_blocks(frames, 0)
    b = torch.randn(frames, WIDTH, dtype=torch.float64, generator=torch.manual_seed(1))
    with CountOperations() as count:
        system = BandedSystem(A, coupling.expand(frames, -1))
        system.solve_box(b, torch.full_like(b, -torch.inf), torch.full_like(b, torch.inf))
        system.variances(torch.zeros_like(b, dtype=torch.bool))
    return np.array([count.calls, count.numbers])


def test_work_grows_linearly_with_the_number_of_frames():
    short, middle, long = work(40), work(80), work(160)
    assert (long - middle <= 2.1 * (middle - short)).all()
    assert (long <= 4.4 * short).all()
    assert long[0] < 1.5 * short[0], "a batched step does half of what is left, so calls grow with the logarithm"


def test_a_matrix_with_a_direction_of_negative_curvature_is_recognized():
    A, coupling = random_blocks(5, seed=3)
    linked = torch.ones(5, dtype=torch.bool)
    assert BandedSystem(A, linked[:, None] * coupling).positive_definite()
    A[3] -= 1.01 * torch.linalg.eigvalsh(dense(A, coupling, linked))[-1] * torch.eye(WIDTH, dtype=torch.float64)
    assert not BandedSystem(A, linked[:, None] * coupling).positive_definite()
