"""Calls over SIP, message by message and second by second: no socket, and time is an argument."""

from __future__ import annotations

import random
import re

import pytest

from rtstream.sip import agent as agents
from rtstream.sip.agent import Agent
from rtstream.sip.call import Action, Call, Confirmed, Ended, Offered, Pressed, Renewed
from rtstream.sip.digest import Gate
from rtstream.sip.flow import Flow, Send
from rtstream.sip.state import State
from tests.helpers.sip_messages import OFFER, Asking

FLOW = Flow("UDP", "192.0.2.7", 5062)
TCP = Flow("TCP", "192.0.2.7", 40_000, 3)
LOCAL, RTP = ("192.0.2.1", 5060), 20_000


class Line:
    """A caller and the agent it calls, with the time between them."""

    def __init__(self, gate: Gate | None = None, flow: Flow = FLOW) -> None:
        self.agent, self.caller, self.flow = Agent(gate), Asking(), flow
        self.now = 100.0
        self.news: list[Action] = []

    def say(self, data: bytes) -> list[str]:
        """Send a message; what is answered."""
        return self.heard(self.agent.receive(data, self.flow, self.now))

    def ask(self, method: str, body: str = "", **more: object) -> list[str]:
        return self.say(self.caller.request(method, body, transport=self.flow.transport, **more))  # type: ignore[arg-type]

    def heard(self, actions: list[Action]) -> list[str]:
        """The messages of actions as text; the others are in `news`."""
        self.news = [action for action in actions if not isinstance(action, Send)]
        return [action.data.decode() for action in actions if isinstance(action, Send)]

    def later(self, seconds: float) -> list[str]:
        """Let time pass, with each thing done when it is due; what is sent meanwhile."""
        end, sent, news = self.now + seconds, [], []
        while (due := self.agent.deadline) is not None and due <= end:
            self.now = due
            sent += self.heard(self.agent.poll(due))
            news += self.news
        self.now, self.news = end, news
        return sent

    def offered(self, body: str = OFFER, **more: object) -> Call:
        assert self.ask("INVITE", body, **more) == []
        (offered,) = self.news
        assert isinstance(offered, Offered)
        return offered.call

    def rung(self, body: str = OFFER) -> Call:
        call = self.offered(body)
        trying, ringing = self.heard(self.agent.ring(call))
        assert status(trying) == 100 and "tag=" not in header(trying, "To")
        assert status(ringing) == 180
        return call

    def accepted(self, body: str = OFFER) -> tuple[Call, str]:
        call = self.rung(body)
        (ok,) = self.heard(self.agent.accept(call, LOCAL, RTP, self.now))
        assert status(ok) == 200
        self.caller.to_tag = header(ok, "To").partition("tag=")[2]
        return call, ok

    def live(self, body: str = OFFER) -> Call:
        call, _ = self.accepted(body)
        assert self.ask("ACK", again=True, branch="z9hG4bKack") == []
        assert self.news == [Confirmed(call)] and call.state is State.LIVE
        return call


def status(message: str) -> int:
    return int(message.split()[1])


def header(message: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*)\r$", message, re.M)
    return found[1] if found else ""


@pytest.fixture
def line() -> Line:
    return Line()


# A call.


def test_a_call_is_rung_answered_confirmed_and_ended_by_its_caller(line: Line) -> None:
    call, ok = line.accepted()
    assert (call.dialog.caller, call.dialog.callee) == ("+4930123", "echo")
    assert "m=audio 20000 RTP/AVP 0 101" in ok
    assert header(ok, "Contact") == "<sip:192.0.2.1:5060>"
    assert header(ok, "Via") == "SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bK1;received=192.0.2.7;rport=5062"
    line.ask("ACK", again=True, branch="z9hG4bKack")
    assert line.news == [Confirmed(call)]
    (bye,) = line.ask("BYE")
    assert status(bye) == 200 and line.news == [Ended(call)]
    assert line.say(line.caller.request("BYE", again=True)) == [bye]
    assert line.later(40) == [] and line.agent.deadline is None
    assert status(line.ask("BYE")[0]) == 481


