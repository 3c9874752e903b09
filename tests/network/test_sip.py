"""Calls over SIP on real sockets: heard, keyed, held, ended, and what strangers can do to them."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import socket
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pytest

from rtstream import AsyncStreamHandler, CloseStream, Dtmf, Stream, get_current_context
from rtstream.errors import MachineError, OptionError, PortBusy, UsageError
from rtstream.media.dtmf import Detector, tones
from rtstream.media.frames import AudioFrame
from rtstream.phone import sip, sip_sockets
from rtstream.phone.sip import SipPhone
from rtstream.session.outcome import EndReason
from rtstream.session.session import Session
from rtstream.sip import call as calls
from rtstream.sip import timers
from rtstream.transports import rtp_sockets
from rtstream.transports import sip as lines
from rtstream.transports.rtp_sockets import bound, listening
from rtstream.transports.shared_reader import MANY
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho, Saying, tone
from tests.helpers.server import until
from tests.helpers.sip_caller import HOST, SipCaller, telephone
from tests.helpers.sip_messages import OFFER, Asking
from tests.unit.signals import pitch, sound

pytestmark = pytest.mark.network


async def echo(audio: Any) -> Any:
    return audio


def a_stream(handler: Any = echo, **more: Any) -> Stream:
    return Stream(handler, modality="audio", **more)


def keys_in(caller: SipCaller) -> str:
    """The keys in the sound that a caller has heard."""
    return "".join(Detector().push(AudioFrame(caller.sound[None], caller.rate)))


def is_heard(caller: SipCaller, hertz: float, within: float = 15) -> bool:
    """Whether a caller has heard a fifth of a second of that pitch."""
    if not caller.heard:
        return False
    size, heard = caller.rate // 5, caller.sound
    places = range(0, len(heard) - size + 1, size // 4)
    return any(abs(pitch(heard[at : at + size], caller.rate) - hertz) <= within for at in places)


async def live(stream: Stream) -> Session:
    """The session of the one call, once it is confirmed."""
    await until(lambda: list(stream.sessions))
    (session,) = stream.sessions
    return session


@pytest.mark.parametrize(
    ("transport", "codec"), [("UDP", "PCMU"), ("TCP", "PCMA"), ("UDP", "G722"), ("UDP", "opus")]
)
def test_a_caller_hears_the_handler_and_hangs_up(transport: str, codec: str) -> None:
    async def main() -> None:
        stream = a_stream()
        async with (
            telephone(stream) as phone,
            SipCaller.of(phone, transport=transport, codec=codec) as caller,
        ):
            assert "200 OK" in await caller.dial()
            rate = caller.codec.rate(48_000)
            await caller.say(sound(440, 1.0, rate))
            session = await live(stream)
            await until(lambda: caller.heard and len(caller.sound) > 0.7 * caller.rate)
            await until(partial(is_heard, caller, 440, within=5))
            assert "200 OK" in await caller.ask("BYE")
            await until(lambda: len(stream.sessions) == 0)
            assert session.reason is EndReason.CLIENT_LEFT
            assert np.abs(caller.sound).max() > 10_000
            assert not caller.requests

    run(main())


def test_many_callers_whose_sockets_are_read_together_each_hear_themselves() -> None:
    async def main() -> None:
        stream = a_stream(concurrency_limit=MANY)

        async def call(phone: SipPhone, number: int) -> None:
            async with SipCaller.of(phone, codec="PCMU") as caller:
                assert "200 OK" in await caller.dial()
                said = sound(300 + 50 * number, 1.0, 8000)
                await until(lambda: len(stream.sessions) == MANY)
                await caller.say(said)
                await until(lambda: len(caller.sound) > 6000)
                assert pitch(caller.sound[2000:6000], 8000) == pytest.approx(300 + 50 * number, abs=8)
                assert "200 OK" in await caller.ask("BYE")

        async with telephone(stream) as phone:
            await asyncio.gather(*(call(phone, number) for number in range(MANY)))
            await until(lambda: len(stream.sessions) == 0)

    run(main())


@pytest.mark.parametrize("way", ["RFC 4733", "INFO", "in the sound"])
def test_keys_reach_the_handler_whichever_way_they_come(way: str) -> None:
    async def main() -> None:
        pressed: list[str] = []
        stream = a_stream(on_dtmf=pressed.append)
        async with telephone(stream) as phone, SipCaller.of(phone, keys=way != "in the sound") as caller:
            await caller.dial()
            if way == "RFC 4733":
                await caller.press("42#")
            elif way == "INFO":
                for key in "42#":
                    body, kind = f"Signal={key}\nDuration=160\n", "application/dtmf-relay"
                    assert "200 OK" in await caller.ask("INFO", body, content_type=kind)
            else:
                await caller.say(tones("42#"))
            await until(lambda: len(pressed) == 3)
            assert pressed == ["4", "2", "#"]

    run(main())


def test_a_key_that_is_pressed_right_before_hanging_up_is_not_lost() -> None:
    async def main() -> None:
        pressed: list[str] = []
        stream = a_stream(on_dtmf=pressed.append)
        async with telephone(stream) as phone, SipCaller.of(phone) as caller:
            await caller.dial()
            await live(stream)
            await caller.press("9")
            await caller.ask("BYE")
            await until(lambda: len(stream.sessions) == 0)
        assert pressed == ["9"]

    run(main())


class Menu(AsyncStreamHandler):
    """Notes who calls; presses keys and hangs up at `#`."""

    called: list[Any] = []

    async def start_up(self) -> None:
        Menu.called.append(get_current_context().call)

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> Any:
        await asyncio.Event().wait()

    async def on_dtmf(self, digit: str) -> Any:
        return [tone(9000, seconds=0.3), Dtmf("75"), CloseStream()] if digit == "#" else None


@pytest.mark.parametrize("keys", [True, False])
def test_the_handler_knows_who_calls_presses_keys_and_hangs_up(keys: bool) -> None:
    async def main() -> None:
        Menu.called.clear()
        stream = a_stream(Menu())
        async with telephone(stream) as phone, SipCaller.of(phone, keys=keys) as caller:
            await caller.dial(headers={"X-Campaign": "spring"})
            session = await live(stream)
            if keys:
                await caller.press("#")
            else:
                await caller.say(tones("#"))
            await until(lambda: caller.hung_up)
            await until(lambda: len(stream.sessions) == 0)
            assert session.reason is EndReason.HANDLER_CLOSED
            # The last of what it said may still be on its way, by another socket.
            await until(lambda: (caller.sound > 8000).sum() > 0.25 * caller.rate)
            await until(lambda: "".join(caller.pressed) + keys_in(caller) == "75")
            assert caller.pressed == (["7", "5"] if keys else [])
        (call,) = Menu.called
        assert (call.carrier, call.id, call.caller) == ("sip", caller.asking.call_id, "+4930123")
        assert (call.callee, call.codec, call.parameters) == ("echo", "PCMU", {"X-Campaign": "spring"})

    run(main())


class Talker(Menu):
    """Talks for half a minute, until a key is pressed."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = False

    def copy(self) -> Talker:
        return Talker()

    async def emit(self) -> Any:
        if self.begun:
            await asyncio.Event().wait()
        self.begun = True
        return tone(9000, seconds=30)

    async def on_dtmf(self, digit: str) -> None:
        self.clear_queue()


