"""Prefetching: runs a generator in a worker thread, some items ahead of its consumer."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

Item = TypeVar("Item")


def ahead(items: Generator[Item, None, None], count: int) -> Generator[Item, None, None]:
    """``items``, made in one thread of their own, up to ``count`` ahead of use.

    What they raise is raised where the item would have been. When the use ends, so does the making.
    """
    end: Any = object()
    try:
        with ThreadPoolExecutor(1, "ahead") as thread:
            pending = deque(thread.submit(next, items, end) for _ in range(max(1, count)))
            try:
                while (item := pending.popleft().result()) is not end:
                    pending.append(thread.submit(next, items, end))
                    yield cast(Item, item)
            finally:
                for future in pending:
                    future.cancel()
    finally:
        items.close()
