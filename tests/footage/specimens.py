"""Small footage made on the spot: cameras, takes and image files of every kind."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.take import Camera, Footage, Rig, Take

WIDTH, HEIGHT = 48, 32


def camera(name: str = "left", width: int = WIDTH, height: int = HEIGHT, distortion: tuple[float, ...] = ()) -> Camera:
    intrinsics = np.array([[1.5 * width, 0, width / 2], [0, 1.5 * width, height / 2], [0, 0, 1]])
    return Camera(name, width, height, intrinsics, np.eye(3), np.array([0.0, 0, 100]), np.array(distortion))


def picture(frame: int, width: int = WIDTH, height: int = HEIGHT, dtype: type = np.uint8) -> np.ndarray:
    """(H, W, 3) RGB noise that tells frames apart, smooth enough for lossy codecs."""
    noise = np.random.default_rng(frame).random((height, width, 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.round((smooth - smooth.min()) / np.ptp(smooth) * np.iinfo(dtype).max).astype(dtype)


def write_image(path: Path, rgb: np.ndarray, *options: int) -> Path:
    """Writes gray, RGB or RGBA ``rgb`` through OpenCV."""
    order = {2: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[rgb.ndim if rgb.ndim == 2 else rgb.shape[2]]
    stored = rgb if order is None else cv2.cvtColor(rgb, order)
    encoded, data = cv2.imencode(path.suffix, stored, list(options))
    assert encoded
    path.write_bytes(data.tobytes())
    return path


def write_sequence(folder: Path, name: str = "left", count: int = 6, suffix: str = ".png") -> Footage:
    """Writes pictures 0, 1, .. and gives their footage; take frames start at 1001."""
    for number in range(count):
        write_image(folder / f"{name}_{number:04d}{suffix}", picture(number))
    return Footage(name, (folder / f"{name}_{{frame:04d}}{suffix}").as_posix(), offset=-1001)


def write_video(
    path: Path, count: int = 30, codec: str = "libx264", pixels: str = "yuv420p", times: list[int] | None = None
) -> Footage:
    """Writes pictures 0, 1, .. at 24 a second, or at ``times`` (1/24 s); keyframes and B-frames where possible."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        if codec == "libx264":
            stream.options = {"g": "12", "bf": "3", "crf": "10"}
        stream.codec_context.time_base = Fraction(1, 24)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts = number if times is None else times[number]
            frame.time_base = Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return Footage("left", path.as_posix(), offset=-1001)


def take(footage: list[Footage], cameras: list[Camera], frames: int = 6, policy: str = "stop", fps: float = 24) -> Take:
    """A take around ``footage``, from frame 1001 on, whose rig is one triangle with one target."""
    triangle = np.eye(3)
    rig = Rig.from_dense(triangle, triangle[None], ["open"], np.array([3]), np.arange(3))
    return Take("shot", rig, tuple(cameras), tuple(footage), np.arange(1001, 1001 + frames), fps, on_bad_frame=policy)
