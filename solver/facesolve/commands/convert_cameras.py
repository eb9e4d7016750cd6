"""``facesolve convert-cameras``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from .output import EXIT_OK, Verbosity

_BY_SUFFIX = {".json": "json", ".yml": "yml", ".yaml": "yml", ".xml": "xml", "": "colmap"}


def convert_cameras(
    cameras: Path,
    /,
    *,
    out: Path,
    overwrite: bool = False,
    to: Literal["thesis", "opentrackio", "nerfstudio"] | None = None,
    unit: Literal["mm", "cm", "m"] | None = None,
    scale: float | None = None,
    distance: tuple[str, str, float] | None = None,
    camera_images: str | None = None,
    image_size: tuple[int, int] | None = None,
    extrinsics: Path | None = None,
    stands: Literal["auto", "wall", "floor", "cameras", "as-is"] = "as-is",
    up: Literal["y", "z"] = "y",
    offset: tuple[float, float, float] | None = None,
    check: tuple[str, str, float] | None = None,
    output: Verbosity = Verbosity(),  # noqa: B008  # frozen
) -> int:
    """Read other programs' cameras, and write them.

    Reads Facesolve's and the thesis' JSON, OpenCV's YAML and XML, a COLMAP model's folder, RealityCapture's CSV and
    XMP, Metashape's XML, nerfstudio's and NeRF's transforms.json, aniposelib's and caliscope's TOML, multical's JSON,
    Kalibr's and ROS' YAML, OpenTrackIO, 3DEqualizer's Maya export and USD; what is in the file tells which it is. Axes,
    units and pixels become ours, or those of the format written.

    Lengths of reconstructions are arbitrary. Give their scale by the distance of two cameras' lenses, measured on the
    stage; by --unit, where the program was given a scale; or by --scale.

    Args:
        cameras: camera file, or the folder where a program writes one.
        out: file to write, .json, .yml or .xml; without an ending, the folder of a COLMAP model.
        to: layout of a .json file; Facesolve's own if omitted.
        unit: length unit of a file that names none.
        scale: centimeters in a unit of the file.
        distance: measured centimeters between two cameras, which scale the file.
        camera_images: which images of a reconstruction are which cameras, such as {camera}_*.jpg.
        image_size: of all cameras, in pixels, for files that do not say.
        extrinsics: OpenCV's other file of a stereo pair, with its R and T.
        stands: turn the world upright: a board's that stood upright (wall) or lay flat with the printed side up
            (floor); auto: as the cameras show, which stand upright; cameras: up is theirs.
        up: axis that points up in a world that is turned.
        offset: where the world's origin is moved to, X,Y,Z in cm.
        check: measured centimeters between two cameras, to compare with.

    Examples:
        facesolve convert-cameras intrinsics.yml --extrinsics extrinsics.yml --unit mm --out calibration.json
        facesolve convert-cameras sparse/0 --camera-images '{camera}/*.jpg' --distance left,right=45.2 --out
            calibration.json
        facesolve convert-cameras cameras.csv --image-size 4096x3000 --unit m --out calibration.json
        facesolve convert-cameras calibration.json --to opentrackio --out stage.json
        facesolve convert-cameras board.yml --stands floor --offset 0,2.5,0 --check left,right=45.2 --out stage.json
    """
    from facesolve.geometry.camera_files import CameraFile, read_stage, write_cameras
    from facesolve.geometry.stage_frame import StageFrame, check_distance, staged
    from facesolve.take import TakeError
    from facesolve.take.files import check_new

    layout = _BY_SUFFIX.get(out.suffix.lower())
    if layout is None or (to is not None and layout != "json"):
        wanted = "in .json" if to is not None else "in .json, .yml or .xml, or in nothing for a COLMAP folder"
        raise TakeError(f"calibration: '{out}' must end {wanted}.")
    check_new(out, overwrite)
    how = CameraFile(unit, scale, distance, lambda camera: image_size, camera_images, extrinsics)
    found, given = read_stage(cameras, how, output.say)
    found, upward = staged(found, StageFrame(stands, up, offset or (0.0, 0.0, 0.0)))
    if check is not None:
        output.say(str(check_distance(found, *check)))
    write_cameras(found, out, layout if to is None else to, upward or given)
    output.say(f"{out}: {', '.join(camera.name for camera in found)}")
    return EXIT_OK