def test_an_answer_is_repeated_until_it_is_acknowledged(line: Line) -> None:
    call, ok = line.accepted()
    assert line.later(0.4) == []
    assert line.later(7.2) == [ok] * 4  # after 0.5, 1.5, 3.5 and 7.5 s
    line.caller.number += 1
    line.ask("ACK", again=True)  # of another request
    assert line.later(8) == [ok] * 2
    line.caller.number -= 1
    line.ask("ACK", again=True)
    assert line.news == [Confirmed(call)]
    line.ask("ACK", again=True)
    assert line.news == []
    assert line.later(20) == [] and call.state is State.LIVE


@pytest.mark.parametrize("flow", [FLOW, TCP])
def test_a_call_that_is_never_acknowledged_is_hung_up_on(flow: Flow) -> None:
    line = Line(flow=flow)
    call, ok = line.accepted()
    sent = line.later(33)
    assert sent.count(ok) == 10  # over a connection too (RFC 3261 §13.3.1.4)
    assert [message for message in sent if message.startswith("BYE")] and Ended(call) in line.news


def test_an_invite_that_comes_again_is_answered_again_and_rings_once(line: Line) -> None:
    call = line.offered()
    data = line.caller.request("INVITE", OFFER, again=True)
    assert line.say(data) == []
    ringing = line.heard(line.agent.ring(call))[-1]
    assert line.say(data) == [ringing]
    (ok,) = line.heard(line.agent.accept(call, LOCAL, RTP, line.now))
    assert line.say(data) == [ok] and line.news == []


def test_an_invite_that_came_by_two_ways_is_told_so(line: Line) -> None:
    line.rung()
    (looped,) = line.ask("INVITE", OFFER, again=True, branch="z9hG4bKother")
    assert status(looped) == 482


def test_a_call_is_cancelled_before_it_is_answered(line: Line) -> None:
    call = line.rung()
    ok, terminated = line.ask("CANCEL", again=True)
    assert (status(ok), status(terminated)) == (200, 487)
    assert line.news == [Ended(call)]
    assert line.heard(line.agent.accept(call, LOCAL, RTP, line.now)) == []
    assert line.later(1) == [terminated]
    line.caller.to_tag = header(terminated, "To").partition("tag=")[2]
    assert line.ask("ACK", again=True) == [] and line.later(40) == [] and line.news == []


def test_a_cancelled_call_that_is_never_acknowledged_is_forgotten(line: Line) -> None:
    line.rung()
    line.ask("CANCEL", again=True)
    line.later(100)
    assert not line.agent._calls and line.agent.deadline is None


def test_a_call_that_is_ended_before_it_is_answered_has_its_invite_answered_too(line: Line) -> None:
    call = line.offered()
    ringing = line.heard(line.agent.ring(call))[-1]
    line.caller.to_tag = header(ringing, "To").partition("tag=")[2]
    assert status(line.ask("UPDATE", OFFER)[0]) == 500
    ok, terminated = line.ask("BYE")
    assert (status(ok), status(terminated)) == (200, 487) and header(terminated, "CSeq") == "1 INVITE"
    assert line.news == [Ended(call)]


def test_a_late_acknowledgement_does_not_bring_a_call_back(line: Line) -> None:
    call, _ = line.accepted()
    line.heard(line.agent.hang_up(call, line.now))
    assert line.ask("ACK", again=True) == [] and line.news == []
    assert call.state is State.OVER


def test_a_cancel_that_comes_too_late_changes_nothing(line: Line) -> None:
    call, _ = line.accepted()
    line.caller.to_tag = ""
    assert [status(one) for one in line.ask("CANCEL", again=True)] == [200]
    assert call.state is State.ANSWERED and line.news == []


def test_a_refusal_before_it_rings_leaves_nothing_behind(line: Line) -> None:
    call = line.offered()
    (busy,) = line.heard(line.agent.refuse(call, 486, line.now, [("Retry-After", "5")]))
    assert status(busy) == 486 and header(busy, "Retry-After") == "5" and "tag=" in header(busy, "To")
    assert not line.agent._calls and line.agent.deadline is None
    line.caller.to_tag = header(busy, "To").partition("tag=")[2]
    assert line.ask("ACK", again=True) == []
    assert line.heard(line.agent.refuse(call, 486, line.now)) == []