def test_what_is_interrupted_is_not_said_any_more() -> None:
    async def main() -> None:
        stream = a_stream(Talker())
        async with telephone(stream) as phone, SipCaller.of(phone) as caller:
            await caller.dial()
            await until(lambda: len(caller.sound) > 2000)
            await caller.press("1")
            line: Any = (await live(stream)).transport
            before = -1
            while before != line.counted["said"]["packets"]:
                before = line.counted["said"]["packets"]
                await asyncio.sleep(0.2)
            assert before < 1000

    run(main())


def test_a_call_over_the_limit_hears_that_the_line_is_busy_and_later_comes_through() -> None:
    async def main() -> None:
        stream = a_stream()
        async with telephone(stream) as phone, SipCaller.of(phone) as first, SipCaller.of(phone) as second:
            await first.dial()
            told = await second.ask("INVITE", second.offer())
            assert told.startswith("SIP/2.0 486 Busy Here") and "Retry-After: 5" in told
            assert not any("180" in one for one in second.answers)
            await first.ask("BYE")
            await until(lambda: len(stream.sessions) == 0)
            assert "200 OK" in await second.dial()

    run(main())


def test_a_stream_that_stops_takes_no_call_and_says_goodbye_to_the_live_one() -> None:
    async def main() -> None:
        stream = a_stream(concurrency_limit=None)
        async with telephone(stream) as phone, SipCaller.of(phone) as caller, SipCaller.of(phone) as late:
            await caller.dial()
            ending = asyncio.create_task(stream.sessions.drain(0.5))
            await asyncio.sleep(0)
            assert "503" in await late.ask("INVITE", late.offer())
            await ending
            await until(lambda: caller.hung_up)

    run(main())


