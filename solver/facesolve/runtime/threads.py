"""Several things at once on a CPU's cores, each computed by one thread: what is small gains nothing from being shared
out within PyTorch. Knows nothing about what is computed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

MOST_AT_ONCE = 8  # each has its own memory, and Python lets one thread at a time say what is next

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def one_thread() -> Iterator[None]:
    """Lets PyTorch use the calling thread alone: products that are too small to be shared out wait for other threads
    longer than these help."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def each_on_a_thread(work: Callable[[Item], Result], items: Sequence[Item], device: torch.device) -> list[Result]:
    """``work`` of every item, in their order; several at once on a CPU. Raises what the first that fails raises."""
    return list(on_threads(work, items, device))


def on_threads(work: Callable[[Item], Result], items: Iterable[Item], device: torch.device) -> Iterator[Result]:
    """``work`` of each item, handed over in their order; on a CPU as many at once as PyTorch has threads,
    up to ``MOST_AT_ONCE``.

    Items are asked for as threads get free. Close it when leaving early: that waits for what is at work. On a GPU, and
    on a thread that is such a worker itself, items are worked on one by one; so is a single one, for whose parts there
    may be several threads.
    """
    threads = torch.get_num_threads()
    single = isinstance(items, Sequence) and len(items) == 1
    if device.type != "cpu" or threads == 1 or single:
        yield from map(work, items)
        return
    begun: deque[Future[Result]] = deque()
    workers = min(threads, MOST_AT_ONCE)
    with ThreadPoolExecutor(workers, "solve", torch.set_num_threads, (1,)) as pool:
        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) == workers:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for job in begun:
                job.cancel()
            # a worker's choice is also that of threads that begin later
            torch.set_num_threads(threads)