def test_a_refusal_after_it_rang_is_repeated_until_it_is_acknowledged() -> None:
    for flow, repeated in ((FLOW, 2), (TCP, 0)):
        line = Line(flow=flow)
        call = line.rung()
        (unavailable,) = line.heard(line.agent.refuse(call, 503, line.now))
        assert line.later(2) == [unavailable] * repeated
        line.caller.to_tag = header(unavailable, "To").partition("tag=")[2]
        line.ask("ACK", again=True)
        assert line.later(10) == [] and line.news == []


def test_we_hang_up_and_say_so_until_it_is_answered(line: Line) -> None:
    call = line.live()
    (bye,) = line.heard(line.agent.hang_up(call, line.now))
    assert bye.startswith("BYE sip:alice@192.0.2.7:5062 SIP/2.0\r\n") and line.news == [Ended(call)]
    assert header(bye, "To").endswith("tag=alices") and header(bye, "From").endswith(line.caller.to_tag)
    assert line.agent.asking and line.later(1) == [bye]
    answer = bye.replace(bye.partition("\r\n")[0], "SIP/2.0 100 Trying")
    line.say(answer.encode())
    assert line.agent.asking
    line.say(answer.replace("100 Trying", "200 OK").encode())
    assert not line.agent.asking and line.later(20) == []
    assert line.heard(line.agent.hang_up(call, line.now)) == []


def test_over_a_connection_a_bye_is_said_once() -> None:
    line = Line(flow=TCP)
    call = line.live()
    (bye,) = line.heard(line.agent.hang_up(call, line.now))
    assert "SIP/2.0/TCP" in header(bye, "Via") and line.later(10) == []


def test_a_caller_that_comes_by_a_proxy_which_does_not_stay_is_hung_up_on_directly(line: Line) -> None:
    call, _ = line.accepted()  # the proxy did not record its route, so it will not know the call any more
    line.flow = Flow("UDP", "198.51.100.9", 7000)
    line.ask("ACK", again=True, branch="z9hG4bKack")
    assert line.news == [Confirmed(call)]
    (bye,) = (one for one in line.agent.hang_up(call, line.now) if isinstance(one, Send))
    assert bye.data.startswith(b"BYE ") and bye.flow == line.flow


def test_a_caller_that_does_not_answer_a_question_has_left(line: Line) -> None:
    call = line.live()
    (asked,) = line.heard(line.agent.probe(call, line.now))
    assert asked.startswith("OPTIONS ")
    assert line.heard(line.agent.probe(call, line.now)) == []
    line.later(33)
    assert Ended(call) in line.news


def test_a_caller_that_is_asked_and_hangs_up_has_left_once(line: Line) -> None:
    call = line.live()
    line.agent.probe(call, line.now)
    line.ask("BYE")
    assert line.news == [Ended(call)]
    line.later(33)
    assert line.news == []


def test_a_caller_that_answers_it_in_any_way_is_still_there(line: Line) -> None:
    call = line.live()
    (asked,) = line.heard(line.agent.probe(call, line.now))
    line.say(asked.replace(asked.partition("\r\n")[0], "SIP/2.0 501 Not Implemented").encode())
    line.later(60)
    assert call.state is State.LIVE


# During a call.


def test_a_call_is_put_on_hold_and_taken_up_again(line: Line) -> None:
    call = line.live()
    (ok,) = line.ask("INVITE", OFFER.replace("a=sendrecv", "a=sendonly"))
    assert status(ok) == 200 and "a=recvonly" in ok and "o=- " in ok
    assert line.later(0.6) == [ok]
    line.ask("ACK", again=True)
    assert line.news == [Renewed(call)] and call.media is not None and not call.media.listens
    line.ask("INVITE", OFFER)
    line.ask("ACK", again=True)
    assert call.media.listens
    assert status(line.ask("UPDATE", OFFER.replace("a=sendrecv", "a=inactive"))[0]) == 200
    assert line.news == [Renewed(call)] and not call.media.speaks
    (ok,) = line.ask("UPDATE")
    assert status(ok) == 200 and header(ok, "Content-Length") == "0"


def test_a_new_description_without_the_codec_of_the_call_changes_it(line: Line) -> None:
    call = line.live()
    (ok,) = line.ask("INVITE", OFFER.replace("RTP/AVP 0 8", "RTP/AVP 18 8"))
    assert status(ok) == 200 and "RTP/AVP 8 101" in ok
    line.ask("ACK", again=True)
    assert line.news == [Renewed(call)] and call.media is not None and call.media.codec.name == "pcma"


