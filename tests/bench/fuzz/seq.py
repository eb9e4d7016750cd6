"""Hostile Norpix recordings: whatever is done to a file, frames or one sentence come out, in bounded time and memory.

    python -m tests.bench.fuzz.seq --inputs 10000 --seed 0

Every input is a generated recording (all versions, pixel kinds, codecs, with and without index) that is mutated: header
fields, sizes, offsets, JPEG headers, stamps and index records are set to lies, and bytes are cut, moved or flipped.
Then it is used as a user would: checked, read as footage, matched with a good recording, extracted. Anything but a
FacesolveError of one line or an image of the stated size fails; so does an input that takes too much memory or time.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import struct
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from facesolve.footage import check_footage, open_footage
from facesolve.footage.container import UnreadableImage
from facesolve.footage.norpix.matching import Matching, match_recordings
from facesolve.footage.norpix.reader import NorpixFile
from facesolve.jobs.extract_images import extract_images
from facesolve.jobs.requests import ExtractRequest
from facesolve.runtime.progress import Silent
from facesolve.take import FacesolveError, Footage, FootageError
from facesolve.take.footage import BAYER_PATTERNS, SYNC_MODES
from tests.footage.norpix.seq_files import BAYER_COLORS, Kind, pictures, seq_bytes, stamps, write_seq
from tests.footage.specimens import camera, take

WIDTH, HEIGHT, COUNT = 24, 16, 4
MOST_BYTES = 256 << 20  # beyond the start, for inputs of at most some hundred kilobytes
MOST_SECONDS = 20.0
HANG_SECONDS = 120
MOST_PADDING = 1 << 20  # bytes between raw images; recorders pad to sectors or pages

# (offset, struct format) of what the header says
FIELDS = (
    *((at, "<I") for at in (0, 28, 32, 548, 552, 556, 560, 564, 568, 572, 576, 580, 596, 600, 604, 608, 616, 620)),
    *((at, "<d") for at in (584,)),
    *((at, "<q") for at in (648,)),
)
CODES = (0, 1, 2, 100, 101, 102, 103, 112, 131, 200, 201, 300, 400, 500, 600, 700)

Files = tuple[bytearray, bytearray]  # the recording, its index (empty for none)
Mutation = Callable[[Files, np.random.Generator], Files]


@cache
def kinds() -> list[Kind]:
    """Every version with every kind of pixels that can be read."""
    raw = [Kind(v, color, bits) for v in (3, 4, 5) for color in ("mono", "bayer", "bgr", "rgb") for bits in (8, 12, 16)]
    raw += [Kind(5, "bgrx", 8), Kind(5, "mono", 10), Kind(5, "mono", 14)]
    jpeg = [
        Kind(v, color, 8, ".jpg", padded=padded, index=index)
        for v in (3, 4, 5)
        for color in ("mono", "bgr", "bayer")
        for padded in (False, True)
        for index in (0, 24, 32)
    ]
    old = [Kind(3, color, 8, codec, old_codes=True) for color in ("mono", "bgr") for codec in (".jpg", ".png")]
    return raw + jpeg + old + [Kind(5, "bgr", 8, ".jpg", first=8192, index=24), Kind(3, "bayer", 8, ".jpg", True)]


def interesting(random: np.random.Generator, form: str) -> int | float:
    """A number that a parser may stumble over, within the range of the struct format ``form``."""
    if form == "<d":
        return float(random.choice([0, -1, 1e308, np.nan, np.inf, 29.97, 1e-300]))
    bits = 8 * struct.calcsize(form)
    signed = form[1].islower()
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    small = int(random.integers(0, 70_000))
    power = 1 << int(random.integers(0, bits - (1 if signed else 0)))
    choice = int(random.integers(7))
    value = [0, 1, high, low, small, power, power - 1][choice]
    return min(max(value, low), high)


def set_field(files: Files, random: np.random.Generator) -> Files:
    at, form = FIELDS[random.integers(len(FIELDS))]
    if len(files[0]) >= at + 8:
        value = int(random.choice(CODES)) if at == 568 and random.random() < 0.7 else interesting(random, form)
        struct.pack_into(form, files[0], at, value)
    return files


def nudge_field(files: Files, random: np.random.Generator) -> Files:
    """A header number off by a little."""
    at, form = FIELDS[random.integers(len(FIELDS))]
    if form == "<I" and len(files[0]) >= at + 4:
        (value,) = struct.unpack_from(form, files[0], at)
        struct.pack_into(form, files[0], at, (value + int(random.integers(-3, 4))) % (1 << 32))
    return files


def resize(files: Files, random: np.random.Generator) -> Files:
    """Header and JPEG headers agree about a size that is not the image's."""
    data = files[0]
    width, height = (int(random.choice([1, 7, 24, 100, 700, 3000, 20_000, 65_535])) for _ in range(2))
    if len(data) >= 1024:
        struct.pack_into("<II", data, 548, width, height)
        at = data.find(b"\xff\xc0")
        while at >= 0 and at + 9 <= len(data):
            struct.pack_into(">HH", data, at + 5, height, width)
            at = data.find(b"\xff\xc0", at + 2)
    return files


