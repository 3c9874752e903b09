"""Tests that run at once: what shares a browser runs in one process, and who measures time runs alone."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.alone import room
from tests.helpers.ports import port
from tests.scheduling import group


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (
            "tests/browser/test_cells.py::test_a[chromium-audio]",
            "tests/browser/test_gradio.py::test_b[chromium]",
            True,
        ),
        (
            "tests/browser/test_cells.py::test_a[firefox-audio]",
            "tests/browser/test_cells.py::test_a[chromium-audio]",
            False,
        ),
        ("tests/packaging/test_wheel.py::test_a", "tests/packaging/test_wheel.py::test_b", True),
        ("tests/unit/test_queue.py::test_a", "tests/unit/test_queue.py::test_b", False),
        ("tests/unit/test_pages.py::test_a[firefox]", "tests/unit/test_pages.py::test_b[firefox]", False),
    ],
)
def test_what_shares_something_costly_goes_to_one_process(one: str, other: str, together: bool) -> None:
    assert (group(one) == group(other)) is together


@pytest.fixture
def free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], bool]:
    """Whether one of the two locks could be had by somebody else."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    for name in ("door", "room"):
        (tmp_path / name).touch()

    def could_be_had(name: str, kind: int) -> bool:
        with (tmp_path / name).open() as file:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    return could_be_had


@pytest.mark.parametrize("alone", [True, False])
def test_nobody_is_beside_a_test_that_is_alone_and_it_waits_for_the_others(
    tmp_path: Path, free: Callable[[str, int], bool], alone: bool
) -> None:
    with room(alone, tmp_path / "door", tmp_path / "room"):
        assert free("room", fcntl.LOCK_SH) is not alone, "others come in"
        assert not free("room", fcntl.LOCK_EX), "nobody who wants to be alone does"
        assert free("door", fcntl.LOCK_EX)
    assert free("room", fcntl.LOCK_EX)


def test_ports_are_given_once_and_are_none_of_those_that_the_system_gives() -> None:
    given = [port() for _ in range(50)]
    assert len(set(given)) == 50
    assert max(given) < 32768
