"""Sorts control names into regions of the face and finds left/right partners. Knows names only."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

REGIONS = ("Brows", "Eyes", "Nose", "Cheeks", "Mouth", "Jaw", "Head", "Other")

# First match wins: "noseSneer" is the nose though "sneer" alone is the mouth, "eyebrow" is a brow, "jawOpen" a jaw.
_WORDS: Tuple[Tuple[str, Tuple[str, ...]], ...] = (
    ("Brows", ("brow", "forehead")),
    ("Nose", ("nose", "nostril", "nasal")),
    ("Cheeks", ("cheek",)),
    ("Jaw", ("jaw", "chin")),
    (
        "Mouth",
        (
            "mouth",
            "lip",
            "smile",
            "frown",
            "pucker",
            "funnel",
            "tongue",
            "teeth",
            "sneer",
            "dimple",
            "phoneme",
            "viseme",
        ),
    ),
    ("Eyes", ("eye", "lid", "blink", "pupil", "gaze", "squint", "iris")),
    ("Head", ("head", "neck")),
)
_MIDLINE = frozenset(("jaw", "mouth", "tongue", "head", "neck", "chin", "nose", "lip", "lips"))
_SIDES = {"l": "r", "r": "l", "lf": "rt", "rt": "lf", "left": "right", "right": "left"}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^A-Za-z0-9]+")


def region_of(name: str) -> str:
    """The region (one of REGIONS) that a control's name speaks of; namespaces and node names are ignored."""
    attribute = name.rsplit(".", 1)[-1].rsplit(":", 1)[-1].lower()
    for region, words in _WORDS:
        if any(word in attribute for word in words):
            return region
    return "Other"


def group_by_region(names: Iterable[str]) -> List[Tuple[str, List[str]]]:
    """(region, names) in the order of REGIONS, names in their own order; regions without a control are left out."""
    groups: Dict[str, List[str]] = {region: [] for region in REGIONS}
    for name in names:
        groups[region_of(name)].append(name)
    return [(region, groups[region]) for region in REGIONS if groups[region]]


def partner_of(name: str, names: Sequence[str]) -> Optional[str]:
    """The control on the other side: the name in ``names`` that differs in one side word (``smile_L``, ``blinkLeft``).

    ``jawLeft`` and ``jawRight`` are opposite movements of one thing, not partners that should be equal: a side word
    that follows nothing but the name of a part in the middle of the face is a direction.
    """
    words = _WORD.findall(name)
    known = set(names)
    for index, word in enumerate(words):
        other = _SIDES.get(word.lower())
        if other is None or _is_direction(words[:index]):
            continue
        candidate = "".join([*words[:index], _match_case(other, word), *words[index + 1 :]])
        if candidate != name and candidate in known:
            return candidate
    return None


def _is_direction(before: Sequence[str]) -> bool:
    named = [word.lower() for word in before if word.isalnum()]
    return len(named) == 1 and named[0] in _MIDLINE


def _match_case(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[0].isupper() else word
