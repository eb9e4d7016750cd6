"""Names of the nodes that Facesolve makes in a scene: one prefix, one way of numbering. Knows no node's purpose."""

from __future__ import annotations

import re
from typing import Container, List

from maya import cmds

PREFIX = "facesolve_"
OVERLAY = PREFIX + "overlay"


def node_name(*words: str) -> str:
    """The prefix and ``words``, for example a take's name, as Maya allows them in a name."""
    return PREFIX + "_".join(re.sub(r"\W", "_", word, flags=re.ASCII) for word in words)


def legal_name(wanted: str, prefix: str) -> str:
    """``wanted`` as Maya allows it in a name; ``prefix_`` in front where it begins with a digit or holds no letter.

    Maya would drop leading digits in silence, and refuse a name that is nothing else.
    """
    name = re.sub(r"\W", "_", wanted, flags=re.ASCII)
    return name if re.match(r"_*[A-Za-z]", name) else "{}_{}".format(prefix, name)


def free_name(wanted: str, taken: Container[str] = ()) -> str:
    """``wanted``, or with a number from 2 on when the scene has such a node or ``taken`` holds the name."""
    name, number = wanted, 1
    while name in taken or cmds.objExists(name):
        number += 1
        name = "{}_{}".format(wanted, number)
    return name


def overlays() -> List[str]:
    """Long names of the wireframe copies of heads that are drawn over the footage. They are no heads themselves."""
    return cmds.ls(OVERLAY + "Shape*", "*:" + OVERLAY + "Shape*", type="mesh", long=True) or []