def test_a_new_description_of_nothing_that_is_known_is_refused_and_the_call_goes_on(line: Line) -> None:
    call = line.live()
    (refused,) = line.ask("INVITE", OFFER.replace("RTP/AVP 0 8", "RTP/AVP 18"))
    assert status(refused) == 488
    assert status(line.ask("UPDATE", "v=0\n")[0]) == 488
    assert status(line.ask("UPDATE", "<x/>", content_type="text/xml")[0]) == 415
    assert call.state is State.LIVE and line.later(60) == []


def test_a_second_description_before_the_first_is_acknowledged_has_to_wait(line: Line) -> None:
    line.live()
    line.ask("INVITE", OFFER)
    (later,) = line.ask("UPDATE", OFFER)
    assert status(later) == 500 and header(later, "Retry-After").isdigit()


def test_a_caller_that_moves_is_hung_up_on_where_it_is(line: Line) -> None:
    call = line.live()
    line.ask("UPDATE", OFFER, headers={"Contact": "<sip:alice@198.51.100.9:7000>"})
    (bye,) = line.heard(line.agent.hang_up(call, line.now))
    assert bye.startswith("BYE sip:alice@198.51.100.9:7000 ")


def test_who_asks_for_an_offer_is_made_one_and_its_answer_counts(line: Line) -> None:
    call, ok = line.accepted("")
    assert call.media is None and "m=audio 20000 RTP/AVP 96 9 0 8 97 101" in ok
    line.ask("ACK", OFFER, again=True)
    assert line.news == [Confirmed(call)] and call.media is not None
    assert call.media.codec.name == "pcmu"
    (again,) = line.ask("INVITE")
    assert "m=audio 20000 RTP/AVP 0 101" in again
    line.ask("ACK", OFFER.replace("a=sendrecv", "a=inactive"), again=True)
    assert line.news == [Renewed(call)] and not call.media.listens


def test_who_asks_for_an_offer_and_answers_none_is_hung_up_on(line: Line) -> None:
    call, _ = line.accepted("")
    (bye,) = line.ask("ACK", again=True)
    assert bye.startswith("BYE ") and line.news == [Ended(call)]


def test_keys_come_by_info(line: Line) -> None:
    call = line.live()
    (ok,) = line.ask("INFO", "Signal=5\nDuration=160\n", content_type="application/dtmf-relay")
    assert status(ok) == 200 and line.news == [Pressed(call, "5")]
    assert line.say(line.caller.request("INFO", "Signal=5\n", again=True)) == [ok] and line.news == []
    assert status(line.ask("INFO")[0]) == 200 and line.news == []
    assert status(line.ask("INFO", "<fast/>", content_type="application/media_control+xml")[0]) == 415


def test_other_requests_of_a_call_have_their_answers(line: Line) -> None:
    call = line.live()
    (told,) = line.ask("OPTIONS")
    assert status(told) == 200
    assert status(line.ask("INFO", headers={"Require": "timer"})[0]) == 420
    (refused,) = line.ask("REFER")
    assert status(refused) == 405 and "INVITE" in header(refused, "Allow")
    line.caller.number -= 3
    assert line.ask("OPTIONS") == [told]
    line.caller.number = 0
    assert status(line.ask("MESSAGE", branch="z9hG4bKold")[0]) == 500
    assert call.state is State.LIVE
    line.caller.number = 10
    assert status(line.ask("BYE")[0]) == 200
    assert status(line.ask("INFO")[0]) == 481


def test_a_stranger_with_another_tag_is_not_of_the_call(line: Line) -> None:
    call = line.live()
    line.caller.to_tag = "guessed"
    assert status(line.ask("BYE")[0]) == 481
    assert line.ask("ACK") == [] and call.state is State.LIVE
    named = (
        b"v: SIP/2.0/UDP a\r\nf: <sip:b>;tag=x\r\nt: <sip:a>;tag=alices\r\ni: call-1\r\nCSeq: 1 BYE\r\n\r\n"
    )
    line.say(b"SIP/2.0 200 OK\r\n" + named)
    assert call.state is State.LIVE


