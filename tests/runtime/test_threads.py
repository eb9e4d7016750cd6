"""Several things at once on a CPU's cores: in order, one PyTorch thread each, and errors of the first that fails."""

import threading
from collections.abc import Iterator

import pytest
import torch

from facesolve.runtime.threads import each_on_a_thread, on_threads

CPU = torch.device("cpu")


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_two_items_are_worked_on_at_once_each_by_one_thread():
    both = threading.Barrier(2, timeout=20)

    def work(item: int) -> tuple[int, int]:
        if item < 2:
            both.wait()  # would break were they worked on one after the other
        return item, torch.get_num_threads()

    assert each_on_a_thread(work, range(5), CPU) == [(item, 1) for item in range(5)]
    assert torch.get_num_threads() == 2
    later = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [2], "threads that begin later have been told to use one"


@pytest.mark.usefixtures("two_threads")
def test_items_are_asked_for_as_threads_get_free():
    asked = []

    def items() -> Iterator[int]:
        for item in range(6):
            asked.append(item)
            yield item

    results = on_threads(lambda item: item, items(), CPU)
    assert next(results) == 0
    assert asked == [0, 1]
    results.close()
    assert asked == [0, 1]


@pytest.mark.usefixtures("two_threads")
def test_the_first_failure_is_raised():
    def work(item: int) -> int:
        if item:
            raise ValueError(str(item))
        return item

    results = on_threads(work, range(4), CPU)
    assert next(results) == 0
    with pytest.raises(ValueError, match="1"):
        next(results)
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_a_single_item_leaves_the_threads_to_its_parts():
    parts = each_on_a_thread(
        lambda item: each_on_a_thread(lambda part: torch.get_num_threads(), range(2), CPU), [0], CPU
    )
    assert parts == [[1, 1]]
    assert each_on_a_thread(lambda item: torch.get_num_threads(), [0], CPU) == [2]


def test_a_worker_and_a_gpu_work_one_by_one():
    main = threading.get_ident()
    assert each_on_a_thread(lambda item: threading.get_ident(), range(3), torch.device("cuda")) == [main] * 3
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert each_on_a_thread(lambda item: threading.get_ident(), range(3), CPU) == [main] * 3
    finally:
        torch.set_num_threads(before)
