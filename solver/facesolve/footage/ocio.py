"""Color spaces by name, as studios have them: stored pixels to linear light by OpenColorIO. Knows no files of images.

The configuration is that of the environment variable OCIO, else the ACES studio configuration that OpenColorIO brings.
"""

from __future__ import annotations

import difflib
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.take.errors import FootageError
from facesolve.take.footage import COLOR_SPACES

from .exr import optional_module

BUILT_IN = "ocio://studio-config-latest"
TARGET = "lin_rec709_srgb"  # linear light of sRGB's primaries, by the name that all configurations know
NAMED = 3  # color spaces that a sentence suggests


def to_named_linear(stored: np.ndarray, color_space: str) -> np.ndarray:
    """(H, W, 3) float32 linear light of sRGB's primaries, of stored (H, W) gray or (H, W, 3) RGB pixels.

    Integers are full scale 0..1. Raises FootageError as ``check_color_space``; UnreadableImage without OpenColorIO.
    """
    largest = 1.0 if stored.dtype.kind == "f" else float(np.iinfo(stored.dtype).max)
    light = stored.astype(np.float32) / np.float32(largest)
    light = np.ascontiguousarray(light if light.ndim == 3 else np.repeat(light[..., None], 3, axis=2))
    _processor(color_space, os.environ.get("OCIO", "")).applyRGB(light)
    return light


def check_color_space(color_space: str) -> None:
    """Raises FootageError for a name that is neither ours nor one of the configuration."""
    if color_space not in COLOR_SPACES:
        _processor(color_space, os.environ.get("OCIO", ""))


def color_space_of(path: str) -> str:
    """The name that the configuration's file rules have for a file. Raises FootageError without a configuration."""
    chosen = os.environ.get("OCIO", "")
    if not chosen:
        raise FootageError(
            "color space: 'ocio' means the file rules of your OpenColorIO configuration; set OCIO to it, or name a "
            "color space."
        )
    return str(_configuration(chosen).getColorSpaceFromFilepath(path)[0])


@cache
def _configuration(chosen: str) -> Any:
    ocio: Any = optional_module("PyOpenColorIO", "color")
    name = chosen or BUILT_IN
    try:
        if chosen and not chosen.startswith("ocio:"):
            name = str(Path(chosen))
        return ocio.Config.CreateFromFile(name)
    except ocio.Exception as problem:
        raise FootageError(f"color space: '{name}' is no OpenColorIO configuration ({_one_line(problem)}).") from None


@cache
def _processor(color_space: str, chosen: str) -> Any:
    config = _configuration(chosen)
    ocio: Any = optional_module("PyOpenColorIO", "color")
    if config.getColorSpace(color_space) is None:
        there = list(config.getColorSpaceNames())
        near = difflib.get_close_matches(color_space, there, NAMED, 0.0)
        source = f"'{chosen}'" if chosen else "OpenColorIO's ACES configuration"
        raise FootageError(
            f"color space: there is no '{color_space}' in {source}; {', '.join(COLOR_SPACES)} or for example "
            f"{', '.join(near)}."
        )
    try:
        return ocio.Config.GetProcessorToBuiltinColorSpace(config, color_space, TARGET).getDefaultCPUProcessor()
    except ocio.Exception as problem:
        raise FootageError(
            f"color space: '{color_space}' cannot be converted to linear light ({_one_line(problem)}); give the "
            "configuration the roles aces_interchange and cie_xyz_d65_interchange."
        ) from None


def _one_line(problem: Exception) -> str:
    return " ".join(str(problem).split())[:200]