def test_a_proxy_on_the_way_stays_on_it(line: Line) -> None:
    for routes, target, kept in (
        ("<sip:p1.example.com;lr>, <sip:p2.example.com;lr>", "sip:alice@192.0.2.7:5062", 2),
        ("<sip:strict.example.com>", "sip:strict.example.com", 1),
    ):
        line = Line()
        call = line.offered(headers={"Record-Route": routes})
        line.agent.ring(call)
        (ok,) = line.heard(line.agent.accept(call, LOCAL, RTP, line.now))
        assert header(ok, "Record-Route")
        (bye,) = line.heard(line.agent.hang_up(call, line.now))
        assert bye.startswith(f"BYE {target} SIP/2.0\r\n") and bye.count("\r\nRoute: ") == kept


def test_answers_go_where_the_request_says_that_they_reach_it(line: Line) -> None:
    def where(**headers: str) -> list[Flow]:
        data = line.caller.request("OPTIONS", headers=headers)
        return [one.flow for one in line.agent.receive(data, FLOW, 0.0) if isinstance(one, Send)]

    assert where() == [FLOW]
    assert where(Via="SIP/2.0/UDP phone.example.com:7000;branch=z9hG4bKx") == [FLOW._replace(port=7000)]
    assert where(Via="SIP/2.0/UDP phone.example.com;branch=z9hG4bKx") == [FLOW._replace(port=5060)]
    (told,) = line.ask("OPTIONS", headers={"Via": "SIP/2.0/UDP a;rport;branch=z9hG4bKx, SIP/2.0/UDP b"})
    assert (
        "Via: SIP/2.0/UDP a;branch=z9hG4bKx;received=192.0.2.7;rport=5062\r\nVia: SIP/2.0/UDP b\r\n" in told
    )


# What no call is made of.


@pytest.mark.parametrize(
    ("method", "more", "expected", "told"),
    [
        ("OPTIONS", {}, 200, "Accept: application/sdp"),
        ("REGISTER", {}, 200, "expires=3600"),
        ("REGISTER", {"headers": {"Expires": "60"}}, 200, "<sip:alice@192.0.2.7:5062>;expires=60"),
        ("REGISTER", {"headers": {"Expires": "0", "Contact": "*"}}, 200, "CSeq"),
        ("REGISTER", {"headers": {"Require": "path"}}, 420, "Unsupported: path"),
        ("SUBSCRIBE", {}, 405, "Allow: INVITE"),
        ("MESSAGE", {"body": "hello", "content_type": "text/plain"}, 405, "Allow"),
        ("BYE", {}, 481, ""),
        ("CANCEL", {}, 481, ""),
        (
            "INVITE",
            {"body": OFFER, "headers": {"Require": "100rel, timer"}},
            420,
            "Unsupported: 100rel, timer",
        ),
        ("INVITE", {"body": OFFER, "uri": "http://example.com"}, 416, ""),
        ("INVITE", {"body": OFFER, "content_type": "multipart/mixed"}, 415, "Accept: application/sdp"),
        ("INVITE", {"body": OFFER, "headers": {"Content-Encoding": "gzip"}}, 415, ""),
        ("INVITE", {"body": OFFER.replace("0 8 101", "18 101")}, 488, "Warning: 305"),
        ("INVITE", {"body": "v=0\n"}, 488, ""),
    ],
)
def test_what_cannot_be_taken_is_told_why(
    line: Line, method: str, more: dict[str, object], expected: int, told: str
) -> None:
    (answer,) = line.ask(method, **more)  # type: ignore[arg-type]
    assert status(answer) == expected and told in answer and line.news == []
    assert line.agent.deadline is None


def test_what_is_no_sip_is_counted_and_not_answered(line: Line) -> None:
    for data in (
        b"\x16\x03\x01" * 20,
        line.caller.request("OPTIONS", headers={"Via": "nonsense"}),
        line.caller.request("OPTIONS", headers={"CSeq": "1 INVITE"}),
        line.caller.request("OPTIONS", headers={"CSeq": "x OPTIONS"}),
    ):
        assert line.say(data) == []
    assert line.agent.counted["malformed"] == 4
    assert line.ask("ACK") == []


def test_a_flood_of_invites_is_remembered_up_to_a_limit_and_then_refused(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "MOST_CALLS", 3)
    for number in range(10):
        line.caller = Asking(f"call-{number}")
        line.ask("INVITE", OFFER)
    assert len(line.agent._calls) == 3 and line.agent.counted["503"] == 7


