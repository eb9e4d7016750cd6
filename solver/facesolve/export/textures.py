"""The baked texture of a solution, to be copied beside an export."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from facesolve.take import Solution
from facesolve.take.files import write_atomic
from facesolve.take.names import TEXTURE, UDIM
from facesolve.take.provenance import read_provenance

_BAKED = re.compile(re.escape(TEXTURE).replace(re.escape(UDIM), r"\d{4}"))
_ONLY_TILE = TEXTURE.replace(UDIM, "1001")


@dataclass(frozen=True)
class BakedTexture:
    """The texture's images, one a UDIM tile, in the solution's folder. missing: listed there but not present."""

    folder: Path
    names: tuple[str, ...]
    missing: tuple[str, ...]

    @staticmethod
    def of(solution: Solution, folder: Path) -> BakedTexture:
        """What the solution in ``folder`` says it baked."""
        listed = [name for name in read_provenance(solution.provenance).texture or () if _BAKED.fullmatch(name)]
        present = tuple(name for name in listed if (folder / name).is_file())
        return BakedTexture(folder, present, tuple(name for name in listed if name not in present))

    def asset_path(self, beside: Path) -> str | None:
        """Path relative to the file ``beside`` after ``copy``, ``<UDIM>`` for several tiles; None without images."""
        if not self.names:
            return None
        return f"./{_folder(beside).name}/{_ONLY_TILE if self.names == (_ONLY_TILE,) else TEXTURE}"

    def copy(self, beside: Path) -> None:
        """Copies the images into ``STEM_textures`` next to the file ``beside``."""
        for name in self.names:
            write_atomic(_folder(beside) / name, (self.folder / name).read_bytes())


def _folder(beside: Path) -> Path:
    return beside.with_name(f"{beside.stem}_textures")
