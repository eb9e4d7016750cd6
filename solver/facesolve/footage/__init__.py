"""Footage of a take: image sequences and videos as linear-light images, read ahead of the solve.

Must not know rigs, renderers or residuals.
"""

from .check import check_footage
from .codecs import Codec, describe_codecs
from .color import linear_to_srgb, srgb_to_linear
from .image import Image, pyramid
from .prefetch import Prefetcher, UnseenImage
from .reader import FootageReader, open_footage

__all__ = [
    "Codec",
    "FootageReader",
    "Image",
    "Prefetcher",
    "UnseenImage",
    "check_footage",
    "describe_codecs",
    "linear_to_srgb",
    "open_footage",
    "pyramid",
    "srgb_to_linear",
]
