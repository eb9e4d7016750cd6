"""Cut lists: events of an EDL and clips of a timeline become parts of the footage by its timecode."""

from __future__ import annotations

from fractions import Fraction

import pytest

from facesolve.footage.timing.cut_list import read_cuts
from facesolve.take import TakeError
from facesolve.take.timecode import Timecode, read_timecode

START = Timecode(25 * 3600, Fraction(25))  # 01:00:00:00

EDL = """TITLE: SELECTS
FCM: NON-DROP FRAME

001  A001     V     C        01:00:00:10 01:00:01:00 00:00:00:00 00:00:00:15
* FROM CLIP NAME: laugh take 2.mov
002  A001     A     C        01:00:00:10 01:00:01:00 00:00:00:00 00:00:00:15
003  BL       V     C        00:00:00:00 00:00:01:00 00:00:00:15 00:00:01:15
004  A001     V     D    012 01:00:02:00 01:00:02:20 00:00:01:15 00:00:02:10
005  A001     V     C        01:00:03:00 01:00:03:05 00:00:02:10 00:00:02:15
* FROM CLIP NAME: laugh take 2.mov
"""


def test_picture_events_become_cuts_named_by_their_clips(tmp_path):
    (tmp_path / "a.edl").write_text(EDL)
    cuts = read_cuts(tmp_path / "a.edl")
    assert [cut.name for cut in cuts] == ["laugh_take_2", "A001_004", "laugh_take_2_2"]
    assert [cut.frames(START) for cut in cuts] == [(10, 24), (50, 69), (75, 79)]


def test_labels_of_a_list_count_as_the_footages_do(tmp_path):
    (tmp_path / "a.edl").write_text("1 A V C 01:00:00:02 01:01:00:02 00:00:00:00 00:00:01:00\n")
    (cut,) = read_cuts(tmp_path / "a.edl")
    drop = read_timecode("01:00:00;00", Fraction(30000, 1001))
    assert cut.frames(drop) == (2, 1799)  # two numbers are dropped on the way
    assert cut.frames(Timecode(108000, Fraction(30000, 1001))) == (2, 1801)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("TITLE: EMPTY", "holds no picture event"),
        ("1 A V C 01:00:00:02 01:00:01:00 00:00:00:00 00:00:01:00\nM2   A  050.0  01:00:00:02\n", "changes speed"),
    ],
)
def test_lists_that_cannot_be_takes_are_refused(tmp_path, text, says):
    (tmp_path / "a.edl").write_text(text)
    with pytest.raises(TakeError, match=says):
        read_cuts(tmp_path / "a.edl")


def test_an_empty_cut_is_refused(tmp_path):
    (tmp_path / "a.edl").write_text("1 A V C 01:00:00:02 01:00:00:02 00:00:00:00 00:00:01:00\n")
    (cut,) = read_cuts(tmp_path / "a.edl")
    with pytest.raises(TakeError, match="cut 'A_1': it is empty"):
        cut.frames(START)


def test_clips_of_a_timeline_become_cuts(tmp_path):
    otio = pytest.importorskip("opentimelineio", reason='needs OpenTimelineIO: pip install "facesolve[timeline]"')

    def span(first: float, length: float, rate: float = 25.0):
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(first, rate), otio.opentime.RationalTime(length, rate)
        )

    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    track.append(otio.schema.Clip("nod.mov", source_range=span(25 * 3600 + 5, 20)))
    track.append(otio.schema.Gap(source_range=span(0, 10)))
    track.append(otio.schema.Clip("jaw", source_range=span(25 * 3600 + 100, 3)))
    timeline = otio.schema.Timeline("selects", tracks=[track])
    otio.adapters.write_to_file(timeline, str(tmp_path / "a.otio"))
    cuts = read_cuts(tmp_path / "a.otio")
    assert [(cut.name, cut.frames(START)) for cut in cuts] == [("nod", (5, 24)), ("jaw", (100, 102))]
    with pytest.raises(TakeError, match="cut 'nod': it counts 25 frames a second, the footage 30"):
        cuts[0].frames(Timecode(0, Fraction(30)))
    track[0].effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    otio.adapters.write_to_file(timeline, str(tmp_path / "b.otio"))
    with pytest.raises(TakeError, match=r"clip 'nod.mov' .* has an effect"):
        read_cuts(tmp_path / "b.otio")
    (tmp_path / "c.otio").write_text("{")
    with pytest.raises(TakeError, match="is not a readable timeline"):
        read_cuts(tmp_path / "c.otio")