def test_closing_hangs_up_on_live_calls_and_waits_for_their_answer() -> None:
    async def main() -> None:
        stream = a_stream(concurrency_limit=None)
        phone = SipPhone(stream, "")
        await phone.open(HOST, 0)
        async with SipCaller.of(phone) as live, SipCaller.of(phone) as answered:
            await live.dial()
            await answered.ask("INVITE", answered.offer())  # and never acknowledged
            await phone.close()
            assert live.hung_up and answered.hung_up
            assert len(stream.sessions) == 0 and not phone._agent.asking

    run(main())


def test_who_asks_for_an_offer_is_heard_after_its_answer() -> None:
    async def main() -> None:
        stream = a_stream()
        async with telephone(stream) as phone, SipCaller.of(phone) as caller:
            told = await caller.dial("", caller.offer())
            assert "opus/48000/2" in told
            await caller.say(sound(440, 0.5, 8000))
            await until(lambda: len(caller.sound) > 2000)

    run(main())


def test_nothing_is_said_to_a_caller_that_holds_and_all_goes_on_when_it_is_back() -> None:
    async def main() -> None:
        handler = Saying(*[tone(seconds=0.02)] * 2000)
        stream = a_stream(handler)
        async with telephone(stream) as phone, SipCaller.of(phone) as caller:
            await caller.dial()
            await until(lambda: caller.packets > 5)
            assert "a=inactive" in await caller.ask("INVITE", caller.offer(host="0.0.0.0"))
            caller.acknowledge()
            session = await live(stream)
            line: Any = session.transport
            await until(lambda: line._line.on_hold)
            before = line.counted["said"]["packets"]
            await until(lambda: caller.packets == before)  # what was on its way
            await asyncio.sleep(0.2)
            assert caller.packets == line.counted["said"]["packets"] == before
            assert "a=sendrecv" in await caller.ask("INVITE", caller.offer())
            caller.acknowledge()
            await until(lambda: caller.packets > before + 5)

    run(main())


def test_a_caller_that_has_moved_is_spoken_to_where_it_is() -> None:
    async def main() -> None:
        stream = a_stream(Saying(*[tone(seconds=0.02)] * 2000), concurrency_limit=None)
        async with (
            telephone(stream) as phone,
            SipCaller.of(phone) as caller,
            SipCaller.of(phone) as elsewhere,
        ):
            await caller.dial()
            await until(lambda: caller.packets > 5)
            assert "200 OK" in await caller.ask("UPDATE", caller.offer(port=elsewhere.rtp_port))
            await until(lambda: elsewhere.packets > 5)

    run(main())


