"""Which way sound goes: its own, or aiortc's where a private name is not what it is taken for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import aioice.ice
import pytest
from aiortc import RTCDtlsTransport, RTCPeerConnection, RTCRtpSender
from aiortc.rtcicetransport import RTCIceTransport

from rtstream import Stream
from rtstream.transports import aiortc_inside, audio_path
from tests.conftest import run
from tests.helpers.handlers import AsyncAudioVideoEcho
from tests.helpers.renaming import rename
from tests.helpers.server import answering
from tests.helpers.webrtc import caller
from tests.unit.signals import pitch

pytestmark = pytest.mark.network


@pytest.fixture(autouse=True)
def looked_at_anew() -> Iterator[None]:
    audio_path.is_known.cache_clear()
    yield
    audio_path.is_known.cache_clear()


def without(attribute: str) -> Callable[[Any], Callable[..., None]]:
    """An `__init__` that leaves an attribute out."""

    def wrap(original: Any) -> Callable[..., None]:
        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            vars(self).pop(attribute, None)

        return init

    return wrap


async def otherwise(self: Any, *args: Any) -> None:
    """Stands for a method that was written anew and looks up none of the names."""


BROKEN: dict[str, tuple[Any, str, Any]] = {
    "RTCPeerConnection.__connect": (RTCPeerConnection, "_RTCPeerConnection__connect", otherwise),
    "RTCRtpSender._ssrc": (RTCRtpSender, "__init__", without("_ssrc")(RTCRtpSender.__init__)),
    "RTCIceTransport._connection": (
        RTCIceTransport,
        "__init__",
        without("_connection")(RTCIceTransport.__init__),
    ),
    "RTCDtlsTransport._rx_srtp": (
        RTCDtlsTransport,
        "__init__",
        without("_rx_srtp")(RTCDtlsTransport.__init__),
    ),
    "RTCDtlsTransport._tx_srtp": (
        RTCDtlsTransport,
        "__init__",
        without("_tx_srtp")(RTCDtlsTransport.__init__),
    ),
    "RTCDtlsTransport._handle_rtcp_data": (RTCDtlsTransport, "_recv_next", otherwise),
    "Connection._nominated": (aioice.ice.Connection, "sendto", otherwise),
    "Connection._protocols": (
        aioice.ice.Connection,
        "__init__",
        without("_protocols")(aioice.ice.Connection.__init__),
    ),
    "CandidatePair.remote_addr": (aioice.ice.CandidatePair, "remote_addr", otherwise),
    "StunProtocol.datagram_received": (aioice.ice, "StunProtocol", object),
}


def test_every_private_name_has_a_way_to_break_it_here() -> None:
    assert set(BROKEN) == set(aiortc_inside._CONTRACT)


@pytest.mark.parametrize("name", BROKEN)
def test_a_private_name_that_is_not_what_it_was_is_told_once(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def look() -> None:
        monkeypatch.setattr(*BROKEN[name])
        assert not audio_path.wanted() and not audio_path.wanted()
        monkeypatch.undo()

    with caplog.at_level(logging.WARNING):
        run(look())
    (warned,) = [record.getMessage() for record in caplog.records]
    assert name in warned


PACKAGES = ("aiortc", "aioice")


def gone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an aiortc and an aioice be installed that work, and do without the name."""
    owner, _, attribute = name.partition(".")
    if name == "StunProtocol.datagram_received":  # asyncio calls it, so it can only come from a base class
        derived: Any = type("StunProtocol", (aioice.ice.StunProtocol,), {})
        monkeypatch.setattr(aioice.ice, "StunProtocol", derived)
    else:
        private = f"_{owner}{attribute}" if attribute.startswith("__") else attribute
        rename(private, PACKAGES, monkeypatch)


@pytest.mark.parametrize("name", BROKEN)
def test_without_a_private_name_sound_and_pictures_go_aiortcs_way_with_a_warning(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        stream = Stream(AsyncAudioVideoEcho(), modality="audio-video")
        async with answering(stream) as server, caller(server, video=True) as client:
            await client.call()
            assert pitch(await client.hears(0.2), 48000) == pytest.approx(440, abs=10)
            await client.sees(1)
            transport: Any = stream.sessions.get(client.id).transport
            assert transport.counted == {} and transport.drift == 0

    gone(name, monkeypatch)
    with caplog.at_level(logging.WARNING):
        run(main())
    (warned,) = [each.getMessage() for each in caplog.records if each.name == audio_path.logger.name]
    assert name in warned


def test_sound_goes_its_own_way_here_and_aiortcs_when_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        assert aiortc_inside.broken_names() == []
        assert audio_path.wanted()
        monkeypatch.setenv(audio_path.PATH_VARIABLE, "aiortc")
        assert not audio_path.wanted()

    run(main())


HASTE = ("_check_periodic", "_check_list", "_send", "_write_ssl")
ENDURANCE = (
    "query_consent",
    "_query_consent_task",
    "build_request",
    "send_stun",
    "_send_chunk",
    "_remote_port",
)
PROMPTNESS = ("_RTCRtpReceiver__jitter_buffer", "_packets", "_origin", "_capacity", "_remove_frame")


@pytest.mark.parametrize("name", [*HASTE, *ENDURANCE, *PROMPTNESS])
def test_without_a_private_name_that_only_saves_time_or_calls_the_others_are_as_they_were(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        stream = Stream(AsyncAudioVideoEcho(), modality="audio-video")
        async with answering(stream) as server, caller(server, video=True) as client:
            await client.call()
            await client.hears(0.1)
            await client.sees(1)
            transport: Any = stream.sessions.get(client.id).transport
            assert transport.counted["heard"]["received"] > 0, "sound goes its own way"

    rename(name, PACKAGES, monkeypatch)
    run(main())