def break_jpeg(files: Files, random: np.random.Generator) -> Files:
    """A marker's code or its length is another."""
    data = files[0]
    markers = [at for at in range(1024, len(data) - 4) if data[at] == 0xFF and data[at + 1] not in (0, 0xFF)]
    if markers:
        at = markers[random.integers(len(markers))]
        if random.random() < 0.5:
            data[at + 1] = int(random.integers(256))
        else:
            struct.pack_into(">H", data, at + 2, int(interesting(random, ">H")))
    return files


def repeat_scans(files: Files, random: np.random.Generator) -> Files:
    data = files[0]
    at = data.find(b"\xff\xda", 1024)
    if at >= 0:
        length = int(random.integers(2, 400))
        data[at:at] = bytes(data[at : at + length]) * int(random.integers(1, 60))
    return files


def set_record_size(files: Files, random: np.random.Generator) -> Files:
    """The size before a coded image, or any number at its place in a raw file."""
    data = files[0]
    starts = [at - 4 for at in range(1028, len(data) - 1) if data[at : at + 2] in (b"\xff\xd8", b"\x89P")]
    at = starts[random.integers(len(starts))] if starts else int(random.integers(0, max(len(data) - 4, 1)))
    if len(data) >= at + 4:
        (size,) = struct.unpack_from("<I", data, at)
        near = (size + int(random.integers(-20, 21))) % (1 << 32)
        struct.pack_into("<I", data, at, near if random.random() < 0.5 else int(interesting(random, "<I")))
    return files


def set_index(files: Files, random: np.random.Generator) -> Files:
    """A lie in the index; a file without one gets one made of noise."""
    data, index = files
    if not index:
        return data, bytearray(random.bytes(int(random.integers(1, 200))))
    at = int(random.integers(0, len(index)))
    form = str(random.choice(["<q", "<I", "<H"]))
    at -= at % 4
    if at + 8 <= len(index):
        struct.pack_into(form, index, at, int(interesting(random, form)))
    return files


def shuffle_index(files: Files, random: np.random.Generator) -> Files:
    """Records of the index are swapped, doubled, lost or made to overlap."""
    data, index = files
    records = [bytes(index[at : at + 24]) for at in range(0, len(index) - 23, 24)]
    if len(records) < 2:
        return files
    a, b = random.integers(len(records), size=2)
    choice = int(random.integers(4))
    if choice == 0:
        records[a], records[b] = records[b], records[a]
    elif choice == 1:
        records.insert(int(a), records[b])
    elif choice == 2:
        del records[int(a)]
    else:
        records[a] = records[a][:8] + struct.pack("<I", int(interesting(random, "<I"))) + records[a][12:]
    return data, bytearray(b"".join(records))


def truncate(files: Files, random: np.random.Generator) -> Files:
    which = int(random.random() < 0.2)
    del files[which][int(random.integers(0, len(files[which]) + 1)) :]
    return files


def extend(files: Files, random: np.random.Generator) -> Files:
    count = int(random.integers(1, 20_000))
    files[0].extend(random.bytes(count) if random.random() < 0.5 else bytes(count))
    return files


def flip(files: Files, random: np.random.Generator) -> Files:
    data = files[int(random.random() < 0.2)]
    for _ in range(int(random.integers(1, 40))):
        if data:
            data[int(random.integers(len(data)))] = int(random.integers(256))
    return files


def move(files: Files, random: np.random.Generator) -> Files:
    """A stretch of the file is cut out, doubled or put elsewhere."""
    data = files[0]
    a = int(random.integers(0, len(data) + 1))
    stretch = bytes(data[a : a + int(random.integers(1, 3000))])
    if random.random() < 0.6:
        del data[a : a + len(stretch)]
    if random.random() < 0.6:
        b = int(random.integers(0, len(data) + 1))
        data[b:b] = stretch
    return files


def pad(files: Files, random: np.random.Generator) -> Files:
    """Raw images lie farther apart, or farther than any writer puts them."""
    data = files[0]
    if len(data) >= 1024:
        (image_bytes,) = struct.unpack_from("<I", data, 564)
        struct.pack_into("<I", data, 580, min(image_bytes + int(random.integers(0, 2 * MOST_PADDING)), (1 << 32) - 1))
    return files