@pytest.mark.parametrize(
    ("first", "then"), [("PCMU", "PCMA"), ("G722", "PCMA"), ("opus", "PCMU"), ("PCMU", "opus")]
)
def test_a_caller_that_goes_on_in_another_codec_hears_and_is_heard(first: str, then: str) -> None:
    async def main() -> None:
        stream = a_stream()
        async with telephone(stream) as phone, SipCaller.of(phone, codec=first) as caller:
            await caller.dial()
            for codec, hertz in ((first, 440), (then, 600), (first, 440)):
                if codec is not caller.codec.name:
                    caller.speak(codec)
                    assert "200 OK" in await caller.ask("INVITE", caller.offer())
                    caller.acknowledge()
                await caller.say(sound(hertz, 0.6, caller._sender._codec.rate(48_000)))
                # What was said in the codec before may still come first.
                await until(partial(is_heard, caller, hertz))
                session = await live(stream)
                assert abs(session.transport.drift) < 0.01
            await caller.press("5")

    run(main())


# Who is gone.


def test_a_caller_that_has_vanished_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(lines, "LOOK_SECONDS", 0.02)

    async def main() -> None:
        stream = a_stream()
        async with telephone(stream) as phone, SipCaller.of(phone) as caller:
            await caller.dial()
            await caller.say(sound(440, 0.5, 8000))
            assert len(stream.sessions) == 1
            await until(lambda: len(stream.sessions) == 0)
            await until(lambda: caller.hung_up)

    run(main())


def test_a_caller_on_hold_is_asked_whether_it_is_there_and_not_taken_to_be_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(lines, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr(lines, "LOOK_SECONDS", 0.02)

    async def main() -> None:
        stream = a_stream()
        async with telephone(stream) as phone, SipCaller.of(phone) as caller:
            await caller.dial(caller.offer(direction="inactive"))
            await until(lambda: sum(one.startswith("OPTIONS") for one in caller.requests) > 4)
            assert len(stream.sessions) == 1 and not caller.hung_up
            monkeypatch.setattr(timers, "PATIENCE", 0.2)
            caller.silent = True
            await until(lambda: len(stream.sessions) == 0)

    run(main())


def test_a_call_that_is_never_acknowledged_runs_no_handler_and_frees_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timers, "PATIENCE", 0.3)
    monkeypatch.setattr(calls, "PATIENCE", 0.3)

    async def main() -> None:
        handler = AsyncEcho()
        stream = a_stream(handler)
        async with telephone(stream) as phone, SipCaller.of(phone) as caller:
            await caller.ask("INVITE", caller.offer())
            assert len(stream.sessions) == 1
            await until(lambda: len(stream.sessions) == 0)
            await until(lambda: not phone._agent._calls)
        assert handler.log.count("start_up") == 0

    run(main())


def test_a_call_that_is_cancelled_while_its_sockets_open_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        stream = a_stream()
        async with telephone(stream) as phone, SipCaller.of(phone) as caller:
            invite, cancel = (
                caller.asking.request("INVITE", caller.offer()),
                caller.asking.request("CANCEL", again=True),
            )
            flow = ("127.0.0.1", caller.asking.port)
            phone._sockets._datagram(invite, flow)
            phone._sockets._datagram(cancel, flow)  # in the same turn of the loop
            await until(lambda: any("487" in one for one in caller.answers))
            await until(lambda: len(stream.sessions) == 0 and not phone._answering)

    run(main())


def test_calls_that_are_never_acknowledged_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip, "MOST_WAITING", 3)

    async def main() -> None:
        stream = a_stream(concurrency_limit=None)
        async with telephone(stream) as phone, SipCaller.of(phone) as caller:
            for number in range(5):
                caller.asking.call_id, caller.asking.number = f"call-{number}", 0
                told = await caller.ask("INVITE", caller.offer())
                caller.answers.clear()
                assert ("200 OK" in told) == (number < 3)
            assert "503" in told

    run(main())


def test_a_machine_without_ports_for_sound_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none(host: str, port: int) -> socket.socket:
        raise OSError(errno.EADDRINUSE, "all are taken")

    async def main() -> None:
        stream = a_stream()
        async with telephone(stream) as phone, SipCaller.of(phone) as caller:
            monkeypatch.setattr(rtp_sockets, "bound", none)
            assert "503" in await caller.ask("INVITE", caller.offer())
            assert len(stream.sessions) == 0
        assert "no port for its sound" in caplog.text

    run(main())


