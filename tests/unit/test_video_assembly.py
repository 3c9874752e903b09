"""Pictures come out whole, in order and once; what is missing is asked for; a key frame ends a gap."""

from __future__ import annotations

import random

import pytest

from rtstream.video.assembly import AGAIN, KEY_AGAIN, KEY_PATIENCE, Assembly, Part, begins_key

KEY = b"\x10\x02\x00\x9d\x01\x2a\x80\x02\xe0\x01"
DELTA = b"\x11\x02\x00 no start code"


def parts(
    count: int, each: int = 3, *, keys: tuple[int, ...] = (0,), first: int = 65_530
) -> list[list[Part]]:
    """So many pictures, numbered; the sequence wraps within them."""
    made = []
    for number in range(count):
        begin = KEY if number in keys else DELTA
        payloads = [begin + bytes([number]), *(bytes([number]) for _ in range(each - 1))]
        made.append(
            [
                Part((first + number * each + at) & 0xFFFF, 3000 * number, at == each - 1, data)
                for at, data in enumerate(payloads)
            ]
        )
    return made


class Line:
    """Feeds an assembly as aiortc's receiver does, and keeps what comes of it."""

    def __init__(self) -> None:
        self.assembly = Assembly()
        self.seen: list[int] = []
        self.asked: list[tuple[float, list[int]]] = []
        self.keys: list[float] = []

    def take(self, part: Part, now: float) -> None:
        if missing := self.assembly.missing(part.sequence, now):
            self.asked.append((now, missing))
        self.seen += [picture.timestamp // 3000 for picture in self.assembly.take(part, now)]
        if self.assembly.wants_key(now):
            self.keys.append(now)


def test_a_picture_is_whole_with_its_marked_packet() -> None:
    line = Line()
    for number, picture in enumerate(parts(20)):
        for part in picture[:-1]:
            line.take(part, number / 30)
        assert line.seen == list(range(number))
        line.take(picture[-1], number / 30)
        assert line.seen == list(range(number + 1))
    assert line.asked == []
    assert line.keys == []


def test_without_marks_a_picture_is_whole_when_the_next_begins() -> None:
    line = Line()
    first, second = parts(2)
    for part in first:
        line.take(part._replace(marker=False), 0.0)
    assert line.seen == []
    line.take(second[0], 0.03)
    assert line.seen == [0]


def test_a_picture_is_the_bytes_of_its_packets() -> None:
    assembly = Assembly()
    (picture,) = parts(1)
    (whole,) = [whole for part in picture for whole in assembly.take(part, 0.0)]
    assert whole.data == KEY + b"\0" + b"\0" + b"\0"


def test_packets_of_padding_are_no_picture_and_leave_no_gap() -> None:
    assembly, padded = Assembly(), 0
    seen = []
    for picture in parts(6):
        for part in picture:
            seen += assembly.take(part._replace(sequence=(part.sequence + padded) & 0xFFFF), 0.0)
        for _ in range(2):  # behind it, at its time and without a mark, as libwebrtc pads
            padded += 1
            sequence = (picture[-1].sequence + padded) & 0xFFFF
            assert not assembly.missing(sequence, 0.0)
            seen += assembly.take(Part(sequence, part.timestamp, False, b""), 0.0)
    assert [whole.timestamp // 3000 for whole in seen] == list(range(6))
    assert all(whole.data for whole in seen)


def test_pictures_come_in_order_and_once_though_packets_are_mixed_up_and_doubled() -> None:
    chance, line = random.Random(3), Line()
    packets = [part for picture in parts(60) for part in picture]
    line.take(packets[0], 0.0)
    for at in range(1, len(packets), 4):
        few = packets[at : at + 4] * 2
        chance.shuffle(few)
        for part in few:
            line.take(part, at / 90)
    assert line.seen == list(range(60))


def test_what_waited_behind_a_gap_comes_all_at_once_when_it_is_filled() -> None:
    line = Line()
    packets = [part for picture in parts(10, 1) for part in picture]
    for at in (0, 1, 3, 4, 5):
        line.take(packets[at], at / 30)
    assert line.seen == [0, 1]
    line.take(packets[2], 0.18)
    assert line.seen == [0, 1, 2, 3, 4, 5], "none of them waits for a further packet"


def test_a_missing_packet_is_asked_for_at_once_and_again_until_it_comes() -> None:
    line = Line()
    packets = [part for picture in parts(60, 1, first=100) for part in picture]
    line.take(packets[0], 0.0)
    for at in range(2, 8):
        line.take(packets[at], at / 30)
    assert [missing for _, missing in line.asked] == [[101], [101]]
    (first, _), (again, _) = line.asked
    assert first == 2 / 30
    assert AGAIN[1] <= again - first < AGAIN[1] + 2 / 30
    line.take(packets[1], 0.25)
    line.take(packets[8], 0.3)
    assert len(line.asked) == 2


@pytest.mark.parametrize("trip", [0.01, 0.15])
def test_how_soon_it_asks_again_follows_how_long_an_answer_takes(trip: float) -> None:
    line, now = Line(), 0.0
    packets = [part for picture in parts(250, 1, first=0) for part in picture]
    line.take(packets[0], now)
    for at in range(2, 200, 2):
        line.take(packets[at], now)
        now += trip
        line.take(packets[at - 1], now)
        now += 0.01
    begun = len(line.asked)
    for at in range(201, 250):
        now += 0.005
        line.take(packets[at], now)
    times = [at for at, _ in line.asked[begun:]]
    wait = max(AGAIN[0], 1.5 * trip)
    assert wait - 0.001 <= times[1] - times[0] <= wait + 0.01


def test_what_never_comes_is_given_up_soon_and_the_next_key_frame_is_seen() -> None:
    line = Line()
    for number, picture in enumerate(parts(60, 2, keys=(0, 30))):
        for at, part in enumerate(picture):
            if (number, at) != (5, 1):
                line.take(part, number / 30)
    assert line.seen == [*range(5), *range(30, 60)]
    (asked,) = line.keys
    assert 0.35 <= asked - 5 / 30 <= 0.45
    assert line.assembly.given_up == 1
    assert len(line.asked) == 4


def test_a_key_frame_that_is_there_behind_a_gap_is_followed_without_asking_for_another() -> None:
    line = Line()
    for number, picture in enumerate(parts(40, 2, keys=(0, 8))):
        for at, part in enumerate(picture):
            if (number, at) != (5, 1):
                line.take(part, number / 30)
    assert line.seen == [*range(5), *range(8, 40)]
    assert line.keys == []


def test_with_nothing_to_decode_from_a_key_frame_is_asked_for_at_once_and_again_until_it_comes() -> None:
    line = Line()
    for number, picture in enumerate(parts(60, 2, keys=(45,))):
        for part in picture:
            line.take(part, number / 30)
    assert line.seen == list(range(45, 60))
    assert line.keys[0] == 0.0
    steps = [later - sooner for sooner, later in zip(line.keys, line.keys[1:], strict=False)]
    assert len(steps) == 2 and all(KEY_AGAIN <= step <= KEY_AGAIN + 1 / 30 + 1e-9 for step in steps)
    assert line.asked == [], "what is before a key frame is not worth asking for"


def test_a_key_frame_whose_packets_are_mixed_up_or_lost_is_made_whole() -> None:
    line = Line()
    (delta, key) = parts(2, 5, keys=(1,))
    for part in (*delta, key[1], key[2], key[0], key[4]):
        line.take(part, 0.0)
    assert line.seen == []
    assert line.asked == [(0.0, [key[3].sequence])]
    line.take(key[3], 0.05)
    assert line.seen == [1]


def test_a_far_end_that_makes_no_key_frames_is_seen_broken_rather_than_not_at_all() -> None:
    line = Line()
    for number, picture in enumerate(parts(120, 2, keys=())):
        for part in picture:
            line.take(part, number / 30)
    assert line.seen[0] == pytest.approx(KEY_PATIENCE * 30, abs=2)
    assert line.seen == list(range(line.seen[0], 120))


def test_a_source_that_counts_anew_is_followed_from_its_key_frame() -> None:
    line = Line()
    for picture in parts(3, 2, first=100):
        for part in picture:
            line.take(part, 0.0)
    for picture in parts(3, 2, first=40_000):
        for part in picture:
            line.take(part, 1.0)
    assert line.seen == [0, 1, 2, 0, 1, 2]
    assert line.asked == []


def test_after_an_overrun_it_begins_with_the_newest_key_frame() -> None:
    line = Line()
    pictures = parts(12, 2, keys=(0, 9))
    for picture in pictures[:5]:
        for part in picture:
            line.take(part, 0.0)
    line.assembly.wait_for_key(0.0)
    for picture in pictures[5:]:
        for part in picture:
            line.take(part, 0.1)
    assert line.seen == [*range(5), 9, 10, 11]
    assert line.keys == [0.1]


def test_an_assembly_that_has_heard_nothing_can_be_told_to_begin_anew() -> None:
    assembly = Assembly()
    assembly.wait_for_key(0.0)
    assert not assembly.missing(5, 0.0)


def test_memory_is_bounded_while_no_key_frame_comes() -> None:
    line = Line()
    for number in range(5000):
        part = Part(number & 0xFFFF, 3000 * number, False, DELTA)
        line.take(part, 0.0)
    assert len(line.assembly._parts) <= 1024
    assert line.assembly.dropped >= 3900


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (KEY, True),
        (DELTA, False),
        (b"", False),
        (b"\x11\x02\x00\x9d\x01\x2a", False),
        (b"\x00\x00\x00\x01\x67\x42", True),
        (b"\x00\x00\x00\x01\x65\x88", True),
        (b"\x00\x00\x00\x01\x09\x10\x00\x00\x00\x01\x67", True),
        (b"\x00\x00\x00\x01\x41\x9a", False),
        (b"\x00\x00\x00\x01", False),
    ],
)
def test_key_frames_of_vp8_and_h264_are_told_by_their_beginning(data: bytes, key: bool) -> None:
    assert begins_key(data) is key
