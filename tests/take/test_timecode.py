"""Timecode: dropped numbers, rational rates, labels that cannot be."""

from fractions import Fraction

import pytest

from facesolve.take import TakeError
from facesolve.take.timecode import DAY, Timecode, nominal, rational_rate, read_timecode, timecode, usual_rate

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("label", "rate", "count"),
    [
        ("00:00:59;29", NTSC, 1799),
        ("00:01:00;02", NTSC, 1800),  # 00 and 01 are dropped
        ("00:10:00;00", NTSC, 17982),  # not in every tenth minute
        ("01:00:00;00", NTSC, 107892),
        ("23:59:59;29", NTSC, 2589407),
        ("00:01:00;04", Fraction(60000, 1001), 3600),
        ("01:00:00:00", NTSC, 108000),
        ("01:02:03:04", Fraction(25), 93079),
        ("10:00:00:23", Fraction(24000, 1001), 864023),
        ("00:00:01:100", Fraction(120), 220),
    ],
)
def test_labels_and_counts_agree(label, rate, count):
    found = read_timecode(label, rate)
    assert found.count == count
    assert str(found) == label


def test_every_label_of_an_hour_with_dropped_numbers_comes_back():
    for count in range(0, 107892, 7):
        label = str(Timecode(count, NTSC, True))
        assert read_timecode(label, NTSC).count == count
        assert not (label.endswith((":00;00", ":00;01")) and label[4] != "0")


def test_dropped_numbers_keep_labels_with_the_clock():
    hour = read_timecode("01:00:00;00", NTSC).seconds
    assert float(hour) == pytest.approx(3600, abs=0.01)
    assert float(read_timecode("01:00:00:00", NTSC).seconds) == pytest.approx(3603.6)


@pytest.mark.parametrize(
    ("label", "rate", "says"),
    [
        ("1:2:3", Fraction(25), "is not HH:MM:SS:FF"),
        ("00:00:00:25", Fraction(25), "cannot be at 25 frames a second"),
        ("00:61:00:00", Fraction(25), "cannot be"),
        ("24:00:00:00", Fraction(25), "cannot be"),
        ("00:01:00;00", NTSC, "is one of the numbers that are dropped"),
        ("00:01:00;02", Fraction(25), "drops numbers, which 25 frames a second do not"),
        ("00:01:00;02", Fraction(30), "drops numbers, which 30 frames a second do not"),
        ("00:01:00;02", Fraction(24000, 1001), "drops numbers"),
    ],
)
def test_labels_that_cannot_be_are_refused(label, rate, says):
    with pytest.raises(TakeError, match=says):
        read_timecode(label, rate)


@pytest.mark.parametrize(
    ("given", "rate"),
    [
        (29.97, NTSC),
        ("29.97", NTSC),
        ("30000/1001", NTSC),
        (23.976, Fraction(24000, 1001)),
        (25, 25),
        (59.94, 2 * NTSC),
    ],
)
def test_rates_are_exact(given, rate):
    assert rational_rate(given) == rate


def test_the_last_label_of_a_day_is_one_frame_before_the_next():
    assert read_timecode("23:59:59:24", Fraction(25)).count == DAY * 25 - 1


def test_slow_rates_are_rates_too():
    assert rational_rate(1.00001) == 1
    assert nominal(Fraction(1)) == nominal(Fraction(1, 3)) == 1


def test_rates_that_are_none_are_refused():
    for given in ("fast", "1/0", -25, 0, float("nan")):
        with pytest.raises(TakeError, match="fps: "):
            rational_rate(given)


def test_the_rate_of_timecode_is_the_usual_one_whatever_the_clock():
    assert usual_rate(29.994) == 30
    assert usual_rate(29.968) == NTSC
    assert usual_rate(30.0, drop=True) == NTSC
    assert usual_rate(50.004) == 50


@pytest.mark.parametrize(
    ("frame", "fps", "expected"),
    [
        (0, 24.0, "00:00:00:00"),
        (1001, 24.0, "00:00:41:17"),
        (1001, 23.976, "00:00:41:17"),
        (119, 120.0, "00:00:00:119"),
        (30 * 3661 + 7, 29.97, "01:01:01:07"),
        (1, 0.4, "00:00:01:00"),
        (-25, 24.0, "-00:00:01:01"),
    ],
)
def test_frame_numbers_count_in_whole_frames(frame, fps, expected):
    assert timecode(frame, fps) == expected
