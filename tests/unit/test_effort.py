from rtstream.rtp.effort import Effort


def test_work_is_spared_once_the_thread_has_been_busy_for_a_second() -> None:
    effort = Effort()
    assert not effort.look(worked=5.0, now=100.0)
    assert not effort.look(worked=5.5, now=100.5), "half a second tells nothing yet"
    assert effort.look(worked=5.9, now=101.0)


def test_it_is_spared_until_the_thread_is_calm_again() -> None:
    effort = Effort()
    for now, worked in [(0.0, 0.0), (1.0, 0.9), (2.0, 1.5)]:
        spares = effort.look(worked, now)
    assert spares, "0.6 of a core is what sparing has made of more"
    assert not effort.look(worked=2.0, now=3.0)


def test_a_thread_at_three_quarters_of_its_core_takes_all_the_care() -> None:
    effort = Effort()
    assert not any(effort.look(0.75 * now, now) for now in range(60))


def test_another_event_loop_of_the_same_thread_begins_anew() -> None:
    effort = Effort()
    effort.look(worked=10.0, now=500.0)
    assert not effort.look(worked=20.0, now=1.0), "its clock stands elsewhere"
    assert effort.look(worked=21.0, now=2.0)
