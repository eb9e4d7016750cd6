"""A calibration as a job on disk: images in; cameras, report and pictures out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from facesolve.calibrate.board import Board, check_distinct, parse_board, two_sided
from facesolve.calibrate.calibrate import Calibration, Request, calibrate
from facesolve.calibrate.detect import detect_session
from facesolve.calibrate.geometry import find_weaknesses
from facesolve.calibrate.images import find_images
from facesolve.calibrate.lens import check_model, parameters_of, restricted, smallest_model
from facesolve.calibrate.measured_distance import rescaled
from facesolve.calibrate.next_view import NextView, next_view
from facesolve.calibrate.pictures import draw_rig, write_views
from facesolve.calibrate.recordings import detect_recordings, find_recordings
from facesolve.calibrate.report import calibration_record
from facesolve.calibrate.session import BoardImage, Session
from facesolve.calibrate.single import LensRequest
from facesolve.geometry.camera_files import CameraFile, as_calibrated, read_cameras, write_cameras
from facesolve.geometry.stage_frame import StageFrame, staged
from facesolve.runtime.progress import Progress
from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.camera import BROWN
from facesolve.take.files import check_folder, check_new, write_json
from facesolve.take.finding import Finding
from facesolve.take.reading import read_json

from .requests import CalibrateRequest

OUTPUTS = {"calibration_thesis.json": "thesis", "calibration.yml": "yml", "calibration.json": "json"}
REPORT = "report.json"
VIEWS = "views"


def calibrate_images(
    request: CalibrateRequest,
    out: Path,
    progress: Progress,
    overwrite: bool = False,
    found: tuple[Session, tuple[BoardImage, ...]] | None = None,
) -> tuple[Calibration, tuple[Finding, ...], NextView | None]:
    """Calibrates and writes ``calibration.json`` (last), the other layouts, ``report.json``, ``rig.png`` and ``views``.

    found: boards that were found already, with their images; else they are looked for. Raises FacesolveError with one
    sentence; nothing is written before the calibration is found. Files of a calibration that are in ``out`` already
    are an error unless ``overwrite``, which removes pictures that its report lists.
    """
    boards = wanted_boards(request)
    check_folder(out)
    check_outputs(out, overwrite)
    recordings = () if found else find_recordings(request.images, request.only_cameras)
    if found is not None:
        (session, images), names = found, found[0].cameras
        wanted = lens_requests(request, names)
    else:
        images = () if recordings else find_images(request.images, request.only_cameras)
        names = tuple(dict.fromkeys(source.camera for source in recordings or images))
        wanted = lens_requests(request, names)
        if recordings:
            session, images = detect_recordings(recordings, boards, progress)
        else:
            session = detect_session(images, boards, progress)
    _check_sizes(session, _known(request))
    calibration = calibrate(session, wanted, progress)
    findings: tuple[Finding, ...] = ()
    if request.distances:
        session, findings = rescaled(session, calibration, request.distances)
        calibration = calibrate(session, wanted, progress)
    weaknesses, advice = (*findings, *find_weaknesses(calibration)), next_view(calibration)
    if request.pictures:
        progress.stage("draw", 1)
        stale = _earlier_views(out)
        write_views({(image.camera, image.view): image for image in images}, calibration, out / VIEWS)
        for picture in stale - {out / VIEWS / image.camera / f"{image.view}.jpg" for image in images}:
            picture.unlink(missing_ok=True)
        draw_rig(calibration, out / "rig.png")
        progress.advance()
    write_json(out / REPORT, calibration_record(calibration, weaknesses, advice))
    frame = StageFrame(request.stands, request.up, request.offset or (0.0, 0.0, 0.0))
    cameras, up = staged([as_calibrated(lens.camera) for lens in calibration.cameras], frame)
    for name, layout in OUTPUTS.items():
        if layout == "thesis" and any(camera.lens != BROWN for camera in cameras):
            (out / name).unlink(missing_ok=True)  # it has no fisheyes
            continue
        write_cameras(cameras, out / name, layout, up)
    return calibration, weaknesses, advice


def wanted_boards(request: CalibrateRequest) -> tuple[Board, ...]:
    """The boards, the first with its back where it has one. Raises TakeError for texts that are none."""
    board = parse_board(request.board)
    if request.back is not None:
        board = two_sided(board, parse_board(request.back), 0.1 * request.thickness)
    boards = (board, *(parse_board(text) for text in request.more_boards))
    check_distinct(boards, "boards")
    return boards


def check_outputs(out: Path, overwrite: bool) -> None:
    """Raises TakeError when a calibration is in ``out`` already that may not be replaced."""
    for name in (*OUTPUTS, REPORT):
        check_new(out / name, overwrite)


def lens_requests(request: CalibrateRequest, cameras: Sequence[str]) -> Request:
    """How the lenses of cameras of these names are to be found. Raises TakeError for what does not fit them."""
    return _request(request, cameras, _known(request))


def _known(request: CalibrateRequest) -> tuple[CalibratedCamera, ...]:
    return () if request.intrinsics is None else read_cameras(request.intrinsics, CameraFile(lenses_only=True))


def _earlier_views(out: Path) -> set[Path]:
    """The pictures of the boards that the report of an earlier calibration lists."""
    try:
        cameras = read_json(out / REPORT, "report")["cameras"]
        names = [(camera, f"{view}.jpg") for camera, told in cameras.items() for view in told["per_view"]]
    except (TakeError, KeyError, TypeError, AttributeError):  # none, or of another program
        return set()
    inside = [(camera, name) for camera, name in names if Path(camera, name).parts == (camera, name)]
    return {out / VIEWS / camera / name for camera, name in inside}


def _request(asked: CalibrateRequest, cameras: Sequence[str], known: Sequence[CalibratedCamera]) -> Request:
    models = _models(asked.lens, cameras)
    given = _given(asked, cameras, known)
    if given and asked.hold_intrinsics and (models or asked.square_pixels):
        option = "--lens" if models else "--square-pixels"
        raise TakeError(f"lens: the lenses of '{asked.intrinsics}' are kept as they are; leave {option} out.")
    lenses = {}
    for camera in cameras:
        lens = LensRequest(square_pixels=asked.square_pixels, held=asked.hold_intrinsics)
        if camera in given:
            own = given[camera]
            model = models.get(camera, smallest_model(own.distortion, own.lens))
            start = restricted(parameters_of(own.intrinsics, own.distortion), model, asked.square_pixels)
            lenses[camera] = replace(lens, model=model, known=start)
        else:
            lenses[camera] = replace(lens, model=models.get(camera, lens.model))
    return Request(lenses=lenses, origin=asked.origin)


def _models(texts: Sequence[str], cameras: Sequence[str]) -> Mapping[str, str]:
    """The lens model of each camera that one was named for; a model for all gives way to one for a camera."""
    for_all, own = {}, {}
    for text in texts:
        camera, separate, model = text.rpartition("=")
        check_model(model)
        if separate and camera not in cameras:
            raise TakeError(f"lens: '{text}' names camera '{camera}', but there are {', '.join(cameras)}.")
        if separate:
            own[camera] = model
        else:
            for_all = dict.fromkeys(cameras, model)
    return {**for_all, **own}


def _given(
    asked: CalibrateRequest, cameras: Sequence[str], known: Sequence[CalibratedCamera]
) -> Mapping[str, CalibratedCamera]:
    """The intrinsics given for each camera. One camera's file serves a session of one camera whatever its name."""
    if not known:
        return {}
    by_name = {camera.name: camera for camera in known}
    if len(known) == len(cameras) == 1:
        return {cameras[0]: known[0]}
    missing = [camera for camera in cameras if camera not in by_name]
    if missing:
        raise TakeError(f"intrinsics: '{asked.intrinsics}' has no camera '{missing[0]}'; it has {', '.join(by_name)}.")
    return by_name


def _check_sizes(session: Session, known: Sequence[CalibratedCamera]) -> None:
    for camera in known:
        size = session.sizes.get(camera.name)
        if None not in (size, camera.size) and size != camera.size:
            raise TakeError(
                f"intrinsics: camera '{camera.name}' was calibrated at {camera.width}x{camera.height} pixels, its "
                f"images have {size[0]}x{size[1]}."  # type: ignore[index]
            )