def wide_stamp(files: Files, random: np.random.Generator) -> Files:
    """The microseconds of a time stamp are whatever lies there, as in files of old recorders."""
    data = files[0]
    if len(data) >= 1024:
        (image_bytes, stride) = (struct.unpack_from("<I", data, at)[0] for at in (564, 580))
        first = {3: 1024, 4: 1024, 5: 8192}.get(data[28], 1024)
        at = first + int(random.integers(COUNT)) * stride + image_bytes + 6
        if at + 2 <= len(data):
            struct.pack_into("<H", data, at, int(random.integers(1000, 65_536)))
    return files


def noise(files: Files, random: np.random.Generator) -> Files:
    """The file's magic, or not even that, before bytes that mean nothing."""
    keep = int(random.choice([0, 4, 28, 548, 1024]))
    return files[0][:keep] + bytearray(random.bytes(int(random.integers(0, 30_000)))), files[1]


MUTATIONS: tuple[Mutation, ...] = (
    *(set_field, set_field, nudge_field, resize, break_jpeg, repeat_scans, set_record_size, set_record_size),
    *(set_index, shuffle_index, truncate, extend, flip, move, noise, pad, wide_stamp),
)


@dataclass
class Tally:
    """What came out of all inputs."""

    inputs: int = 0
    good_frames: int = 0
    sentences: int = 0
    kinds_of_sentence: Counter[str] = field(default_factory=Counter)
    most_bytes: int = 0
    most_seconds: float = 0.0
    slowest: int = -1

    def sentence(self, error: Exception | str, surprising: bool = False) -> None:
        """Counts a sentence for the user; AssertionError when it is no such sentence, or nothing was wrong."""
        text = str(error)
        assert not surprising, text
        assert "\n" not in text, text
        assert text.endswith((".", ")")), text
        assert "Traceback" not in text, text
        self.sentences += 1
        self.kinds_of_sentence["".join(c for c in text.split("'")[-1] if not c.isdigit())[:60]] += 1


@cache
def _whole(kind: Kind) -> tuple[bytes, bytes]:
    return seq_bytes(kind, pictures(COUNT, WIDTH, HEIGHT), stamps(COUNT))


def make_input(seed: int, number: int) -> tuple[Kind, Files]:
    """Input ``number``; every twentieth is left whole."""
    random = np.random.default_rng([seed, number])
    every = kinds()
    kind = every[int(random.integers(len(every)))]
    data, index = _whole(kind)
    files = bytearray(data), bytearray(index)
    if number % 20:
        for _ in range(int(random.integers(1, 5))):
            files = MUTATIONS[int(random.integers(len(MUTATIONS)))](files, random)
    return kind, files


def use(folder: Path, seed: int, number: int, tally: Tally) -> None:
    """Writes input ``number`` into ``folder`` and does with it all that a user can. Raises whatever should not be."""
    kind, (data, index) = make_input(seed, number)
    path = folder / "input.seq"
    path.write_bytes(data)
    index_path = folder / "input.seq.idx"
    index_path.unlink(missing_ok=True)
    if index:
        index_path.write_bytes(index)
    bayer = BAYER_PATTERNS[number % len(BAYER_COLORS)] if kind.color == "bayer" else None
    footage = Footage("left", path.as_posix(), bayer=bayer)
    whole = number % 20 == 0
    read_as_footage(footage, number, tally, whole)
    match(footage, folder, number, tally, whole)
    if number % 4 == 0:
        extract(footage, folder, number, tally, whole)


def read_as_footage(footage: Footage, number: int, tally: Tally, whole: bool) -> None:
    try:
        file = NorpixFile(Path(footage.path), footage.bayer)
    except UnreadableImage as problem:
        tally.sentence(problem, surprising=whole)
        for finding in check_footage(take([footage], [camera()])):
            tally.sentence(finding.sentence)
        with pytest.raises(FootageError):
            open_footage(footage, camera())
        return
    check_facts(file, Path(footage.path).read_bytes())
    file.close()
    lens = camera("left", file.width, file.height)
    for finding in check_footage(take([footage], [lens])):  # its frames, 1001 and on, are not there
        tally.sentence(finding.sentence)
    reader = open_footage(footage, lens)
    random = np.random.default_rng(number)
    wanted = {0, file.count - 1, int(random.integers(file.count)), file.count, -1}
    for frame in sorted(wanted):
        try:
            image = reader.read(frame)
        except FootageError as error:
            tally.sentence(error, surprising=whole and 0 <= frame < file.count)
            continue
        assert 0 <= frame < file.count, frame
        assert image.pixels.shape == (file.height, file.width, 3), image.pixels.shape
        assert image.pixels.dtype == np.float32
        assert np.isfinite(image.pixels).all()
        assert 0 <= image.pixels.min() <= image.pixels.max() <= 1
        tally.good_frames += 1
    reader.close()


