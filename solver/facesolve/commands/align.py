"""``facesolve align``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facesolve.start.method import How

from .output import EXIT_OK, Output, print_json, quoted
from .words import UsageError


def align(
    take: Path,
    /,
    *,
    write: bool = False,
    out: Path | None = None,
    overwrite: bool = False,
    picture: Path | None = None,
    frame: int | None = None,
    how: How = How(),  # noqa: B008  # frozen
    device: str = "auto",
    json: bool = False,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Find the start pose of a take without an animator.

    Finds the head in the first frame, and if that leaves doubt in two later ones: by landmarks where MediaPipe is
    installed, else by trying poses until all cameras see the same surface; then fits pose and controls. Reports what it
    used and how sure it is, and draws the start pose over the footage. 'facesolve solve' does the same by itself for a
    take that has no start pose.

    Args:
        write: write the start pose into TAKE.
        out: write the take with the start pose into this new folder; or, when it ends in .json, only the start pose as
            a file for 'facesolve pack --start'.
        picture: where the picture goes; start.png in TAKE, or in the new folder, if omitted.
        frame: look at this frame only; if omitted at the first, and two more unless a .json file is written.

    Examples:
        facesolve align my_take
        facesolve align my_take --write
        facesolve align my_take --frame 12 --out my_take_started
        facesolve align my_take --out start.json --picture start.png
    """
    if write and out is not None:
        raise UsageError("align: --write and --out are both given; give one of them.")
    file = out if out is not None and out.suffix.lower() == ".json" else None
    folder = out if file is None else None
    shown = picture or (folder or take) / "start.png"
    with output.reporting() as progress:
        from facesolve.footage.stream import TakeFootage
        from facesolve.jobs.keep_start import (
            check_first,
            check_free,
            write_picture_of_start,
            write_start,
            write_with_start,
        )
        from facesolve.runtime.devices import choose_device
        from facesolve.start.find import find_start
        from facesolve.take import read_take
        from facesolve.take.files import check_file, check_new

        read = read_take(take)
        check_file(shown)
        if picture is not None or folder is not None:
            check_new(shown, overwrite)
        if write:
            check_free(read, overwrite)
        if folder is not None:
            check_new(folder / "take.json", overwrite)
        if file is not None:
            check_file(file)
            check_new(file, overwrite)
            frame = int(read.frames[0]) if frame is None else frame
            check_first(read, frame)
        where = choose_device(device)
        with TakeFootage(read, where) as footage:
            found = find_start(read, footage, where, progress, frame, how)
        if file is not None:
            write_start(read, found.start, file)
        elif write or folder is not None:
            write_with_start(read, found.start, folder or take)
        write_picture_of_start(read, found.start, shown)
        if output.in_lines:
            for sentence in found.sentences():
                progress.message(sentence)
        progress.picture(shown)
        progress.done(out or take)
    if json:
        print_json({**found.record(read), "picture": str(shown)})
    else:
        _tell(found, shown, folder or (take if write else None), file, output)
    return EXIT_OK


def _tell(found: Any, picture: Path, take: Path | None, file: Path | None, output: Output) -> None:
    for sentence in found.sentences():
        output.say(sentence + ".")
    if file is not None:
        following = f"Next: facesolve pack ... --start {quoted(file)}"
    elif take is not None:
        following = f"Next: facesolve solve {quoted(take)} --out OUT"
    else:
        following = "The take is unchanged; --write or --out saves the start pose."
    output.say(f"Look at {picture}. {following}")
