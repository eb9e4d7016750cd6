"""Rig files, ours and other programs', recognized by their ending. Formats: ``rig_formats``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from facesolve.take import Rig, TakeError
from facesolve.take.layouts import rig_table
from facesolve.take.reading import about, read_npz
from facesolve.take.rig_files import RECORD, rig_from_file

from .rig_formats.dna import read_dna
from .rig_formats.gltf import read_gltf
from .rig_formats.usd import read_usd

LONGEST = 1000  # characters of a sentence
_USD = (".usd", ".usda", ".usdc", ".usdz")
READERS = {".dna": read_dna, ".gltf": read_gltf, ".glb": read_gltf, **dict.fromkeys(_USD, read_usd)}
AGAIN = {  # what to do about a file that does not hold together; sentences with a semicolon say it themselves
    read_dna: "Write the DNA again with the program that made it.",
    read_gltf: "Export it again as glTF 2.0, with its morph targets and skins.",
    read_usd: "Export it again, with its UsdSkel blend shapes and skins.",
}


def read_rig(path: Path, tell: Callable[[str], None] = lambda sentence: None) -> Rig:
    """The rig in a file: MetaHuman DNA, USD or glTF by its ending, anything else an ``.npz`` of ours; centimeters.

    tell: called with each sentence about what was left out or became a control. Raises TakeError.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        return _of_arrays(path)
    try:
        return reader(path, tell)
    except TakeError as error:  # one line, whatever words of the file it quotes
        sentence = " ".join(str(error).split())
        sentence = sentence if len(sentence) < LONGEST else f"{sentence[:LONGEST]}...."
        raise TakeError(sentence if "; " in sentence else f"{sentence} {AGAIN[reader]}") from None


def _of_arrays(path: Path) -> Rig:
    """The rig in an ``.npz``: one that ``write_rig`` made, or dense arrays of a rig of blendshapes; centimeters.

    neutral (V, 3), deltas (K, V, 3), names (K), face_counts (P), faces (sum); optional uv (T, 2) with face_uvs (sum),
    photometric_weight (V), rigid_weight (V), ranges (K, 2) and defaults (K) of the controls, else 0..1 and 0. Raises
    TakeError.
    """
    arrays = read_npz(path, "rig", table=rig_table)
    if RECORD in arrays:
        return rig_from_file(arrays, path)
    if ("uv" in arrays) != ("face_uvs" in arrays):
        raise TakeError(f"rig: '{path}' must hold both uv and face_uvs, or neither; write the one that is missing.")
    try:
        rig = Rig.from_dense(
            arrays["neutral"],
            arrays["deltas"],
            [str(name) for name in arrays["names"]],
            arrays["face_counts"],
            arrays["faces"],
            arrays.get("uv"),
            arrays.get("face_uvs"),
            arrays.get("ranges"),
            arrays.get("defaults"),
        )
        return replace(
            rig, photometric_weight=arrays.get("photometric_weight"), rigid_weight=arrays.get("rigid_weight")
        )
    except TakeError as error:
        raise about(path, error) from None