def test_a_handler_that_cannot_be_made_ends_the_call(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(AsyncEcho):
        def copy(self) -> Any:
            raise RuntimeError("no microphone in the cupboard")

    async def main() -> None:
        stream = a_stream(Broken())
        async with telephone(stream) as phone, SipCaller.of(phone) as caller:
            await caller.dial()
            await until(lambda: caller.hung_up)
            assert len(stream.sessions) == 0

    run(main())
    assert "cupboard" in caplog.text


# Strangers.


def test_packets_of_strangers_are_counted_and_not_heard() -> None:
    async def main() -> None:
        stream = a_stream(concurrency_limit=None)
        async with telephone(stream) as phone, SipCaller.of(phone) as caller, SipCaller.of(phone) as stranger:
            await caller.dial()
            stranger._rtp_place = caller._rtp_place
            await caller.say(sound(440, 0.2, 8000))
            session = await live(stream)
            line: Any = session.transport
            await until(lambda: line.counted["heard"]["received"] == 10)
            await stranger.say(sound(880, 0.3, 8000))
            await until(lambda: line.counted["dropped"] == {"strange": 15})
            assert line.counted["heard"]["received"] == 10 and stranger.packets == 0

    run(main())


def test_who_speaks_first_from_elsewhere_gives_way_to_the_address_that_was_told() -> None:
    async def main() -> None:
        stream = a_stream(Saying(*[tone(seconds=0.02)] * 2000), concurrency_limit=None)
        async with telephone(stream) as phone, SipCaller.of(phone) as caller, SipCaller.of(phone) as other:
            await caller.dial()
            other._rtp_place = caller._rtp_place
            await other.say(sound(880, 0.1, 8000))
            await until(lambda: other.packets > 3)  # as a caller behind a network of its own would be
            await caller.say(sound(440, 0.1, 8000))
            before = caller.packets
            await until(lambda: caller.packets > before + 3)
            told = other.packets
            await other.say(sound(880, 0.1, 8000))
            assert other.packets <= told + 1

    run(main())


def test_a_flood_ends_no_call_fills_no_log_and_leaves_nothing_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def main() -> None:
        stream = a_stream()
        async with telephone(stream) as phone, SipCaller.of(phone) as caller, SipCaller.of(phone) as flood:
            await caller.dial()
            talking = asyncio.create_task(caller.say(sound(440, 1.0, 8000)))
            flood._rtp_place = caller._rtp_place
            for number in count():
                if number >= 1500 and phone._agent.counted["malformed"] > 100:  # the rest found no room
                    break
                flood.asking.call_id = f"flood-{number}"
                flood.send(flood.asking.request("INVITE", flood.offer()))
                flood.send(b"\x00" * 60_000 if number % 50 == 0 else bytes([number % 256]) * 30)
                flood.packet(bytes([number % 256]) * (number % 40))
                if number % 20 == 0:
                    await asyncio.sleep(0)
            await talking
            await until(lambda: len(caller.sound) > 4000)
            assert len(phone._agent._calls) == 1 and len(phone._held) == 1
            assert "200 OK" in await caller.ask("BYE")

    run(main())
    assert len(caplog.records) < 10, caplog.text


def test_with_a_password_only_who_knows_it_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTSTREAM_SIP_PASSWORD", "sesame")
    from tests.unit.test_sip_calls import proof

    async def main() -> None:
        stream = a_stream()
        phone = SipPhone(stream)
        assert phone.asks_password
        await phone.open(HOST, 0)
        async with SipCaller.of(phone) as caller:
            challenge = await caller.ask("INVITE", caller.offer())
            assert "401 Unauthorized" in challenge and len(stream.sessions) == 0
            said = {"Authorization": proof(challenge, "SHA-256")}
            assert "200 OK" in await caller.dial(headers=said)
        await phone.close()

    run(main())


# Connections.


def test_a_connection_is_answered_that_it_is_there_and_closed_when_it_talks_nonsense() -> None:
    async def main() -> None:
        stream = a_stream()
        async with telephone(stream) as phone, SipCaller.of(phone, transport="TCP") as caller:
            caller.send(b"\r\n\r\n")
            await until(lambda: "PONG" in caller.answers)
            caller.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await until(lambda: caller.gone)

    run(main())


def test_an_idle_connection_is_closed_unless_a_call_goes_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_sockets, "IDLE_SECONDS", 0.1)

    async def main() -> None:
        stream = a_stream()
        async with telephone(stream) as phone, SipCaller.of(phone, transport="TCP") as idle:
            async with SipCaller.of(phone, transport="TCP") as caller:
                await caller.dial()
                idle.send(b"OPTIONS sip:a SIP/2.0\r\n")
                await until(lambda: idle.gone)
                await asyncio.sleep(0.15)
                assert not caller.gone

    run(main())