def check_facts(file: NorpixFile, data: bytes) -> None:
    """What the format promises of every file that is read, from the bytes themselves: a reader may not do without."""
    (version,) = struct.unpack_from("<i", data, 28)
    (image_bytes, stride) = (struct.unpack_from("<I", data, at)[0] for at in (564, 580))
    if file.header.codec is None:
        assert image_bytes + 8 <= stride <= image_bytes + MOST_PADDING, f"images every {stride} bytes are believed"
    if version >= 5 or file.header.codec is not None:
        return
    ends = [file.header.first + k * stride + image_bytes for k in range(file.count)]
    beyond = [struct.unpack_from("<H", data[end : end + 8].ljust(8, b"\0"), 6)[0] > 999 for end in ends]
    if any(beyond):
        assert not (file.stamps() % 1000).any(), "microseconds that are none are believed"


def match(footage: Footage, folder: Path, number: int, tally: Tally, whole: bool) -> None:
    good = folder / "good.seq"
    if not good.exists():
        write_seq(good, Kind(5, "mono"), pictures(COUNT, WIDTH, HEIGHT))
    mode = SYNC_MODES[number % 3]  # the others are for videos
    try:
        matched = match_recordings([Footage("good", good.as_posix()), footage], Matching(mode), None, "unseen")
    except FacesolveError as error:
        tally.sentence(error, surprising=whole)
        return
    assert matched.frames[0] == 0
    assert not whole or matched.frames == (0, COUNT - 1), matched
    for sentence in matched.report:
        tally.sentence(sentence)


def extract(footage: Footage, folder: Path, number: int, tally: Tally, whole: bool) -> None:
    out = folder / "out"
    form = ("tif", "png", "jpg")[number // 4 % 3]
    request = ExtractRequest(Path(footage.path), form, bayer=footage.bayer, on_bad_frame="unseen")
    try:
        done = extract_images(request, out, Silent())
    except FacesolveError as error:
        tally.sentence(error, surprising=whole)
        return
    written = sorted(entry.name for entry in out.iterdir())
    assert len(written) == done.written + 1, written
    assert not [name for name in written if name.endswith(".part")], written
    for entry in out.iterdir():
        entry.unlink()


def fuzz(numbers: Sequence[int], seed: int, folder: Path) -> Tally:
    """Uses the inputs ``numbers``; raises AssertionError that names the first one that misbehaves."""
    tally = Tally()
    tracemalloc.start()
    try:
        for number in numbers:
            faulthandler.dump_traceback_later(HANG_SECONDS, exit=True, file=sys.__stderr__)
            tracemalloc.reset_peak()
            before, begun = tracemalloc.get_traced_memory()[0], time.process_time()
            try:
                use(folder, seed, number, tally)
            except Exception as error:
                raise AssertionError(f"input {number} of seed {seed}: {type(error).__name__}: {error}") from error
            seconds, extra = time.process_time() - begun, tracemalloc.get_traced_memory()[1] - before
            assert extra < MOST_BYTES, f"input {number} of seed {seed}: {extra >> 20} MB"
            assert seconds < MOST_SECONDS, f"input {number} of seed {seed}: {seconds:.1f} s of processor time"
            tally.inputs += 1
            tally.most_bytes = max(tally.most_bytes, extra)
            if seconds > tally.most_seconds:
                tally.most_seconds, tally.slowest = seconds, number
    finally:
        faulthandler.cancel_dump_traceback_later()
        tracemalloc.stop()
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="one input by its number, to look into it")
    arguments = parser.parse_args()
    numbers = range(arguments.inputs) if arguments.only is None else [arguments.only]
    with tempfile.TemporaryDirectory() as folder:
        tally = fuzz(numbers, arguments.seed, Path(folder))
    print(f"{tally.inputs} inputs of seed {arguments.seed}: no crash, no hang, nothing but frames and sentences.")
    print(
        f"good frames {tally.good_frames}, sentences {tally.sentences}, most memory {tally.most_bytes / 2**20:.1f} MB,"
    )
    print(f"slowest input {tally.slowest}: {tally.most_seconds:.2f} s")
    for text, count in tally.kinds_of_sentence.most_common(40):
        print(f"{count:7d}  {text}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
