"""OpenEXR sequences are matched by the timecode in their headers, whatever their numbers."""

from __future__ import annotations

import numpy as np
import pytest

from facesolve.footage.timing.exr_stamps import match_sequences
from facesolve.take import Footage, FootageError

oiio = pytest.importorskip("OpenImageIO", reason='needs OpenImageIO: pip install "facesolve[exr]"')


def write(folder, camera, numbers, first=None, drop=False, rate=(25, 1)):
    """Images whose headers count from 01:02:03:``first``."""
    (folder / camera).mkdir()
    for index, number in enumerate(numbers):
        spec = oiio.ImageSpec(4, 4, 3, "half")
        if first is not None:
            frame = first + index
            packed = (frame // 10 << 4 | frame % 10) | drop << 6 | 0x03 << 8 | 0x02 << 16 | 0x01 << 24
            spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, (packed, 0))
            if rate:
                spec.attribute("FramesPerSecond", oiio.TypeRational, rate)
        path = str(folder / camera / f"{camera}.{number:04d}.exr")
        output = oiio.ImageOutput.create(path)
        output.open(path, spec)
        output.write_image(np.zeros((4, 4, 3), np.float32))
        output.close()
    return Footage(camera, str(folder / camera / f"{camera}.{{frame:04d}}.exr"))


def test_numbers_may_differ_when_labels_tell(tmp_path):
    footage = write(tmp_path, "a", range(1001, 1009), 2), write(tmp_path, "b", range(7), 5)
    found = match_sequences(footage, None)
    assert [source.offset for source in found.footage] == [0, -1004]
    for frame in (1004, 1008):  # what both show then
        assert found.footage[1].image_number(frame) == frame - 1004
    assert found.start.count == 93075 + 2 - 1001  # 01:02:03:02 is image 1001
    assert found.report[0] == "camera 'a': image 1001 is 01:02:03:02, by its header."


def test_lost_images_and_headers_without_labels_stop(tmp_path):
    a, b = write(tmp_path, "a", range(5), 0), write(tmp_path, "b", [0, 1, 2, 4, 5], 0)
    with pytest.raises(FootageError, match=r"camera 'b' has images 0 to 5 .*: 6 numbers for 5 labels"):
        match_sequences((a, b), None)
    c = write(tmp_path, "c", range(5))
    with pytest.raises(FootageError, match=r"camera 'c' has no timecode in its OpenEXR headers, but 'a' has"):
        match_sequences((a, c), None)
    assert match_sequences((c,), None) is None
    d = write(tmp_path, "d", range(5), 0, rate=(24000, 1001))
    with pytest.raises(FootageError, match=r"camera 'd' counts 23\.976 frames a second and 'a' 25"):
        match_sequences((a, d), None)
    e = write(tmp_path, "e", range(3), 4, rate=None)
    with pytest.raises(FootageError, match="has timecode without a rate; give the rate with --fps"):
        match_sequences((e,), None)
    assert match_sequences((e,), 24.0).start.rate == 24
