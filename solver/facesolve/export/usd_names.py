"""Names that USD allows for prims."""

from __future__ import annotations

from collections.abc import Sequence

from pxr import Tf


def unique_names(names: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """A valid prim name for each of ``names``, as close to it as can be, all different and none of ``taken``."""
    used, made = set(taken), []
    for name in names:
        valid = Tf.MakeValidIdentifier(f"_{name}" if name[:1].isdigit() else name)
        candidate, number = valid, 1
        while candidate in used:
            number += 1
            candidate = f"{valid}_{number}"
        used.add(candidate)
        made.append(candidate)
    return made
