"""A number of one's own at each carrier, against its API on loopback: led here, and given back once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from rtstream.carriers.choice import CARRIERS, carrier
from rtstream.carriers.hook import Hook, Number
from rtstream.errors import CarrierError, CarrierKeyRefused, UsageError
from tests.helpers.carrier_apis import APIS, KEYS, NUMBER, CarrierApi
from tests.helpers.elsewhere import Elsewhere
from tests.helpers.tunnels import up

pytestmark = pytest.mark.network

PATH = "/telephone/incoming"
SECRETS = [name for name, value in KEYS.items() if "canary" in value]
CODES = {"twilio": "21402", "telnyx": "10015", "plivo": "", "vonage": "invalid-json"}


class Office:
    """A carrier's API and our hook for it."""

    def __init__(self, name: str, api: CarrierApi, base: str) -> None:
        self.name = name
        self.api = api
        self.base = base

    def hook(self, number: str = NUMBER) -> Hook:
        return carrier(self.name, number, PATH, self.base)


@pytest.fixture(params=list(APIS))
def office(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    api = APIS[request.param]()
    with Elsewhere() as elsewhere:
        yield Office(request.param, api, elsewhere.enter(up(api.app)))


def test_calls_are_led_here_and_everything_is_as_it_was_afterwards(office: Office) -> None:
    before, hook = office.api.before, office.hook()
    number = hook.lead("https://one.example.org")
    assert number == Number(NUMBER, office.name)
    assert office.api.leads_to == "POST https://one.example.org/telephone/incoming"
    hook.give_back()
    assert office.api.before == before


def test_it_is_given_back_once_whoever_asks(office: Office) -> None:
    hook = office.hook()
    hook.lead("https://one.example.org")
    threads = [threading.Thread(target=hook.give_back) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked = len(office.api.asked)
    hook.give_back()
    assert len(office.api.asked) == asked
    changes = [one for one in office.api.asked if not one.startswith("GET")]
    assert len(changes) in (2, 4)  # there and back: the number; or an application and the number


def test_another_address_is_led_to_and_the_first_one_is_still_given_back(office: Office) -> None:
    before, hook = office.api.before, office.hook()
    hook.lead("https://one.example.org")
    hook.lead("https://two.example.org/")
    assert office.api.leads_to == "POST https://two.example.org/telephone/incoming"
    hook.give_back()
    assert office.api.before == before


def test_the_first_address_is_given_back_too_when_the_second_was_refused(office: Office) -> None:
    before, hook = office.api.before, office.hook()
    hook.lead("https://one.example.org")
    office.api.fail = {"telnyx": "PATCH", "vonage": "PUT"}.get(office.name, "POST")
    with pytest.raises(CarrierError):
        hook.lead("https://two.example.org")
    office.api.fail = None
    hook.give_back()
    assert office.api.before == before


def test_after_the_end_nothing_is_led_any_more(office: Office) -> None:
    before, hook = office.api.before, office.hook()
    hook.give_back()
    with pytest.raises(CarrierError, match="asked no more"):
        hook.lead("https://one.example.org")
    assert office.api.before == before


def test_a_number_that_is_not_of_the_account_is_told(office: Office) -> None:
    hook = office.hook("+14155550199")
    with pytest.raises(CarrierError, match=r"\+14155550199 is no number of this"):
        hook.lead("https://one.example.org")
    assert all(one.startswith("GET") for one in office.api.asked)


def test_a_refusal_has_the_carriers_own_code_and_words_and_leaves_nothing_behind(office: Office) -> None:
    before, hook = office.api.before, office.hook()
    office.api.fail = "POST"
    with pytest.raises(CarrierError) as caught:
        hook.lead("https://one.example.org")
    assert "is not valid" in caught.value.why
    assert caught.value.meta["provider_code"] == CODES[office.name]
    office.api.fail = None
    hook.give_back()
    assert office.api.before == before


def test_what_was_half_done_is_undone(office: Office) -> None:
    """The application is made, and then the number cannot be led to it."""
    before, hook = office.api.before, office.hook()
    office.api.fail = {
        "twilio": "POST",
        "telnyx": "PATCH",
        "plivo": f"POST /v1/Account/{KEYS['PLIVO_AUTH_ID']}/Number",
        "vonage": "POST /number",
    }[office.name]
    with pytest.raises(CarrierError):
        hook.lead("https://one.example.org")
    office.api.fail = None
    hook.give_back()
    assert office.api.before == before


def test_wrong_keys_are_told_without_them(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in SECRETS:
        monkeypatch.setenv(name, "another-canary")
    hook = office.hook()
    with pytest.raises(CarrierKeyRefused) as caught:
        hook.lead("https://one.example.org")
    assert caught.value.exit_code == 5
    assert "HTTP 401" in caught.value.what
    assert "canary" not in f"{caught.value.as_dict()} {hook!r} {vars(hook)}"
    assert "canary" not in caplog.text


def test_missing_keys_are_named(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name)
    with pytest.raises(CarrierKeyRefused) as caught:
        office.hook()
    assert office.name.upper() in caught.value.why
    assert "set" in caught.value.why


def test_an_api_that_is_away_is_told(office: Office, free_port: int) -> None:
    hook = carrier(office.name, NUMBER, PATH, f"http://127.0.0.1:{free_port}")
    with pytest.raises(CarrierError, match="cannot be reached"):
        hook.lead("https://one.example.org")


def test_a_number_that_somebody_has_led_elsewhere_meanwhile_is_left_alone(office: Office) -> None:
    hook = office.hook()
    hook.lead("https://one.example.org")
    office.api.lead_away()
    asked = len(office.api.asked)
    hook.give_back()
    later = office.api.asked[asked:]
    assert [one for one in later if not one.startswith(("GET", "DELETE"))] == []


def test_every_carrier_is_tried_here() -> None:
    assert CARRIERS.keys() == APIS.keys()


@pytest.mark.parametrize(("name", "number"), [("bell", NUMBER), ("twilio", "0800 123"), ("twilio", "")])
def test_what_is_no_carrier_or_no_number_is_refused(name: str, number: str) -> None:
    with pytest.raises(UsageError):
        carrier(name, number, PATH)
