"""The byte fixtures of the format's public tests, each read as MetaHuman DNA and evaluated.

    python -m tests.bench.dna_fixtures OPENRIGLOGIC

OPENRIGLOGIC is a copy of the OpenRigLogic project (MIT license, github.com/EpicGames/OpenRigLogic). Its tests hold
files as C++ arrays that a function joins; each is put together here, read, and compared with the sample whose values
they share. Those that hold no layer which that project can read, either, must be refused in a sentence. Prints one
line for each, and ends with 1 if one of them ends otherwise.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facesolve.geometry.rig_files import read_rig
from facesolve.geometry.rig_formats.dna_file import read_dna_file
from facesolve.take import TakeError
from facesolve.take.rig_evaluation import RigEvaluator
from tests.geometry.dna import assert_holds_the_sample

_ARRAY = re.compile(r"const unsigned char ([\w:]+)\[\]\s*=?\s*\{(.*?)\};", re.DOTALL)
_JOINED = re.compile(r"std::vector<char> (?:(\w+)::)?getBytes\(\) \{(.*?)return bytes;", re.DOTALL)
_PART = re.compile(r"bytes\.insert\(bytes\.end\(\), ([\w:]+),")
_UNREADABLE = ("Newer", "Empty")  # in the names of those whose layers are of a later version, or not there
_OTHER = "DNAFixtures"  # has products of its own, and shapes that follow other channels
_COMMENT = re.compile(r"//[^\n]*")


def fixtures(source: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file that the project's tests put together."""
    texts = {path: _COMMENT.sub("", path.read_text(encoding="utf-8")) for path in sorted(source.rglob("*.cpp"))}
    arrays = {
        (path.parent, name): bytes(int(number, 16) for number in re.findall(r"0x([0-9a-fA-F]+)", values))
        for path, text in texts.items()
        for name, values in _ARRAY.findall(text)
    }
    for path, text in texts.items():
        for owner, body in _JOINED.findall(text):
            parts = [name if "::" in name or not owner else f"{owner}::{name}" for name in _PART.findall(body)]
            if parts and all((path.parent, part) in arrays for part in parts):
                yield owner or path.stem, b"".join(arrays[path.parent, part] for part in parts)


def end(name: str, content: bytes, folder: Path) -> str:
    """What becomes of a file, in a sentence."""
    path = folder / "fixture.dna"
    path.write_bytes(content)
    said: list[str] = []
    found, rig = read_dna_file(path), read_rig(path, said.append)
    places = RigEvaluator(rig).vertices(np.random.default_rng(0).uniform(0, 1, (3, len(rig.controls))))
    if not np.isfinite(places).all():
        raise AssertionError("it moves vertices out of all numbers")
    assert_holds_the_sample(found, logic=name != _OTHER)
    left = f", left out: {' '.join(found.passed)}" if found.passed else ""
    return f"{len(rig.controls)} controls, {len(rig.joints)} joints, {rig.vertex_count} vertices{left}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    wrong = count = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, content in fixtures(parser.parse_args().source):
            count += 1
            try:
                line = end(name, content, Path(folder))
                right = not any(word in name for word in _UNREADABLE)
            except TakeError as problem:
                line, right = f"refused: {problem}", any(word in name for word in _UNREADABLE)
            except AssertionError as problem:
                line, right = f"says something else: {problem}", False
            wrong += not right
            version = "{}.{}".format(*np.frombuffer(content, ">u2", 2, 3))
            print(f"{name:50} {version:8} {len(content):6} bytes  {'' if right else 'WRONG '}{line}")
    print(f"{count - wrong} of {count} end as they should")
    return int(wrong > 0 or count == 0)


if __name__ == "__main__":
    raise SystemExit(main())
