"""A folder that appears with all its files or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ExportError


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes ``folder`` at the end; removed when anything goes wrong, Ctrl-C included.

    Raises ExportError when ``folder`` is a file or holds anything: nothing of another export may stay among the files.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(f"export: '{folder}' exists and is not an empty folder; remove it or give another --out.")
    temporary = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.part")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if folder.exists():
            folder.rmdir()
        os.replace(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary)
        raise
