"""A take without a mistake that 'facesolve inspect --deep' has named, as a new folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facesolve.mistakes.repairs import repaired
from facesolve.take import Take, TakeError, read_take, write_take
from facesolve.take.files import check_new
from facesolve.take.names import TAKE


def repair_take(folder: Path, fixes: Sequence[str], out: Path, overwrite: bool = False) -> Take:
    """Writes the take in ``folder`` after some repairs (``mistakes.repairs.repaired``) into ``out``, and returns it.

    The footage stays where it is. Raises TakeError for a repair that is not known, and for a take that is in ``out``
    already unless ``overwrite``; nothing is written then.
    """
    check_new(out / TAKE, overwrite)
    if out.resolve() == folder.resolve():
        raise TakeError("repair: the repaired take would replace the take itself; give another --out.")
    take = read_take(folder)
    for fix in fixes:
        take = repaired(take, fix)
    write_take(take, out)
    return take
