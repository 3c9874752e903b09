"""Frames of WebSockets, held against the library that makes and reads them elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from rtstream.transports.websocket_frames import Frames, Said, framed

SIZES = st.sampled_from([0, 1, 125, 126, 127, 400, 65_535])
PLAIN = st.one_of(
    SIZES.map(lambda size: Frame(Opcode.TEXT, b"t" * size)),
    st.text().map(lambda text: Frame(Opcode.TEXT, text.encode())),
    st.binary().map(lambda data: Frame(Opcode.BINARY, data)),
)
CONTROL = st.builds(Frame, st.sampled_from([Opcode.PING, Opcode.PONG, Opcode.CLOSE]), st.binary(max_size=125))


def sent(frame: Frame) -> bytes:
    """A frame as a client sends it."""
    return frame.serialize(mask=True)


def compressed(coded: bytes) -> bytes:
    """A frame that an extension has changed (RFC 7692 §6.1)."""
    return bytes((coded[0] | 0x40,)) + coded[1:]


ODD = st.sampled_from(
    [
        sent(Frame(Opcode.TEXT, b"the first of several", fin=False)),
        sent(Frame(Opcode.CONT, b"the last of several")),
        compressed(sent(Frame(Opcode.TEXT, b"compressed"))),
        sent(Frame(Opcode.BINARY, bytes(65_536))),
    ]
)


def cut(stream: bytes, cuts: list[int]) -> tuple[list[Said], list[bytes], bool]:
    """All messages, all that is for a library, and whether it was plain, of a stream that comes in pieces."""
    frames, said, rest = Frames(), list[Said](), list[bytes]()
    edges = [0, *sorted(at % (len(stream) + 1) for at in cuts), len(stream)]
    for begin, end in zip(edges, edges[1:], strict=False):
        frames.add(stream[begin:end])
        while (found := frames.next()) is not None:
            message, raw = found
            rest += [raw] if message is None else []
            said += [] if message is None else [message]
            if not frames.plain:  # from here on all goes to the library
                return said, [*rest, stream[end:]], False
    return said, [*rest, frames.rest()], True


@given(st.lists(PLAIN | CONTROL), st.lists(st.integers(0)))
def test_whole_messages_are_cut_out_and_control_frames_are_left_as_they_are(
    frames: list[Frame], cuts: list[int]
) -> None:
    said, rest, plain = cut(b"".join(coded := [sent(frame) for frame in frames]), cuts)
    assert said == [
        frame.data if frame.opcode is Opcode.BINARY else bytes(frame.data).decode()
        for frame in frames
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY)
    ]
    control = [raw for raw, frame in zip(coded, frames, strict=True) if frame.opcode >= Opcode.CLOSE]
    assert rest == [*control, b""]
    assert plain


@given(st.lists(PLAIN), ODD, st.lists(PLAIN.map(sent) | ODD), st.lists(st.integers(0)))
def test_from_a_frame_on_that_is_no_plain_message_all_is_left_as_it_is(
    before: list[Frame], odd: bytes, behind: list[bytes], cuts: list[int]
) -> None:
    left = b"".join([odd, *behind])
    said, rest, plain = cut(b"".join(sent(frame) for frame in before) + left, cuts)
    assert len(said) == len(before)
    assert b"".join(rest) == left
    assert not plain


def test_a_frame_that_is_not_masked_is_for_the_library_which_refuses_it() -> None:
    assert cut(framed("not masked"), []) == ([], [framed("not masked"), b""], False)


def test_a_text_that_is_no_utf_8_is_for_the_library_which_refuses_it() -> None:
    garbled, good = sent(Frame(Opcode.TEXT, b"\xff\xfe")), sent(Frame(Opcode.TEXT, b"good"))
    assert cut(garbled + good, []) == (["good"], [garbled, b""], True)


def test_what_has_not_come_whole_is_given_back_once() -> None:
    frames = Frames()
    frames.add(sent(Frame(Opcode.TEXT, b"whole")) + b"\x81\xfe\x01")
    assert frames.next() == ("whole", b"")
    assert frames.next() is None
    assert frames.rest() == b"\x81\xfe\x01"
    assert frames.rest() == b""


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("kind", [str, bytes])
def test_what_a_server_says_is_read_by_a_client(size: int, kind: type) -> None:
    said: Said = "x" * size if kind is str else bytes(size)
    client = ClientProtocol(parse_uri("ws://127.0.0.1"), state=State.OPEN)
    client.receive_data(framed(said))
    (frame,) = client.events_received()
    assert isinstance(frame, Frame) and frame.fin
    assert frame.opcode is (Opcode.TEXT if kind is str else Opcode.BINARY)
    assert bytes(frame.data) == (said.encode() if isinstance(said, str) else said)
