"""Makes a take from files without Maya: a rig, cameras, footage patterns, a start pose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from facesolve.footage.container import UnreadableImage
from facesolve.footage.decode import image_size
from facesolve.footage.ocio import check_color_space, color_space_of
from facesolve.footage.reader import open_many
from facesolve.footage.sequence import canonical_pattern, frames_on_disk, named_frames
from facesolve.footage.timing.cut_list import Cut, read_cuts
from facesolve.geometry.camera_files import CameraFile, read_cameras
from facesolve.geometry.rig_files import read_rig
from facesolve.take import (
    Camera,
    FacesolveError,
    Footage,
    FootageError,
    Rig,
    Settings,
    StartPose,
    Take,
    TakeError,
    write_take,
)
from facesolve.take.actor import read_actor
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.character import Character, beside, read_character
from facesolve.take.character_rig import rig_of_character
from facesolve.take.checks import file_name
from facesolve.take.files import check_new
from facesolve.take.footage import SEQUENCE
from facesolve.take.layouts import START_MEMBERS
from facesolve.take.names import TAKE, UDIM
from facesolve.take.reading import about, checked, read_json
from facesolve.take.settings_record import SettingsChange

from .best_calibration import best_calibration
from .meant_pattern import check_images, check_pattern, sequence_in
from .requests import PackRequest
from .timed_footage import timed_footage

WEIGHT_TOLERANCE = 1e-6  # float32 noise that an exporter may leave on a weight at its limit
NO_CHANGE = SettingsChange()
MOST_NAMED = 6  # files or folders in a sentence


def pack_take(
    request: PackRequest,
    folder: Path,
    tell: Callable[[str], None] = lambda sentence: None,
    *,
    settings: Settings | None = None,
    change: SettingsChange = NO_CHANGE,
    overwrite: bool = False,
    cut: Cut | None = None,
) -> Take:
    """Reads and checks everything in ``request``, then writes the take into ``folder`` and returns it.

    tell: called with each sentence about the rig, the cameras, and how the footage was put in step. settings: the
    take's, the defaults when None; the character's go over them, and ``change`` over both. cut: the part of the footage
    that the take is, or None for the request's frames.
    Raises TakeError or FootageError with one sentence; nothing is written then. A take that is in ``folder`` already is
    one unless ``overwrite``.
    """
    check_new(folder / TAKE, overwrite)
    if request.texture is not None and UDIM not in str(request.texture) and not request.texture.is_file():
        raise TakeError(f"texture: '{request.texture}' does not exist.")
    rig, character = _rig(request, tell)
    actor = _actor(request, character)
    how = CameraFile(
        request.unit,
        request.scale,
        request.distance,
        lambda camera: _known_size(request, camera),
        request.camera_images,
    )
    calibrated = read_cameras(request.cameras, how, tell)
    check_pattern(request.footage, len(calibrated))
    footage = tuple(_footage(request, camera.name) for camera in calibrated)
    footage, first_last, fps = timed_footage(footage, request, tell, cut)
    if fps is None:
        raise TakeError("fps: image sequences without timecode, and images matched by number, need --fps.")
    if first_last is None:
        first_last = _frames_in_common(footage)
    frames = np.arange(first_last[0], first_last[1] + 1)
    if len(frames) == 0:
        raise TakeError(f"frames: the range {first_last[0]}..{first_last[1]} is empty; give at least one frame.")
    sizes = [_image_size(source, frames, request.on_bad_frame) for source in footage]
    cameras = tuple(_camera(camera, size) for camera, size in zip(calibrated, sizes, strict=True))
    if request.other_cameras:
        candidates, size_of = [cameras], {camera.name: size for camera, size in zip(cameras, sizes, strict=True)}
        for other in request.other_cameras:
            known = {camera.name: camera for camera in read_cameras(Path(other), how, tell)}
            candidates.append(tuple(_camera(known[name], size) for name, size in size_of.items() if name in known))
        names = [str(request.cameras), *request.other_cameras]
        cameras = candidates[best_calibration(candidates, names, footage, frames, tell)]
    start, scene_times = None, frames.astype(np.float64)
    if request.start is not None:
        start, scene_start = read_start(request.start, rig, int(frames[0]))
        scene_times = scene_start + (frames - frames[0]).astype(np.float64)
    take = Take(
        name=folder.name or "take",
        rig=rig,
        cameras=cameras,
        footage=footage,
        frames=frames,
        fps=fps,
        start=start,
        scene_times=scene_times,
        texture=None if request.texture is None else str(request.texture),
        actor=None if actor is None else str(actor),
        on_bad_frame=request.on_bad_frame,
        settings=change.over(_settings(rig, character, settings)),
    )
    write_take(take, folder)
    return take


def pack_cuts(
    request: PackRequest,
    folder: Path,
    tell: Callable[[str], None] = lambda sentence: None,
    *,
    settings: Settings | None = None,
    change: SettingsChange = NO_CHANGE,
    overwrite: bool = False,
) -> dict[str, Take]:
    """A take for each cut of the request's list, in folders named by the cuts inside ``folder``; by folder name.

    Raises as ``pack_take`` does, naming the cut; takes of the cuts before it are written then.
    """
    if request.cuts is None:
        raise ValueError("no cut list")
    if request.frames is not None or request.range is not None:
        raise TakeError("cuts: the list says which frames; leave --frames and --range out.")
    takes: dict[str, Take] = {}
    for cut in read_cuts(request.cuts):
        try:
            takes[cut.name] = pack_take(
                request,
                folder / cut.name,
                tell if not takes else lambda sentence: None,
                settings=settings,
                change=change,
                overwrite=overwrite,
                cut=cut,
            )
        except FacesolveError as problem:
            raise type(problem)(f"cut '{cut.name}': {problem}") from None
    return takes


def _rig(request: PackRequest, tell: Callable[[str], None]) -> tuple[Rig, Character | None]:
    """The request's rig, as its character wants it."""
    if request.character is None:
        if request.rig is None:
            raise TakeError("rig: give --rig, or a --character that names its rig.")
        return read_rig(request.rig, tell), None
    character = read_character(request.character)
    if request.rig is None and not character.rig:
        raise TakeError(f"character: '{request.character}' names no rig; give --rig.")
    path = beside(request.character, character.rig) if request.rig is None else request.rig
    return rig_of_character(read_rig(path, tell), character, request.character), character


