"""Takes of a manifest from files to packs, solves, reports and exports: what is done and unchanged is left as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from facesolve.export import load_performance
from facesolve.runtime.progress import Reporter
from facesolve.take import FacesolveError, Settings, TakeError, read_take
from facesolve.take.events import Error
from facesolve.take.files import write_json
from facesolve.take.names import CANCEL, SOLUTION, TAKE, UDIM
from facesolve.take.reading import read_json
from facesolve.take.solved import fingerprint, footage_key, is_solved

from .manifest import EXPORTS, PATHS, Entry, stamp
from .many_takes import TakeJob, solve_takes
from .opened_take import taken_part
from .pack import pack_take

PACKED = "manifest.json"  # beside take.json: what the take was packed from
PACK, SOLVE, EXPORT = "pack", "solve", "export"


@dataclass(frozen=True)
class Work:
    """What is to be done with one take: some of PACK, SOLVE, and the exports that are lacking or old."""

    entry: Entry
    steps: tuple[str, ...]
    exports: tuple[str, ...]

    @property
    def lacking(self) -> tuple[Path, ...]:
        """The files that its pack reads, besides footage, and that do not exist."""
        if self.entry.request is None or PACK not in self.steps:
            return ()
        named = [getattr(self.entry.request, name) for name in PATHS]
        return tuple(path for path in named if isinstance(path, Path) and UDIM not in path.name and not path.exists())

    @property
    def text(self) -> str:
        """In one line, for people."""
        done = [*self.steps, *(f"{EXPORT} {name}" for name in self.exports)]
        return f"{self.entry.name}: {', '.join(done) if done else 'done'}"


def work_of(entries: Sequence[Entry], out: Path) -> list[Work]:
    """What each take lacks. Raises nothing for takes that cannot be read: their pack or solve says why."""
    return [_work(entry, out) for entry in entries]


def run_manifest(
    work: Sequence[Work],
    out: Path,
    devices: Sequence[str],
    options: Sequence[str],
    progress: Reporter,
    ended: Callable[[], None] = lambda: None,
) -> dict[str, str]:
    """Does ``work`` in its order; why, by name, for takes that failed.

    A solve that fails is tried once more when all others have ended. options: further arguments of each solve. ended:
    called whenever a solve has ended. Ctrl-C or a file ``cancel`` in ``out`` raises KeyboardInterrupt.
    """
    failed = {}
    for one in work:
        if PACK in one.steps:
            why = _attempt(partial(_pack, one.entry), one.entry.name, progress)
            failed.update({one.entry.name: why} if why else {})
    solves = [one.entry for one in work if SOLVE in one.steps and one.entry.name not in failed]
    for _ in range(2):
        jobs = [_job(entry, options) for entry in solves]
        unsolved = solve_takes(jobs, devices, (), cancel=out / CANCEL, progress=progress, ended=ended)
        solves = [entry for entry in solves if entry.name in unsolved]
        if not solves:
            break
    failed.update({entry.name: unsolved[entry.name] for entry in solves})
    for one in work:
        if one.exports and one.entry.name not in failed:
            why = _attempt(partial(_export, one, out), one.entry.name, progress)
            failed.update({one.entry.name: why} if why else {})
    return failed


def _work(entry: Entry, out: Path) -> Work:
    steps: list[str] = []
    if entry.request is not None and not _is_packed(entry):
        steps += [PACK, SOLVE]
    elif not _is_solved(entry):
        steps.append(SOLVE)
    made = entry.out / SOLUTION
    old = [
        name
        for name in entry.exports
        if steps or not (file := export_path(entry, name, out)).exists() or file.stat().st_mtime < made.stat().st_mtime
    ]
    return Work(entry, tuple(steps), tuple(old))


def export_path(entry: Entry, name: str, out: Path) -> Path:
    """The file, or for obj the folder, of one export."""
    return out / "exports" / f"{entry.name}{EXPORTS[name]}"


def _packed_from(entry: Entry) -> dict[str, Any]:
    assert entry.request is not None
    named = {of.name: getattr(entry.request, of.name) for of in fields(entry.request)}
    files = stamp([named[name] for name in PATHS if named[name] is not None])
    plain = {name: value.as_posix() if isinstance(value, Path) else value for name, value in named.items()}
    return dict(json.loads(json.dumps({"request": plain, "files": files}, default=str)))


def _footage(entry: Entry) -> dict[str, str]:
    return {"footage": footage_key(read_take(entry.take))}


def _is_packed(entry: Entry) -> bool:
    if not (entry.take / TAKE).exists() or not (entry.take / PACKED).exists():
        return False
    try:
        return read_json(entry.take / PACKED, "manifest") == {**_packed_from(entry), **_footage(entry)}
    except FacesolveError:  # then it is packed again
        return False


def _is_solved(entry: Entry) -> bool:
    try:
        take = taken_part(read_take(entry.take), entry.settings, entry.frames)
        return is_solved(entry.out, fingerprint(take, entry.take))
    except FacesolveError:
        return False


def _pack(entry: Entry) -> None:
    assert entry.request is not None
    pack_take(entry.request, entry.take, settings=Settings(), overwrite=True)
    write_json(entry.take / PACKED, {**_packed_from(entry), **_footage(entry)})


def _job(entry: Entry, options: Sequence[str]) -> TakeJob:
    frames = [] if entry.frames is None else [f"--frames={entry.frames[0]}-{entry.frames[1]}"]
    chosen = ("--resume", "--overwrite", *entry.settings.arguments(), *frames, *options)
    return TakeJob(entry.name, entry.take, entry.out, chosen)


def _export(one: Work, out: Path) -> None:
    from facesolve.export.curves_csv import write_live_link_csv
    from facesolve.export.curves_json import write_curves_json
    from facesolve.export.obj import write_obj_sequence

    performance = load_performance(one.entry.out, None, None)
    for name in one.exports:
        path = export_path(one.entry, name, out)
        if name == "usd":
            _export_usd(performance, path)
        elif name == "obj":
            write_obj_sequence(performance, path, False, True)
        elif name == "csv":
            write_live_link_csv(performance, path, "y")
        else:
            write_curves_json(performance, path)


def _export_usd(performance: Any, path: Path) -> None:
    try:
        from facesolve.export.usd import UsdOptions, write_usd
    except ImportError:
        raise TakeError('export: USD needs usd-core; run: pip install "facesolve[usd]".') from None
    write_usd(performance, path, UsdOptions(False, "y", False))


def _attempt(act: Callable[[], None], name: str, progress: Reporter) -> str:
    """Why ``act`` failed; empty when it went well."""
    try:
        act()
    except FacesolveError as error:
        progress.heard(name, Error(str(error)))
        return str(error)
    return ""
