"""What jobs are asked for. Plain data that the command line turns into flags: imports neither torch nor OpenCV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facesolve.take.footage import BAD_FRAME_POLICIES, BAYER_PATTERNS, SYNC_MODES

IMAGE_FORMATS = ("png", "tif", "jpg")
LENGTH_UNITS = ("mm", "cm", "m")
STANDS = ("auto", "wall", "floor", "cameras", "as-is")
UPS = ("y", "z")


def choice(default: Any, choices: tuple[str, ...]) -> Any:
    """A field whose value is one of ``choices``, or the default."""
    return field(default=default, metadata={"choices": choices})


@dataclass(frozen=True, eq=False)
class PackRequest:
    """The files of a take. Paths of footage are relative to the working directory.

    Attributes:
        rig: rig .npz with neutral, deltas, names, face_counts and faces, MetaHuman .dna, USD or glTF; if omitted the
            character's.
        cameras: cameras of the stage, in any format of 'facesolve convert-cameras'.
        footage: path of the images with {camera} and #### (or %04d, {frame:04d}), or of video or .seq files with
            {camera}.
        other_cameras: another calibration of the same cameras; may be given several times. That is taken on which the
            cameras agree best in the footage.
        frames: first and last frame, both included; all that every camera has if omitted.
        fps: footage frame rate, such as 25 or 30000/1001; measured from the time stamps if omitted for videos and .seq
            files.
        start: start pose .json with frame, weights by control name, and head as a 4x4 matrix.
        texture: the rig's albedo image; <UDIM> is allowed in the name.
        actor: profile of the actor, actor.npz of an earlier solve; later solves begin with its neutral.
        color_space: how pixel values are encoded: srgb, linear, or a name of OpenColorIO's configuration, such as
            ACEScct; ocio: as its file rules say; auto: linear for OpenEXR, else srgb.
        matte: path of a second sequence, white where the actor is.
        on_bad_frame: stop at an image that is missing or damaged, or solve without it (unseen).
        bayer: top left 2x2 colors of .seq files of Bayer cameras.
        sync: match videos and .seq files by time stamps and timecode; by time stamps with all first images taken
            together (start); by image number; videos by their sound, or by the motion they show.
        clock: correct a camera's clock offset, seconds (positive: ahead); may be given for several cameras.
        sound: audio files recorded with the videos, with {camera}; their timecode or sound is used instead.
        range: first and last timecode instead of --frames, such as 01:02:03:04-01:02:05:00.
        cuts: cut list, EDL or OpenTimelineIO; makes a take of each cut, by timecode, in a folder of --out.
        character: set-up of the character (character.json): its rig, meshes, masks, ranges, locks and strengths.
        unit: length unit of a camera file that names none.
        scale: centimeters in a unit of the camera file.
        distance: measured centimeters between two cameras, which scale the camera file.
        camera_images: which images of a reconstruction are which cameras, such as {camera}_*.jpg.
    """

    cameras: Path
    footage: str
    rig: Path | None = None
    other_cameras: tuple[str, ...] = ()
    frames: tuple[int, int] | None = None
    fps: float | None = None
    start: Path | None = None
    texture: Path | None = None
    actor: Path | None = None
    color_space: str = "auto"
    matte: str | None = None
    on_bad_frame: str = choice("stop", BAD_FRAME_POLICIES)
    bayer: str | None = choice(None, BAYER_PATTERNS)
    sync: str = choice("stamps", SYNC_MODES)
    clock: Mapping[str, float] = field(default_factory=dict)
    unit: str | None = choice(None, LENGTH_UNITS)
    scale: float | None = None
    distance: tuple[str, str, float] | None = None
    camera_images: str | None = None
    sound: str | None = None
    range: str | None = None
    cuts: Path | None = None
    character: Path | None = None


@dataclass(frozen=True)
class UndistortRequest:
    """Footage to write without its lens distortion.

    Attributes:
        footage: path of the images with {camera} and #### (or %04d, {frame:04d}), or of video or .seq files with
            {camera}.
        cameras: cameras of the stage, in any format of 'facesolve convert-cameras'.
        frames: first and last frame, both included (default: all).
        only_cameras: these cameras only.
        format: of the files written; TIFF for floating-point images and PNG for others if omitted.
        bayer: top left 2x2 colors of .seq files of Bayer cameras.
        unit: length unit of a camera file that names none.
        scale: centimeters in a unit of the camera file.
        distance: measured centimeters between two cameras, which scale the camera file.
        camera_images: which images of a reconstruction are which cameras, such as {camera}_*.jpg.
    """

    footage: str
    cameras: Path
    frames: tuple[int, int] | None = None
    only_cameras: tuple[str, ...] = ()
    format: str | None = choice(None, IMAGE_FORMATS)
    bayer: str | None = choice(None, BAYER_PATTERNS)
    unit: str | None = choice(None, LENGTH_UNITS)
    scale: float | None = None
    distance: tuple[str, str, float] | None = None
    camera_images: str | None = None


@dataclass(frozen=True)
class ExtractRequest:
    """Images of a recording to write as files.

    Attributes:
        recording: the Norpix .seq recording; its .idx is used when it is there.
        format: of the files written; TIFF and PNG keep the bit depth.
        frames: first and last image number, both included, the first is 0 (default: all).
        name: file name without ending, with {frame} or {frame:06d}, and {name} for the recording's name.
        bayer: top left 2x2 colors of a Bayer mosaic; none keeps the mosaic.
        on_bad_frame: stop at an image that cannot be read, or leave it out (unseen).
    """

    recording: Path
    format: str = choice("tif", IMAGE_FORMATS)
    frames: tuple[int, int] | None = None
    name: str = "{name}_{frame:06d}"
    bayer: str | None = choice(None, (*BAYER_PATTERNS, "none"))
    on_bad_frame: str = choice("stop", BAD_FRAME_POLICIES)


@dataclass(frozen=True)
class CalibrateRequest:
    """A calibration from images of a board.

    Attributes:
        images: pattern with {camera} and {view}, folder, or image.
        board: kind, size and lengths in mm, such as circles:10x10:20.
        back: board on the other side, of other markers: middle on middle and as upright.
        thickness: between both sides, in mm.
        more_boards: further boards, of other markers, each moved on its own.
        only_cameras: these cameras only, in this order.
        lens: lens model auto (the default: the simplest that foretells views left out), none, k1, k1k2, brown (k1 k2 p1
            p2 k3), rational or fisheye; CAMERA=MODEL for one camera.
        square_pixels: one focal length for both axes.
        intrinsics: start from the lenses of this calibration: JSON, or OpenCV YAML or XML.
        hold_intrinsics: keep the lenses unchanged.
        origin: view whose board becomes the world's origin.
        stands: how the board stood in that view, upright (wall) or flat with the printed side up (floor); auto: as the
            cameras show, which stand upright; cameras: up is theirs; as-is: the world has the board's axes.
        up: axis of the world that points up.
        offset: where the board's origin is in the world, X,Y,Z in cm.
        distances: measured centimeters between two cameras each, which decide how large the board really is.
        pictures: draw the rig and every view.
    """

    images: str
    board: str
    back: str | None = None
    thickness: float = 0.0
    more_boards: tuple[str, ...] = ()
    only_cameras: tuple[str, ...] = ()
    lens: tuple[str, ...] = ()
    square_pixels: bool = False
    intrinsics: Path | None = None
    hold_intrinsics: bool = False
    origin: str | None = None
    stands: str = choice("auto", STANDS)
    up: str = choice("y", UPS)
    offset: tuple[float, float, float] | None = None
    distances: tuple[tuple[str, str, float], ...] = ()
    pictures: bool = True