def _actor(request: PackRequest, character: Character | None) -> Path | None:
    """The actor's profile, the request's before the character's, looked at."""
    path = request.actor
    if path is None and request.character is not None and character is not None and character.actor:
        path = beside(request.character, character.actor)
    if path is not None:
        read_actor(path)
    return path


def _settings(rig: Rig, character: Character | None, settings: Settings | None) -> Settings:
    """Settings with the character's, if there is one."""
    if character is None:
        return Settings() if settings is None else settings
    return character.settings(rig.control_names, settings)


def read_start(path: Path, rig: Rig, first_frame: int) -> tuple[StartPose, float]:
    """The start pose at take frame ``first_frame``, and Maya's frame number there.

    The file holds ``frame``, ``weights`` by control name (a control left out is at its default) and ``head`` (4, 4),
    world space, centimeters. Raises TakeError for an unknown name or a weight out of its control's range.
    """
    record = checked(read_json(path, "start pose"), START_MEMBERS, "start pose", path, "write it again")
    controls = rig.default_controls
    index = {name: k for k, name in enumerate(rig.control_names)}
    for name, value in record["weights"].items():
        if name not in index:
            raise TakeError(f"start pose: '{path}' gives a weight for '{name}', which the rig does not have.")
        control = rig.controls[index[name]]
        if not control.minimum - WEIGHT_TOLERANCE <= value <= control.maximum + WEIGHT_TOLERANCE:
            raise TakeError(
                f"start pose: the weight of '{name}' in '{path}' is {value:g}, outside its range "
                f"{control.minimum:g}..{control.maximum:g}."
            )
        controls[index[name]] = min(max(value, control.minimum), control.maximum)
    try:
        return StartPose(first_frame, controls, np.array(record["head"])), record["frame"]
    except TakeError as error:
        raise about(path, error) from None


def _footage(request: PackRequest, camera: str) -> Footage:
    if any("{camera}" in pattern for pattern in (request.footage, request.matte or "")):
        file_name(camera, "footage: the name of a camera")
    path = canonical_pattern(request.footage).replace("{camera}", camera)
    check_images(camera, path)
    return Footage(
        camera=camera,
        path=path,
        matte=None if request.matte is None else canonical_pattern(request.matte).replace("{camera}", camera),
        color_space=checked_color_space(request.color_space, path),
        bayer=request.bayer,
    )


def checked_color_space(wanted: str, path: str) -> str:
    """The color space of the footage at ``path``. Raises FootageError for a name that nobody knows."""
    if wanted == "auto":
        return "linear" if path.lower().endswith(".exr") else "srgb"
    try:
        if wanted == "ocio":
            return color_space_of(path)
        check_color_space(wanted)
    except UnreadableImage as problem:  # OpenColorIO is not installed
        raise FootageError(f"color space: '{wanted}' {problem}") from None
    return wanted


