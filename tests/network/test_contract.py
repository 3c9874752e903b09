"""What is done without each private name of aiortc and its libraries, and that there are no others."""

from __future__ import annotations

import ast
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aioice.ice
import pytest
from aiortc import RTCDtlsTransport, RTCPeerConnection, RTCRtpSender
from aiortc.rtcicetransport import RTCIceTransport

import rtstream
from rtstream import Stream
from rtstream.transports import audio_path
from rtstream.transports.contract import CHECKS, CONTRACT, OWN_PATH
from rtstream.transports.private_names import broken_names, known, private
from tests.conftest import run
from tests.helpers.handlers import AsyncAudioVideoEcho
from tests.helpers.renaming import rename
from tests.helpers.server import answering
from tests.helpers.webrtc import caller
from tests.unit.signals import pitch

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("contract_anew")]

PACKAGES = ("aiortc", "aioice", "pylibsrtp")
HERE = Path(rtstream.__file__).parent
CONTRACT_PY = HERE / "transports/contract.py"
NAMES = list(dict.fromkeys(name for feature in CONTRACT for name in feature.names))


def reached_for(path: Path) -> set[str]:
    """The private names of anything but itself that a module reaches for."""
    nodes = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute))
    below = (node for node in nodes if node.attr.startswith("_") and not node.attr.startswith("__"))
    return {node.attr for node in below if ast.unparse(node.value) not in ("self", "cls")}


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


def test_every_name_of_the_own_path_has_a_way_to_break_it_here() -> None:
    assert set(BROKEN) == set(OWN_PATH.names)


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


def gone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an aiortc and an aioice be installed that work, and do without the name."""
    if name == "StunProtocol.datagram_received":  # asyncio calls it, so it can only come from a base class
        derived: Any = type("StunProtocol", (aioice.ice.StunProtocol,), {})
        monkeypatch.setattr(aioice.ice, "StunProtocol", derived)
    else:
        rename(private(name), PACKAGES, monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_private_name_what_stands_on_it_is_not_used_and_calls_go_on(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        stream = Stream(AsyncAudioVideoEcho(), modality="audio-video")
        async with answering(stream) as server, caller(server, video=True) as client:
            await client.call()
            assert pitch(await client.hears(0.2), 48000) == pytest.approx(440, abs=10)
            await client.sees(1)
            transport: Any = stream.sessions.get(client.id).transport
            if name in OWN_PATH.names:
                assert transport.counted == {} and transport.drift == 0
            else:
                assert transport.counted["heard"]["received"] > 0, "sound goes its own way"
        for feature in CONTRACT:
            assert known(feature) is (name not in feature.names)
            assert known(feature) or name in broken_names(feature)

    gone(name, monkeypatch)
    with caplog.at_level(logging.WARNING):
        run(main())
    warned = [each.getMessage() for each in caplog.records if each.name == audio_path.logger.name]
    if name in OWN_PATH.names:
        assert len(warned) == 1 and OWN_PATH.otherwise in warned[0] and name in warned[0]
    else:
        assert warned == []


def test_with_this_aiortc_and_aioice_everything_is_used() -> None:
    async def main() -> None:
        assert not any(broken_names(feature) for feature in CONTRACT)

    run(main())


def test_an_aioice_that_waits_for_another_time_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        monkeypatch.setattr(aioice.stun, "RETRY_RTO", 0.7)
        assert broken_names(CHECKS) == ["stun.RETRY_RTO"]

    run(main())


def test_sound_goes_its_own_way_here_and_aiortcs_when_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        assert audio_path.wanted()
        monkeypatch.setenv(audio_path.PATH_VARIABLE, "aiortc")
        assert not audio_path.wanted()

    run(main())


def test_no_private_name_is_used_that_the_contract_does_not_have() -> None:
    reached: dict[str, Path] = {}
    for path in HERE.rglob("*.py"):
        if path != CONTRACT_PY and any(package in path.read_text() for package in PACKAGES):
            reached |= dict.fromkeys(reached_for(path), path)
    assert len(reached) > 15
    listed = {private(name) for name in NAMES}
    assert {name: path.name for name, path in reached.items() if name not in listed} == {}


@pytest.mark.parametrize("name", sorted(reached_for(CONTRACT_PY) - {private(name) for name in NAMES}))
def test_without_a_method_that_the_checks_look_into_calls_go_on(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        stream = Stream(AsyncAudioVideoEcho(), modality="audio-video")
        async with answering(stream) as server, caller(server, video=True) as client:
            await client.call()
            await client.hears(0.1)
            await client.sees(1)
        assert not all(known(feature) for feature in CONTRACT)

    rename(name, PACKAGES, monkeypatch)
    run(main())
