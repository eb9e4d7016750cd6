"""One undo for everything a tool does. Knows no tool."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

from maya import cmds


@contextmanager
def undo_chunk(name: str) -> Iterator[None]:
    """Edits inside undo as one entry called ``name``; the chunk is closed whatever happens."""
    cmds.undoInfo(openChunk=True, chunkName=name)
    try:
        yield
    finally:
        cmds.undoInfo(closeChunk=True)
