"""The errors: their codes, exit codes and statuses are a contract, and docs/errors.md tells of each."""

from __future__ import annotations

import http
import re

import pytest

from rtstream import errors
from rtstream.errors import ConnectionRefused, OptionError, RtstreamError, TooManyConnections
from scripts import error_table

EVERY = list(error_table.every())
every_error = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)


def test_no_two_errors_share_a_code_or_a_slug() -> None:
    for each in ([kind.code for kind in EVERY], [kind.slug for kind in EVERY]):
        assert len(each) == len(set(each))


@every_error
def test_a_code_shows_the_exit_code_in_its_first_digit(kind: type[RtstreamError]) -> None:
    assert re.fullmatch(r"RT\d{4}", kind.code)
    assert kind.code[2] == str(kind.exit_code)


@every_error
def test_statuses_and_close_codes_exist(kind: type[RtstreamError]) -> None:
    assert http.HTTPStatus(kind.status) >= 400
    if issubclass(kind, ConnectionRefused):
        assert 1000 < kind.close_code < 1016


@every_error
def test_the_tree_at_the_head_of_the_module_names_every_error(kind: type[RtstreamError]) -> None:
    assert errors.__doc__
    assert re.search(rf"\b{kind.__name__}\b", errors.__doc__)


def test_the_page_of_errors_is_the_one_that_the_code_writes() -> None:
    assert error_table.PAGE.read_text(encoding="utf-8") == error_table.page()


def test_an_error_is_one_sentence_with_a_reason_a_way_out_and_whatever_a_client_needs() -> None:
    error = TooManyConnections("the stream is full", why="it takes 1", fix="Wait", limit=1)
    told = {
        "code": "RT5109",
        "what": "the stream is full",
        "why": "it takes 1",
        "fix": "Wait",
        "limit": 1,
    }
    assert str(error) == "the stream is full"
    assert error.as_dict() == told
    assert error.body() == {"status": "failed", "meta": {"error": "concurrency_limit_reached", **told}}


def test_a_wrong_argument_is_also_the_ValueError_that_FastRTC_raised() -> None:
    with pytest.raises(ValueError, match="modality"):
        raise OptionError("`modality` cannot be 'smell'")
