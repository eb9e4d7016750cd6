"""What a video of a solution shows, and what may be asked for. Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from facesolve.take.errors import FacesolveError

MP4, GIF, PNG = ".mp4", ".gif", ".png"

KINDS: dict[str, tuple[str, ...]] = {  # pictures of each camera, from left to right
    "footage": ("footage",),
    "overlay": ("footage", "edges"),
    "wireframe": ("edges",),
    "shaded": ("clay",),
    "textured": ("texture",),
    "heatmap": ("difference",),
    "blend": ("blend",),
    "grid": ("footage", "edges", "clay", "texture", "difference"),
}
NEEDS_FOOTAGE = frozenset(("footage", "edges", "blend", "difference"))
NEEDS_TEXTURE = frozenset(("texture", "difference"))
GIF_HEIGHT = 480
HEIGHT, HEIGHT_OF_LONG, LONG_TAKE = 720, 480, 1000  # of a report's videos, and frames that make a take long
FAITHFUL = 17  # x264's constant rate factor at which differences of a level or two stay visible
LIMITS = {
    "scale": (0.0, 16.0),
    "height": (0, 16384),
    "fps": (0.0, 1000.0),
    "levels": (0.0, 255.0),
    "rate_factor": (0, 51),
}


class VideoError(FacesolveError):
    """A video cannot be made or written."""


@dataclass(frozen=True)
class VideoRequest:
    """What a video shows. Raises VideoError.

    Attributes:
        what: what the pictures show; see above.
        only_cameras: these cameras only, in this order.
        frames: first and last frame, both included (default: all).
        beside: show the footage next to each picture.
        opacity: of the mesh in a blend, 0 to 1.
        stabilize: move the picture so that the head stands still.
        scale: size of each picture relative to its footage; the whole is at most 3840 x 2160 if omitted.
        height: height of the whole picture in pixels; of a GIF 480 if omitted.
        fps: frame rate; the footage's if omitted.
        levels: ends of the heatmap's scale, of 255; fitted if omitted.
        labels: show camera names, frame numbers and timecode.
        rate_factor: constant rate factor of an MP4, 0 to 51; 6 more halve the file.
    """

    what: str = field(default="overlay", metadata={"choices": tuple(KINDS)})
    only_cameras: tuple[str, ...] = ()
    frames: tuple[int, int] | None = None
    beside: bool = False
    opacity: float = 0.5
    stabilize: bool = False
    scale: float | None = None
    height: int | None = None
    fps: float | None = None
    levels: float | None = None
    labels: bool = True
    rate_factor: int = FAITHFUL

    def __post_init__(self) -> None:
        if self.what not in KINDS:
            raise VideoError(f"video: '{self.what}' is not one of {', '.join(KINDS)}.")
        if not 0 <= self.opacity <= 1:
            raise VideoError(f"video: opacity {self.opacity:g} is not within 0 (footage) to 1 (render).")
        if self.scale is not None and self.height is not None:
            raise VideoError("video: a scale and a height are both given; give one of them.")
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if value is not None and not low < value <= high:
                raise VideoError(f"video: {name} {value:g} is not above {low:g} and at most {high:g}.")

    @property
    def panels(self) -> tuple[str, ...]:
        """The pictures of each camera, from left to right."""
        shown = KINDS[self.what]
        return ("footage", *shown) if self.beside and "footage" not in shown else shown

    def sized_for(self, path: Path) -> VideoRequest:
        """This request; a GIF whose size was left open becomes small, since it is never compressed well."""
        if path.suffix.lower() == GIF and self.scale is None and self.height is None:
            return replace(self, height=GIF_HEIGHT)
        return self


@dataclass(frozen=True)
class ReportRequest:
    """What a report shows.

    Attributes:
        what: videos to choose from on the page, by what 'facesolve render' calls them.
        video: show the footage and the mesh; without it the page has curves and errors only.
        only_cameras: these cameras only, in the video.
        height: height of the video in pixels; 720 if omitted, for more than 1,000 frames 480.
        take: folder of the take, if it is no longer where the solution recorded it.
        against: another solution of the same frames: its curves, video and head on the same page.
        device: what draws: auto, cpu, cuda or cuda:N; auto uses CUDA when it is available.
    """

    what: tuple[str, ...] = ("wireframe", "footage")
    video: bool = True
    only_cameras: tuple[str, ...] = ()
    height: int | None = None
    take: Path | None = None
    against: Path | None = None
    device: str = "auto"

    def height_for(self, frames: int) -> int:
        """The videos' height in pixels: pages of long takes stay small enough for a browser."""
        if self.height is not None:
            return self.height
        return HEIGHT if frames <= LONG_TAKE else HEIGHT_OF_LONG

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of picture, a video each; empty for a page without video."""
        return self.what if self.video else ()