def test_one_connection_too_many_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_sockets, "MOST_CONNECTIONS", 1)

    async def main() -> None:
        async with telephone(a_stream()) as phone, SipCaller.of(phone, transport="TCP") as first:
            assert "200 OK" in await first.ask("OPTIONS")
            async with SipCaller.of(phone, transport="TCP") as second:
                await until(lambda: second.gone)
            assert not first.gone

    run(main())


# What cannot be opened.


def test_a_port_that_is_taken_is_named_and_another_one_told() -> None:
    async def main(kind: socket.SocketKind) -> None:
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind((HOST, 0))
            if kind is socket.SOCK_STREAM:
                taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(PortBusy, match=f"port {port} is in use") as refused:
                await SipPhone(a_stream(), "").open(HOST, port)
            assert f"--sip-port {port + 1}" in refused.value.fix

    run(main(socket.SOCK_DGRAM))
    run(main(socket.SOCK_STREAM))


def test_an_address_that_is_not_here_and_a_stream_without_sound_are_errors() -> None:
    async def main() -> None:
        with pytest.raises(UsageError, match="nobody can listen"):
            await SipPhone(a_stream(), "").open("192.0.2.77", 0)

    run(main())
    with pytest.raises(OptionError, match="video"):
        SipPhone(Stream(lambda frame: frame, modality="video"))


def test_a_port_of_root_alone_is_an_error_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(host: str, port: int) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(sip_sockets, "bound", denied)
    with pytest.raises(MachineError, match="may not be used"):
        run(SipPhone(a_stream(), "").open(HOST, 506))


def test_the_address_that_is_told_is_the_one_that_the_caller_sees() -> None:
    async def main() -> None:
        phone = SipPhone(a_stream(), "")
        await phone.open("0.0.0.0", 0)
        try:
            for transport in ("UDP", "TCP"):
                async with SipCaller.of(phone, transport=transport) as caller:
                    told = await caller.dial()
                    assert "c=IN IP4 127.0.0.1" in told
                    assert re.search(rf"Contact: <sip:127.0.0.1:{phone.port}", told)
                    await caller.ask("BYE")
                    await until(lambda: len(phone._stream.sessions) == 0)
        finally:
            await phone.close()

    run(main())


def test_a_call_over_ipv6_is_answered_with_such_an_address() -> None:
    async def main() -> None:
        phone, answers = SipPhone(a_stream(), ""), list[str]()
        await phone.open("::1", 0)
        line = await listening(bound("::1", 0), lambda data, _: answers.append(data.decode()))
        asking = Asking(host="[::1]", port=line.get_extra_info("sockname")[1])
        offer = OFFER.replace("IN IP4 192.0.2.7", "IN IP6 ::1")
        line.sendto(asking.request("INVITE", offer), ("::1", phone.port))
        await until(lambda: any("200 OK" in one for one in answers))
        assert f"Contact: <sip:[::1]:{phone.port}>" in answers[-1]
        assert "c=IN IP6 ::1\r\n" in answers[-1]
        await phone.close()
        line.close()

    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    run(main())


def has_ipv6() -> bool:
    try:
        bound("::1", 0).close()
    except OSError:
        return False
    return True