def _known_size(request: PackRequest, camera: str) -> tuple[int, int]:
    """Of the camera's first readable image, for camera files that do not say."""
    source = _footage(request, camera)
    frames = request.frames
    if frames is None and source.kind == SEQUENCE:
        frames = _frames_in_common((source,))
    first, last = frames or (0, 0)
    return _image_size(source, np.arange(first, last + 1), "unseen")


def _frames_in_common(footage: tuple[Footage, ...]) -> tuple[int, int]:
    """First and last frame of which every camera's sequence has an image; gaps between them are told later."""
    ranges = {}
    for source in footage:
        if source.kind != SEQUENCE:
            raise TakeError("frames: videos matched by number need --frames.")
        there = frames_on_disk(source.path)
        if not there:
            where = f"footage of camera '{source.camera}'"
            raise FootageError(f"{where}: nothing matches '{source.path}'; {_instead(source)}.")
        ranges[source.camera] = (there[0] - source.offset, there[-1] - source.offset)
    first, last = max(first for first, _ in ranges.values()), min(last for _, last in ranges.values())
    if last < first:
        listed = ", ".join(f"'{camera}' has {low}-{high}" for camera, (low, high) in ranges.items())
        raise FootageError(f"frames: the cameras have no frame in common ({listed}).")
    return first, last


def _image_size(footage: Footage, frames: np.ndarray, on_bad_frame: str) -> tuple[int, int]:
    """Width and height in pixels of the camera's first readable image; FootageError when images are not there."""
    where = f"footage of camera '{footage.camera}'"
    if footage.kind != SEQUENCE:
        return _file_size(footage, where)
    paths = [Path(footage.image_path(int(frame))) for frame in frames]
    present = [path for path in paths if path.is_file()]
    if not present:
        raise FootageError(
            f"{where}: nothing matches '{footage.path}' in frames {frames[0]}-{frames[-1]} (tried '{paths[0]}'); "
            f"{_instead(footage)}."
        )
    if len(present) < len(paths) and on_bad_frame == "stop":
        missing = [frame for frame, path in zip(frames.tolist(), paths, strict=True) if not path.is_file()]
        raise FootageError(
            f"{where}: {len(missing)} of {len(paths)} images are missing: {named_frames(missing)} (the first is "
            f"'{Path(footage.image_path(missing[0]))}'); supply them, or solve without them by '--on-bad-frame unseen'."
        )
    for path in present:
        try:
            return image_size(path)
        except UnreadableImage as problem:
            if on_bad_frame == "stop":
                raise FootageError(f"{where}: '{path}' {problem}") from None
    raise FootageError(f"{where}: none of the {len(present)} images that match '{footage.path}' can be read.")


def _instead(footage: Footage) -> str:
    """What is there where images of a sequence were looked for, for the end of a sentence."""
    there = frames_on_disk(footage.path)
    if there:
        return f"the footage has {there[0] - footage.offset}-{there[-1] - footage.offset}; give these as --frames"
    folder = Path(footage.path).parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    meant = sequence_in(folder, footage.camera)
    if meant:
        return f"'{meant}' would match"
    inside = sorted(entry.name for entry in folder.iterdir())
    named = ", ".join(f"'{name}'" for name in inside[:MOST_NAMED]) + (", ..." if len(inside) > MOST_NAMED else "")
    holds = f"'{folder}' holds {named}" if inside else f"'{folder}' is empty"
    return f"{holds}: check the pattern, and the cameras' names in the calibration"


def _file_size(footage: Footage, where: str) -> tuple[int, int]:
    try:
        file = open_many(footage)
    except UnreadableImage as problem:
        raise FootageError(f"{where}: '{footage.path}' {problem}") from None
    file.close()
    return file.width, file.height


def _camera(calibrated: CalibratedCamera, image_size: tuple[int, int]) -> Camera:
    if calibrated.size == (image_size[1], image_size[0]) != image_size:
        raise FootageError(
            f"camera '{calibrated.name}': the calibration is for {calibrated.width}x{calibrated.height} pixels, the "
            f"footage has width and height swapped; turn its images, or calibrate with images as they are."
        )
    if calibrated.size not in (None, image_size):
        raise FootageError(
            f"camera '{calibrated.name}': the calibration is for {calibrated.width}x{calibrated.height} pixels, the "
            f"footage has {image_size[0]}x{image_size[1]}; use footage at the calibrated size."
        )
    return Camera(
        name=calibrated.name,
        width=image_size[0],
        height=image_size[1],
        intrinsics=calibrated.intrinsics,
        rotation=calibrated.rotation,
        translation=calibrated.translation,
        distortion=calibrated.distortion,
        lens=calibrated.lens,
    )