def test_headers_of_the_callers_own_are_kept_as_they_were_written(line: Line) -> None:
    many = {f"X-More-{number}": "1" for number in range(100)}
    call = line.offered(headers={"X-Campaign": "spring, 7", "x-Lower": "a", **many})
    assert call.dialog.parameters["X-Campaign"] == "spring, 7" and call.dialog.parameters["x-Lower"] == "a"
    assert len(call.dialog.parameters) == 32


def test_changed_messages_of_a_live_call_raise_nothing_and_leave_nothing() -> None:
    dice = random.Random(11)
    for _ in range(100):
        line = Line()
        line.live()
        for method in ("INVITE", "UPDATE", "INFO", "ACK", "BYE"):
            data = bytearray(line.caller.request(method, OFFER))
            for _ in range(dice.randint(0, 4)):
                data[dice.randrange(len(data))] = dice.choice(b'\x00\r\n ,;:<>"=@/09az')
            line.say(bytes(data))
        line.later(120)
        assert len(line.agent._calls) <= 1


# With a password.


def proof(challenge: str, name: str, password: str = "sesame", **changed: str) -> str:
    """What a telephone answers a challenge with, computed here from RFC 7616 §3.4."""
    import hashlib

    digest = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[name]
    nonce = re.findall(r'nonce="([^"]+)"', challenge)[0]
    said = {"username": "alice", "realm": "rtstream", "nonce": nonce, "uri": "sip:echo@192.0.2.1"}
    said |= {"algorithm": name, "qop": "auth", "nc": "00000001", "cnonce": "0a4f", **changed}

    def hashed(*parts: str) -> str:
        return digest(":".join(parts).encode()).hexdigest()

    who, what = hashed(said["username"], said["realm"], password), hashed("INVITE", said["uri"])
    parts = [said["nc"], said["cnonce"], said["qop"]] if said["qop"] else []
    if not said["qop"]:
        del said["qop"]
    said["response"] = hashed(who, said["nonce"], *parts, what)
    return "Digest " + ", ".join(f'{name}="{value}"' for name, value in said.items())


@pytest.fixture
def guarded() -> Line:
    return Line(Gate("sesame"))


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("changed", [{}, {"qop": ""}, {"uri": "sip:agent@example.com"}])  # that by a proxy
def test_who_knows_the_password_is_let_in(guarded: Line, algorithm: str, changed: dict[str, str]) -> None:
    (challenge,) = guarded.ask("INVITE", OFFER)
    assert status(challenge) == 401 and challenge.index("SHA-256") < challenge.index("MD5")
    assert guarded.news == [] and not guarded.agent._calls
    guarded.offered(headers={"Authorization": proof(challenge, algorithm, **changed)})


@pytest.mark.parametrize(
    "changed",
    [
        {"password": "wrong"},
        {"nonce": "1.00"},
        {"nonce": "x"},
        {"algorithm": "SHA-512-256"},
    ],
)
def test_who_does_not_know_it_is_asked_again(guarded: Line, changed: dict[str, str]) -> None:
    (challenge,) = guarded.ask("INVITE", OFFER)
    said = proof(challenge, "SHA-256", **changed)
    (again,) = guarded.ask("INVITE", OFFER, headers={"Authorization": said})
    assert status(again) == 401 and "sesame" not in again


def test_a_proof_is_good_for_a_minute_for_one_call_and_from_one_host(guarded: Line) -> None:
    (challenge,) = guarded.ask("INVITE", OFFER)
    said = {"Authorization": proof(challenge, "SHA-256")}
    guarded.caller.call_id = "another"
    assert status(guarded.ask("INVITE", OFFER, headers=said)[0]) == 401
    guarded.caller.call_id = "call-1"
    guarded.flow = FLOW._replace(host="192.0.2.8")
    assert status(guarded.ask("INVITE", OFFER, headers=said)[0]) == 401
    guarded.flow = FLOW
    guarded.now += 61
    assert status(guarded.ask("INVITE", OFFER, headers=said)[0]) == 401


def test_registering_asks_for_the_password_too(guarded: Line) -> None:
    assert status(guarded.ask("REGISTER")[0]) == 401
    assert status(guarded.ask("OPTIONS")[0]) == 200
