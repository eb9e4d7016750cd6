"""Footage from image planes, or chosen by hand: which file shows which scene time. Changes nothing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import List, Optional, Sequence, Tuple

import maya.api.OpenMaya as om
import numpy as np
from maya import cmds

from facesolve.take import Footage
from facesolve.take.errors import FacesolveError
from facesolve.take.finding import CHOOSE_FOOTAGE, LEAVE_CAMERA, LEAVE_OUT, SOLVE_WITHOUT, USE_FRAMES, Offer
from facesolve_maya.scene.findings import Refusal, Report
from facesolve_maya.scene.motion import plug_values
from facesolve_maya.scene.plugs import has_attribute, short_name

from .image_headers import stored_size

_DIGITS = re.compile(r"(\d+)(?=\.[^.\d][^.]*$)")
_FIELD = re.compile(r"\{frame(?::0?\d*d)?\}")
_DRIVE = re.compile(r"^(?:[A-Za-z]:[\\/]|[\\/])")
_SHOWN = 3
_VIDEOS = (".mp4", ".mov", ".mkv", ".avi", ".m4v", ".mxf", ".seq", ".webm")
_PLACEMENT = (
    ("rotate", 0.0, "turned"),
    ("squeezeCorrection", 1.0, "squeezed"),
    ("coverageOriginX", 0.0, "cropped"),
    ("coverageOriginY", 0.0, "cropped"),
)
_LINEAR = re.compile(
    r"(?:.*[-_ ])?(?:lin|linear)(?:[-_ ]+(?:rec)?[-_. ]?(?:709|srgb)\b.*|$)|(?:utility - )?raw", re.IGNORECASE
)
_SRGB = re.compile(r"(?:.*[-_ (])?srgb\b.*|gamma 2\.2 rec[. ]?709|input - generic - srgb.*", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class CameraFootage:
    """One camera's footage. pattern: path with ``{frame}`` (or a video); numbers (F,): image number at each time.

    times: scene times (F,); empty where nobody asks. width, height: pixels of the stored image. color_space: ``srgb``,
    ``linear``, or a name that OpenColorIO knows.
    """

    camera: str
    pattern: str
    numbers: np.ndarray
    width: int
    height: int
    color_space: str = "srgb"
    searched: Tuple[str, ...] = field(default_factory=tuple)
    times: Tuple[float, ...] = ()

    def path(self, number: int) -> str:
        """Path of the image with ``number``."""
        return Footage(self.camera, self.pattern).image_path(int(number))


def image_plane(shape: str, report: Report) -> Optional[str]:
    """The image plane of a camera that has an image; None without one. Further ones are noted."""
    planes = cmds.listConnections(shape + ".imagePlane", source=True, destination=False, type="imagePlane", shapes=True)
    named = [plane for plane in dict.fromkeys(planes or []) if cmds.getAttr(plane + ".imageName")]
    if len(named) > 1:
        report.note(short_name(shape), "it has {} image planes; '{}' is used.".format(len(named), named[0]))
    return named[0] if named else None


def footage_of_plane(
    camera: str, plane: str, times: Tuple[float, ...], folders: Tuple[str, ...], report: Report
) -> CameraFootage:
    """What an image plane shows at each time: its frame extension (evaluated, not parsed) plus its frame offset.

    Maya's own sum, ``outputFrameExtension``, is held against ours at the present time.
    """
    name = str(cmds.getAttr(plane + ".imageName"))
    if not cmds.getAttr(plane + ".useFrameExtension"):
        raise Refusal(
            short_name(plane),
            "it shows one still image, '{}'.".format(name),
            "Turn on Use Image Sequence, or choose the footage by hand.",
        )
    number, offset = (plug_values(plane + name, times).astype(np.int64) for name in (".frameExtension", ".frameOffset"))
    numbers = number + offset
    _compare_shown(plane, report)
    _warn_of_placement(plane, report)
    if is_video(name):
        numbers = numbers - 1
        report.note(short_name(plane), "the movie's first image is assumed to be frame extension 1.")
    pattern, searched = resolve(
        name if is_video(name) else pattern_of(name, short_name(plane)), int(numbers[0]), folders
    )
    width = max(int(cmds.getAttr(plane + ".coverageX")), 0)  # -1 until Maya has read the image
    height = max(int(cmds.getAttr(plane + ".coverageY")), 0)
    coding = coding_of(str(cmds.getAttr(plane + ".colorSpace") or ""), short_name(plane), report)
    return CameraFootage(camera, pattern, numbers, width, height, coding, tuple(searched), times)


def coding_of(space: str, node: str, report: Report) -> str:
    """``srgb`` or ``linear`` for the names that Maya and ACES give these; another color space keeps its name, which
    OpenColorIO has to know where the take is solved: a warning says so."""
    if _LINEAR.fullmatch(space):
        return "linear"
    if not space or _SRGB.fullmatch(space):
        return "srgb"
    report.warning(
        node,
        "its color space '{}' is neither sRGB nor linear Rec. 709, so a solve needs OpenColorIO.".format(space),
        "Set the environment variable OCIO to Maya's configuration where you solve, or set the plane's color space to "
        "sRGB or Raw.",
    )
    return space


def _compare_shown(plane: str, report: Report) -> None:
    if not has_attribute(plane, "outputFrameExtension"):
        return
    expected = int(cmds.getAttr(plane + ".frameExtension")) + int(cmds.getAttr(plane + ".frameOffset"))
    shown = int(cmds.getAttr(plane + ".outputFrameExtension"))
    if shown != expected:
        report.warning(
            short_name(plane),
            "it shows image {}, but its frame extension and offset give image {}, which is the one solved.".format(
                shown, expected
            ),
            "Check its frame offset, and that nothing else chooses its image.",
        )


def _warn_of_placement(plane: str, report: Report) -> None:
    """A plane that is turned, squeezed or cropped shows the footage elsewhere than where it is solved."""
    found = [
        what
        for attribute, plain, what in _PLACEMENT
        if has_attribute(plane, attribute) and abs(float(cmds.getAttr(plane + "." + attribute)) - plain) > 1e-6
    ]
    if found:
        report.warning(
            short_name(plane),
            "it is {}, so Maya shows the footage differently from what is solved.".format(
                " and ".join(dict.fromkeys(found))
            ),
            "Reset it; the whole image, upright, is solved.",
        )


def footage_by_hand(camera: str, path: str, times: Tuple[float, ...], folders: Tuple[str, ...]) -> CameraFootage:
    """Footage that the user chose: a pattern with ``{frame}`` (image number = scene frame), the image that belongs to
    the first time (later ones follow), or a video (its first image belongs to the first time)."""
    steps = np.rint((np.array(times) - times[0]) / (np.min(np.diff(times)) if len(times) > 1 else 1.0)).astype(int)
    if _FIELD.search(path):
        pattern, start = path, int(np.rint(times[0]))
    elif is_video(path):
        pattern, start = path, 0
    else:
        digits = _DIGITS.search(PurePosixPath(path.replace("\\", "/")).name)
        start = int(digits.group(1)) if digits else 0
        pattern = pattern_of(path, camera)
    pattern, searched = resolve(pattern, start, folders)
    coding = "linear" if pattern.lower().endswith(".exr") else "srgb"
    return CameraFootage(camera, pattern, start + steps, 0, 0, coding, tuple(searched), times)


def is_video(path: str) -> bool:
    """True for files that hold many images."""
    return os.path.splitext(path)[1].lower() in _VIDEOS


def pattern_of(name: str, node: str) -> str:
    """``name`` with its last number before the extension replaced by a frame field of the same padding."""
    folder, slash, file_name = name.replace("\\", "/").rpartition("/")
    match = _DIGITS.search(file_name)
    if match is None:
        raise Refusal(
            node, "the image '{}' has no frame number in its name.".format(name), "Choose a numbered sequence."
        )
    digits = match.group(1)
    frame_field = "{frame}" if len(digits) == 1 else "{{frame:0{}d}}".format(len(digits))
    return folder + slash + file_name[: match.start()] + frame_field + file_name[match.end() :]


def resolve(pattern: str, number: int, folders: Tuple[str, ...]) -> Tuple[str, List[str]]:
    """(absolute pattern, places looked in): environment variables, the workspace, the scene's folder, ``folders``.

    The first place where image ``number`` exists wins; where none has it, the first place is returned.
    """
    expanded = os.path.expanduser(os.path.expandvars(pattern)).replace("\\", "/")
    places: List[str] = []
    if _DRIVE.match(expanded):
        places.append(expanded)
    else:
        root = str(cmds.workspace(query=True, rootDirectory=True))
        rule = str(cmds.workspace(fileRuleEntry="sourceImages") or "")
        scene = str(cmds.file(query=True, sceneName=True) or "")
        places += [os.path.join(root, expanded), os.path.join(root, rule, expanded)]
        if scene:
            places.append(os.path.join(os.path.dirname(scene), expanded))
    parts = [part for part in re.split(r"[/]", _DRIVE.sub("", expanded)) if part]
    for folder in folders:
        places += [os.path.join(folder, *parts[start:]) for start in range(len(parts))]
    tidy = list(dict.fromkeys(_absolute(place) for place in places))
    for place in tidy:
        if os.path.isfile(Footage("probe", place).image_path(number)):
            return place, tidy
    return tidy[0], tidy


def _absolute(place: str) -> str:
    """``place`` with forward slashes, absolute; paths of another system (a drive letter here) stay as they are."""
    tidy = place.replace("\\", "/")
    return tidy if _DRIVE.match(tidy) else os.path.abspath(tidy).replace("\\", "/")


def image_size(path: str) -> Tuple[int, int]:
    """(width, height) in pixels of an image or movie; (0, 0) when neither its header nor Maya tells."""
    found = stored_size(Path(path))
    if found[0]:
        return found
    for kind in (om.MImage.kByte, om.MImage.kFloat):  # Maya does not turn float pixels into bytes
        image = om.MImage()
        try:
            image.readFromFile(path, kind)
        except RuntimeError:
            continue
        width, height = image.getSize()
        if width > 0 and height > 0:
            return int(width), int(height)
    return 0, 0


def checked(found: CameraFootage, on_bad_frame: str, report: Report) -> CameraFootage:
    """The footage with the size of its first image, after looking for every file. Findings go to ``report``."""
    try:
        sequence = Footage(found.camera, found.pattern).kind == "sequence"
    except FacesolveError as error:
        raise Refusal(found.camera, str(error)) from None
    numbers = [int(number) for number in found.numbers] if sequence else [int(found.numbers[0])]
    missing = [number for number in numbers if not os.path.isfile(found.path(number))]
    if missing:
        _report_missing(found, missing, len(numbers), on_bad_frame, report)
    present = [number for number in numbers if number not in missing]
    width, height = image_size(found.path(present[0])) if present else (0, 0)
    if not width and is_video(found.pattern) and found.width < 2:
        width = int(cmds.getAttr("defaultResolution.width"))
        height = int(cmds.getAttr("defaultResolution.height"))
        report.warning(
            found.camera,
            "the size of this video is not known; the render resolution {}x{} is used instead.".format(width, height),
            "Set the render resolution to the video's size.",
        )
    if not width:
        if found.width < 2 or found.height < 2:
            raise Refusal(
                found.camera,
                "the size of its footage is not known.",
                "Load the footage on an image plane, so that Maya knows its size.",
            )
        return found
    if (found.width, found.height) not in ((width, height), (0, 0)):
        report.warning(
            found.camera,
            "the image plane says {}x{} pixels, the footage has {}x{}, which is used.".format(
                found.width, found.height, width, height
            ),
            "Reload the image on the image plane.",
        )
    return replace(found, width=width, height=height)


def _report_missing(found: CameraFootage, missing: List[int], count: int, on_bad_frame: str, report: Report) -> None:
    names = ", ".join("'{}'".format(found.path(number)) for number in missing[:_SHOWN])
    if len(missing) > _SHOWN:
        names += " and {} more".format(len(missing) - _SHOWN)
    offers = remedies(found, missing)
    if len(missing) == count:
        looked = "; looked in {}".format(", ".join(found.searched)) if len(found.searched) > 1 else ""
        held = _numbers_on_disk(found.pattern)
        there = " The folder holds images {} to {}.".format(min(held), max(held)) if held else ""
        report.error(
            found.camera,
            "none of its {} images is here ({}{}).{}".format(count, names, looked, there),
            "Set the project, name a footage folder, or choose the footage by hand.",
            offers,
        )
    elif on_bad_frame == "unseen":
        report.warning(found.camera, "{} of {} images are missing: {}.".format(len(missing), count, names))
    else:
        report.error(
            found.camera,
            "{} of {} images are missing: {}.".format(len(missing), count, names),
            "Restore them, leave those frames out, or let the solve continue without them.",
            offers,
        )


def remedies(found: CameraFootage, missing: Sequence[int]) -> Tuple[Offer, ...]:
    """What can be done about missing images: frames that have images, frames left out, other footage, no camera."""
    by_hand = Offer(CHOOSE_FOOTAGE, "Choose footage…", (found.camera,))
    without = Offer(LEAVE_CAMERA, "Leave {} out".format(found.camera), (found.camera,))
    if not found.times:
        return by_hand, without
    frame_of = {int(number): round(time) for number, time in zip(found.numbers, found.times)}
    there = sorted(frame for number, frame in frame_of.items() if number not in missing)
    if not there:
        shift = round(found.times[0]) - int(found.numbers[0])
        held = [number + shift for number in _numbers_on_disk(found.pattern)]
        return (*((_use(held),) if held else ()), by_hand, without)
    gone = sorted(frame_of[number] for number in missing)
    between = tuple(frame for frame in gone if there[0] < frame < there[-1])
    if not between:
        return _use(there), by_hand
    label = "Leave frame {} out".format(between[0]) if len(gone) == 1 else "Leave {} frames out".format(len(gone))
    return Offer(LEAVE_OUT, label, tuple(gone)), Offer(SOLVE_WITHOUT, "Solve without them"), by_hand


def _use(frames: Sequence[int]) -> Offer:
    return Offer(USE_FRAMES, "Use {}-{}".format(min(frames), max(frames)), (min(frames), max(frames)))


def _numbers_on_disk(pattern: str) -> List[int]:
    """Numbers of the images that there are of a sequence."""
    folder, _, name = pattern.rpartition("/")
    parts = _FIELD.split(name)
    if len(parts) != 2 or not os.path.isdir(folder):
        return []
    wanted = re.compile(re.escape(parts[0]) + r"(\d+)" + re.escape(parts[1]))
    return sorted(int(match.group(1)) for match in map(wanted.fullmatch, os.listdir(folder)) if match is not None)
