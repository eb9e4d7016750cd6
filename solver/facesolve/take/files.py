"""Writing of files, whole or not at all, and what may stand at a path. ``reading`` reads them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping

import numpy as np

from .errors import TakeError


def write_atomic(path: Path, data: bytes) -> None:
    """Writes ``data`` to ``path`` so that a reader sees either the old file or the whole new one."""
    check_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # not tempfile: its files can be read by their owner alone, and other users of a farm must read a solution
    temporary = "{}.{}.part".format(path, uuid.uuid4().hex)
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, str(path))
    except OSError as error:  # of a full disk it names no file
        raise TakeError("'{}' cannot be written ({}).".format(path, error.strerror)) from None
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def check_file(path: Path) -> None:
    """Raises TakeError when it shows beforehand that no file can be written at ``path``. Makes nothing."""
    if path.is_dir():
        raise TakeError("'{}' is a folder; name a file.".format(path))
    check_folder(path.parent)


def check_folder(path: Path) -> None:
    """Raises TakeError when it shows beforehand that the folder ``path``, takes no files. Makes nothing."""
    there = Path(os.path.abspath(str(path)))
    while not there.exists() and there != there.parent:
        there = there.parent
    if there.is_file():
        raise TakeError("'{}' cannot be written: '{}' is a file, not a folder.".format(path, there))
    if not os.access(str(there), os.W_OK):
        raise TakeError("'{}' cannot be written: you may not write into '{}'.".format(path, there))


def check_new(path: Path, overwrite: bool) -> None:
    """Raises TakeError when something is at ``path`` that the user did not allow to be overwritten.

    An empty folder is free.
    """
    taken = any(path.iterdir()) if path.is_dir() else path.exists()
    if taken and not overwrite:
        raise TakeError("'{}' exists already; choose another name, or give --overwrite to replace it.".format(path))


@contextmanager
def new_folder(path: Path, overwrite: bool = False, own: str = "") -> Iterator[Path]:
    """A folder beside ``path`` to fill, which becomes ``path`` when all went well and else disappears.

    Raises TakeError when ``path`` is there already. With ``overwrite`` the new files replace those of the same names
    in it; what else an earlier run wrote is removed, and the files of others stay. own: as of ``remove_stale``.
    """
    check_new(path, overwrite)
    check_folder(path)
    temporary = Path("{}.{}.part".format(os.path.abspath(str(path)), uuid.uuid4().hex))
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise TakeError("'{}' cannot be made ({}).".format(path, error.strerror)) from None
    try:
        yield temporary
        if path.exists():
            written = [entry.relative_to(temporary) for entry in temporary.rglob("*")]
            _move_into(temporary, path)
            shutil.rmtree(str(temporary))
            if own:
                remove_stale(path, own, written)
        else:
            os.rename(str(temporary), str(path))
    except BaseException:
        shutil.rmtree(str(temporary), ignore_errors=True)
        raise


def remove_stale(folder: Path, own: str, kept: Iterable[Path]) -> None:
    """Removes the files in ``folder`` that an earlier run of a command wrote, but not ``kept`` of this run.

    own: regular expression of their names, or of ``folder/name`` where they are one folder further down; it must match
    no file of anybody else. kept: relative to ``folder``. Without it a sequence that became shorter would end in frames
    of the one before.
    """
    name, keep = re.compile(own), {path.as_posix() for path in kept}
    for entry in sorted(folder.glob("*/*" if "/" in own else "*")):
        place = entry.relative_to(folder).as_posix()
        if name.fullmatch(place) and place not in keep and entry.is_file():
            entry.unlink()


def _move_into(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for entry in source.iterdir():
        if entry.is_dir():
            _move_into(entry, target / entry.name)
        else:
            os.replace(str(entry), str(target / entry.name))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes ``value`` as indented JSON; numbers that are not finite are refused (ValueError)."""
    text = json.dumps(value, indent=1, allow_nan=False) + "\n"
    write_atomic(path, text.encode("utf-8"))


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> str:
    """Writes ``arrays`` compressed; returns the file's SHA-256 in hexadecimal."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # older numpy takes every keyword for an array
    data = buffer.getvalue()
    write_atomic(path, data)
    return hashlib.sha256(data).hexdigest()


def check_schema(record: Mapping[str, Any], supported: int, what: str, path: Path, remedy: str) -> None:
    """TakeError unless ``record['schema']`` is the one that this version writes.

    remedy: how to replace a file that an older version wrote.
    """
    schema = record.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool):
        raise TakeError("{}: '{}' has no schema number; it was not written by Facesolve.".format(what, path))
    if schema > supported:
        raise TakeError(
            "{}: '{}' has schema {}, this version reads {}; update Facesolve.".format(what, path, schema, supported)
        )
    if schema < 1:
        raise TakeError("{}: '{}' has schema {}, which never existed.".format(what, path, schema))
    if schema < supported:
        raise TakeError("{}: '{}' was written by an older version of Facesolve; {}.".format(what, path, remedy))


def relative_path(path: str, root: Path) -> str:
    """``path`` relative to ``root`` with forward slashes; absolute where no relative path exists (another drive)."""
    try:
        return Path(os.path.relpath(os.path.abspath(path), os.path.abspath(str(root)))).as_posix()
    except ValueError:
        return Path(os.path.abspath(path)).as_posix()


def absolute_path(path: str, root: Path) -> str:
    """``path`` relative to ``root`` made absolute, with forward slashes."""
    return Path(os.path.normpath(os.path.join(os.path.abspath(str(root)), path))).as_posix()
