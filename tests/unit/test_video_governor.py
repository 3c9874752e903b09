"""Size, fps and rate of pictures follow what processor and network can carry, and do not swing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from rtstream.media.video import VideoOptions
from rtstream.video.governor import LADDERS, LEAST_BITS, Governor, Plan

HD, VGA = (1280, 720), (640, 480)


@dataclass
class World:
    """A handler that gives `source` pictures a second, and an encoder of given speed and thrift.

    `a_pixel` is the seconds that each takes, `least` the bits a pixel that the encoder cannot go below.
    """

    governor: Governor
    size: tuple[int, int] = HD
    source: float = 30
    a_pixel: float = 5e-9
    least: float = 0.005
    now: float = 100.0
    plans: list[tuple[float, Plan]] = field(default_factory=list)
    rungs: list[int] = field(default_factory=list)
    sent: float = 0.0  # bits a second, lately

    def run(self, seconds: float, each: Callable[[], None] = lambda: None) -> Plan:
        end, due, tell = self.now + seconds, self.now, self.now
        while self.now < end:
            self.governor.came(self.now)
            if self.now >= due and not self.governor.bandwidth.wait(self.now):
                plan = self.governor.plan(*self.size, self.now)
                self.plans.append((self.now, plan))
                self.rungs.append(self.governor.rung)
                pixels = plan.width * plan.height
                fps = min(plan.fps, self.source)
                size = max(plan.bitrate / fps, self.least * pixels) / 8
                self.governor.encoded(self.a_pixel * pixels, round(size), self.now, key=False)
                self.sent = 8 * size * fps
                due = max(self.now + 1 / plan.fps - 0.005, self.now + self.a_pixel * pixels)
            if self.now >= tell:
                each()
                tell += 1.0
            self.now += 1 / self.source
        return self.plans[-1][1]

    def praise(self) -> None:
        """The far end says that all came, and at once."""
        self.governor.bandwidth.answered(self.now - 0.05, 0.02, self.now)
        self.governor.bandwidth.lost(0.0, self.now)


def governor(**options: object) -> Governor:
    return Governor(VideoOptions(**options))  # type: ignore[arg-type]


def changed(numbers: list[int]) -> list[int]:
    """By how much each differs from the one before."""
    return [later - sooner for sooner, later in pairwise(numbers)]


def rates(world: World) -> list[int]:
    return [plan.bitrate for _, plan in world.plans]


def test_with_room_nothing_is_lowered() -> None:
    world = World(governor(), size=VGA)
    plan = world.run(30, world.praise)
    assert (plan.width, plan.height, plan.fps) == (640, 480, 30)
    assert set(world.rungs) == {0}


def test_large_pictures_begin_smaller_and_are_whole_after_some_seconds_of_room() -> None:
    """A key frame of them would take a slow line a second, and nobody knows yet that it is none."""
    world = World(governor())
    world.run(10, world.praise)
    _, first = world.plans[0]
    assert (first.width, first.height) == (640, 360)
    whole = next(at for at, plan in world.plans if (plan.width, plan.fps) == (1280, 30))
    assert whole < 100 + 5
    assert world.plans[-1][1].bitrate > 2_000_000
    assert max(changed(world.rungs)) == 0, "none is taken back"


def test_what_must_keep_its_size_begins_with_it() -> None:
    world = World(governor(degradation_preference="maintain-resolution"))
    assert world.run(1).width == 1280


def test_rate_and_size_rise_together_for_each_change_takes_a_key_frame() -> None:
    world = World(governor())
    world.run(10, world.praise)
    forms = [(plan.width, plan.bitrate) for _, plan in world.plans]
    assert len({at for at, _ in forms}) > 1
    for sooner, later in pairwise(forms):
        if sooner[0] != later[0]:
            assert later[1] > 1.3 * sooner[1]


def test_size_and_fps_are_lowered_when_encoding_takes_longer_than_there_is_time() -> None:
    world = World(governor(), size=VGA, a_pixel=135e-9)  # 41 ms a picture
    plan = world.run(20)
    assert plan.fps < 30
    busy = 135e-9 * plan.width * plan.height * plan.fps
    assert busy < 0.9
    assert world.rungs.index(1) < 40, "within a second or so"


def test_they_are_raised_again_when_there_is_room_again_and_stay() -> None:
    world = World(governor(), a_pixel=100e-9)
    world.run(20)
    low = world.governor.rung
    assert low >= 2
    world.a_pixel = 5e-9
    plan = world.run(120, world.praise)
    assert world.governor.rung == 0 and plan.width == 1280
    assert not any(changed(world.rungs[-500:]))


def test_a_load_between_two_rungs_does_not_make_it_swing() -> None:
    world = World(governor(), size=VGA, a_pixel=102e-9)  # 31 ms: too much at 30 fps, and enough at 20
    world.run(300)
    assert sum(by != 0 for by in changed(world.rungs)) <= 3


def test_a_low_bandwidth_makes_pictures_smaller_at_once_and_the_rate_stays_below_it() -> None:
    world = World(governor())
    world.run(10, world.praise)
    assert world.governor.rung == 0
    plan = world.run(10, lambda: world.governor.bandwidth.estimated(200_000, world.now))
    assert plan.bitrate <= 200_000
    assert plan.width * plan.height * plan.fps * LEAST_BITS <= 200_000
    assert world.sent <= 200_000
    plan = world.run(120, lambda: world.governor.bandwidth.estimated(4_000_000, world.now))
    assert (plan.width, plan.height, plan.fps) == (1280, 720, 30)


def test_pictures_that_cannot_be_made_with_so_few_bits_are_made_smaller() -> None:
    world = World(governor(), least=0.1)
    plan = world.run(60, lambda: world.governor.bandwidth.estimated(800_000, world.now))
    assert world.sent <= 1.3 * plan.bitrate
    assert world.governor.rung > 0
    steps = [at for (at, _), by in zip(world.plans[1:], changed(world.rungs), strict=True) if by < 0]
    waits = [later - sooner for sooner, later in pairwise(steps)]
    assert waits == sorted(waits), "it tries again later each time"


def test_the_encoders_rate_is_not_changed_for_a_trifle_nor_often() -> None:
    world = World(governor(), size=VGA)
    chance = iter(range(1000))
    world.run(
        60, lambda: world.governor.bandwidth.estimated(500_000 + 40_000 * (next(chance) % 3), world.now)
    )
    assert sum(by != 0 for by in changed(rates(world))) <= 2
    world.run(
        60, lambda: world.governor.bandwidth.estimated(300_000 + 1_000_000 * (next(chance) % 2), world.now)
    )
    changes = [at for (at, _), by in zip(world.plans[1:], changed(rates(world)), strict=True) if by]
    assert all(later - sooner >= 1.0 for sooner, later in pairwise(changes))


@pytest.mark.parametrize(
    ("preference", "kept"),
    [("maintain-framerate", "fps"), ("maintain-resolution", "width")],
)
def test_what_is_to_be_kept_is_lowered_last(preference: str, kept: str) -> None:
    world = World(governor(degradation_preference=preference), size=VGA, a_pixel=210e-9)
    plan = world.run(20)
    assert world.governor.rung > 0
    assert getattr(plan, kept) == {"fps": 30, "width": 640}[kept]


def test_each_rung_costs_less_than_the_one_above_it() -> None:
    for ladder in LADDERS.values():
        costs = [scale**2 * share for scale, share in ladder]
        assert costs == sorted(costs, reverse=True) and len(set(costs)) == len(costs)
        assert costs[0] == 1


@pytest.mark.parametrize("size", [(641, 359), (3, 5), (161, 120), (1080, 1920), (9000, 3001)])
def test_sizes_are_even_keep_their_shape_and_are_not_scaled_to_nothing(size: tuple[int, int]) -> None:
    world = World(governor(), size=size, a_pixel=1e-6)
    world.run(30)
    for _, plan in world.plans:
        assert plan.width % 2 == plan.height % 2 == 0
        assert min(plan.width, plan.height) >= min(180, *(max(16, side - 1) for side in size))
        assert max(plan.width, plan.height) <= 4096
        if min(size) > 16:
            assert plan.width / plan.height == pytest.approx(size[0] / size[1], rel=0.03)


def test_small_pictures_are_left_as_they_are_and_come_less_often() -> None:
    world = World(governor(), size=(160, 120), a_pixel=5e-6)
    plan = world.run(20)
    assert {(plan.width, plan.height) for _, plan in world.plans} == {(160, 120)}
    assert plan.fps <= 10


def test_no_more_is_sent_than_the_options_say() -> None:
    world = World(governor(bitrate=300_000, fps=12), size=VGA)
    plan = world.run(60, world.praise)
    assert plan.bitrate <= 300_000
    assert plan.fps <= 12


def test_a_picture_of_another_size_is_judged_anew() -> None:
    world = World(governor(), size=VGA, a_pixel=135e-9)
    world.run(10)
    assert world.governor.rung > 0
    world.size = (320, 180)
    plan = world.run(60)
    assert (plan.width, plan.height, plan.fps) == (320, 180, 30)


def test_the_governor_asks_for_no_more_than_the_handler_gives() -> None:
    world = World(governor(), a_pixel=100e-9, source=5)  # 92 ms a picture, of which five come a second
    world.run(20)
    assert world.governor.rung == 0
