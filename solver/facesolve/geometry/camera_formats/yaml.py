"""YAML files of other programs as plain values, without aliases, which could grow without end. Knows no format."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from facesolve.take import TakeError
from facesolve.take.reading import DEEPEST

LARGEST = 512 << 10  # characters; PyYAML reads about as many in a second


class _Loader(yaml.SafeLoader):
    """Plain values only; what a tag means that is not YAML's own, nobody asks."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it uses aliases")
        return super().compose_node(parent, index)

    def construct_any(self, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        return node.value


_Loader.add_constructor(None, _Loader.construct_any)


def parsed(text: str, path: Path) -> Any:
    """The document. Raises TakeError for what is no YAML and for what is beyond all limits."""
    depth = deepest = 0
    for match in re.finditer(r"[\[\]{}]", text):
        depth += 1 if match.group() in "[{" else -1
        deepest = max(deepest, depth)
    try:
        if len(text) > LARGEST:
            raise yaml.YAMLError(f"it has more than {LARGEST} characters")
        if deepest > DEEPEST or re.search(r"^[ \t]*(?:[-?:][ \t]+){8}", text, re.MULTILINE):
            raise yaml.YAMLError("it is nested too deeply")
        return yaml.load(text, _Loader)  # a SafeLoader
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError, OverflowError) as problem:
        place = (str(problem).splitlines() or [""])[0][:120]
        raise TakeError(f"calibration: '{path}' is not readable YAML ({place}); write it again.") from None
