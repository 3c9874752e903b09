"""From sound to packets and back without a socket: codecs, losses, silence, reports, and hostile packets."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rtstream.media import dtmf, libopus
from rtstream.media.frames import AudioFrame
from rtstream.media.opus import OpusOptions
from rtstream.media.resample import Resampler
from rtstream.rtp import keys, rtcp
from rtstream.rtp.codecs import Codec
from rtstream.rtp.level import level
from rtstream.rtp.packet import build, elements, parse
from rtstream.rtp.receiver import BUDGET, AudioReceiver
from rtstream.rtp.sender import AudioSender
from tests.helpers.recordings import go_forward
from tests.unit.voice import RATE, frames, lateness, likeness, unlikeness, voice

OPUS = Codec("opus", 111, 48_000)
CODECS = [OPUS, Codec("G722", 9, 8000), Codec("PCMU", 0, 8000), Codec("PCMA", 8, 8000)]
IDS = [codec.name for codec in CODECS]
SSRC = 7


@pytest.fixture(params=["libopus", "PyAV"])
def opus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Opus by either way."""
    if request.param == "PyAV":
        monkeypatch.setattr(libopus, "library", lambda: None)
    elif libopus.library() is None:
        pytest.skip("no libopus can be reached here")
    return str(request.param)


def said(
    codec: Codec, seconds: float = 2.0, options: OpusOptions | None = None, channels: int = 1
) -> tuple[NDArray[np.int16], list[bytes]]:
    """A voice at the codec's rate, and its packets."""
    rate = codec.rate(RATE)
    sender, samples = AudioSender(codec, SSRC, "us", options), voice(seconds, rate)
    packets = [sender.packet(frame, n * 0.02) for n, frame in enumerate(frames(samples, rate, channels))]
    return samples, [packet for packet in packets if packet is not None]


def some_lost(share: float, packets: int) -> list[bool]:
    """Which of so many packets come; the first does."""
    chance = random.Random(5)
    return [n == 0 or chance.random() > share for n in range(packets)]


def with_losses(packets: list[bytes], kept: list[bool]) -> NDArray[np.int16]:
    """What is heard of those that come."""
    arrivals = [one for one, keep in zip(in_time(packets), kept, strict=True) if keep]
    return joined(heard(AudioReceiver({111: OPUS}), arrivals))


def heard(receiver: AudioReceiver, arrivals: list[tuple[float, bytes]]) -> list[tuple[float, AudioFrame]]:
    """What a receiver gives whose deadlines are kept."""
    return list(_heard(receiver, sorted(arrivals)))


def _heard(
    receiver: AudioReceiver, arrivals: list[tuple[float, bytes]]
) -> Iterator[tuple[float, AudioFrame]]:
    for at, data in [*arrivals, (arrivals[-1][0] + 0.2, b"")]:
        while (deadline := receiver.deadline) is not None and deadline <= at:
            yield from ((deadline, frame) for frame in receiver.poll(deadline))
        if data:
            yield from ((at, frame) for frame in receiver.take(data, at))


def joined(out: list[tuple[float, AudioFrame]]) -> NDArray[np.int16]:
    return np.asarray(np.concatenate([frame.samples for _, frame in out], axis=1)[0])


def in_time(packets: list[bytes]) -> list[tuple[float, bytes]]:
    return [(0.02 * n, packet) for n, packet in enumerate(packets)]


@pytest.mark.parametrize("codec", CODECS, ids=IDS)
def test_each_codec_carries_a_voice_and_no_packet_waits(codec: Codec, opus: str) -> None:
    samples, packets = said(codec)
    out = heard(AudioReceiver({codec.payload_type: codec}), in_time(packets))
    assert [at for at, _ in out] == [0.02 * n for n in range(len(packets))]
    assert {frame.rate for _, frame in out} == {codec.rate(RATE)}
    sound = joined(out)
    assert likeness(sound, samples, lateness(sound, samples)) > 0.97


@pytest.mark.parametrize("codec", CODECS, ids=IDS)
def test_what_is_lost_is_filled_to_the_sample(codec: Codec, opus: str) -> None:
    chance = random.Random(3)
    _, packets = said(codec)
    arrivals = [one for n, one in enumerate(in_time(packets)) if n in (0, 99) or chance.random() > 0.1]
    receiver = AudioReceiver({codec.payload_type: codec})
    out = heard(receiver, arrivals)
    assert sum(frame.duration for _, frame in out) == pytest.approx(2.0, abs=0.001)
    lost = len(packets) - len(arrivals)
    assert receiver.counted.lost == lost > 0
    assert receiver.counted.concealed == pytest.approx(0.02 * lost, abs=0.001)


def test_opus_is_given_at_the_rate_and_in_the_channels_that_are_wanted() -> None:
    _, packets = said(OPUS, 0.2, channels=2)
    for rate, channels, comes in ((16_000, 1, 16_000), (24_000, 2, 24_000), (22_050, 1, 48_000)):
        out = heard(AudioReceiver({111: OPUS}, rate, channels), in_time(packets))
        assert {(f.rate, f.samples.shape) for _, f in out} == {(comes, (channels, comes // 50))}


def test_left_and_right_stay_apart() -> None:
    sender = AudioSender(OPUS, SSRC, "us")
    left = voice(1)
    rows = np.stack([left, np.zeros_like(left)])
    pieces = [AudioFrame(rows[:, at : at + 960], RATE) for at in range(0, RATE, 960)]
    packets = [sender.packet(piece, n * 0.02) for n, piece in enumerate(pieces)]
    receiver = AudioReceiver({111: OPUS}, channels=2)
    out = heard(receiver, in_time([packet for packet in packets if packet is not None]))
    sound = np.concatenate([frame.samples for _, frame in out], axis=1)[:, 4800:].astype(float)
    assert np.abs(sound[0]).mean() > 20 * np.abs(sound[1]).mean()


def test_to_an_ear_a_guess_is_nearer_to_what_was_said_than_silence() -> None:
    samples, packets = said(OPUS, 4, OpusOptions(fec=False))
    kept = some_lost(0.2, len(packets))
    whole, sound = joined(heard(AudioReceiver({111: OPUS}), in_time(packets))), with_losses(packets, kept)
    delay = lateness(whole, samples)
    holes = whole * np.repeat(np.array(kept), 960)
    assert unlikeness(sound, samples, delay) < 0.5 * unlikeness(holes, samples, delay)


@pytest.mark.parametrize("loss", [1, 5, 20])
def test_of_few_lost_packets_and_of_many_a_copy_in_the_next_brings_back_the_very_sound(loss: int) -> None:
    speech = Resampler(RATE).push(AudioFrame(go_forward().samples[None], 16_000))
    assert speech is not None
    recovered = {}
    for fec in (None, False):
        sender = AudioSender(OPUS, SSRC, "us", OpusOptions(fec=fec, expected_loss=loss))
        packets = [sender.packet(frame, n * 0.02) or b"" for n, frame in enumerate(frames(speech.samples[0]))]
        kept = [n % 5 != 4 for n in range(len(packets))]
        whole, sound = joined(heard(AudioReceiver({111: OPUS}), in_time(packets))), with_losses(packets, kept)
        lost = ~np.repeat(np.array(kept), 960)[: sound.size]
        recovered[fec] = likeness(sound[lost], whole[: sound.size][lost], 0)
    assert recovered[None] > 0.8 > 0.6 > recovered[False], recovered


def test_reordered_and_duplicated_packets_give_the_same_sound() -> None:
    chance = random.Random(11)
    samples, packets = said(OPUS)
    whole = joined(heard(AudioReceiver({111: OPUS}), in_time(packets)))
    arrivals = [(at + (0.025 if chance.random() < 0.05 else 0.0), data) for at, data in in_time(packets)]
    arrivals += [(at + 0.003, data) for at, data in arrivals if chance.random() < 0.02]
    receiver = AudioReceiver({111: OPUS})
    sound = joined(heard(receiver, arrivals))
    assert sound.size == whole.size
    assert receiver.counted.duplicates > 0
    assert receiver.counted.concealed < 0.1, "the first ones teach it to wait"
    assert samples.size == sound.size


def test_a_new_source_and_numbers_that_begin_anew_are_followed() -> None:
    _, packets = said(OPUS, 0.4)
    other = AudioSender(OPUS, SSRC + 1, "other")
    new = [other.packet(frame, n * 0.02) for n, frame in enumerate(frames(voice(0.4)))]
    third = AudioSender(OPUS, SSRC + 1, "other")
    third._sequence = (other._sequence + 20_000) & 0xFFFF
    anew = [third.packet(frame, n * 0.02) for n, frame in enumerate(frames(voice(0.4)))]
    receiver = AudioReceiver({111: OPUS})
    out = heard(receiver, in_time([*packets, *filter(None, new), *filter(None, anew)]))
    assert receiver.counted.restarts == 2
    assert len(out) == 60 - 1, "one packet of strange number is not believed"
    assert receiver.counted.lost == 0


def test_one_stray_packet_is_not_believed() -> None:
    _, packets = said(OPUS, 0.4)
    stray = bytearray(packets[5])
    stray[2:4] = ((int.from_bytes(stray[2:4]) + 30_000) & 0xFFFF).to_bytes(2)
    arrivals = in_time(packets)
    arrivals.insert(6, (0.105, bytes(stray)))
    receiver = AudioReceiver({111: OPUS})
    assert len(heard(receiver, arrivals)) == len(packets)
    assert receiver.counted.restarts == 0


def test_silence_that_is_not_sent_is_heard_in_its_time_and_ends_with_the_far_end() -> None:
    sender = AudioSender(OPUS, SSRC, "us", OpusOptions(dtx=True))
    sound = np.concatenate([voice(1), np.zeros(3 * RATE, np.int16)])
    arrivals = [
        (0.02 * n, packet)
        for n, frame in enumerate(frames(sound))
        if (packet := sender.packet(frame, 0.02 * n)) is not None
    ]
    assert len(arrivals) < 110, "silence is not sent"
    # One that does send its smallest packets, as others do: 1 byte, 20 ms of SILK or CELT.
    small = build(111, sender._sequence + 1, sender._timestamp, SSRC, b"\xf8")
    receiver = AudioReceiver({111: OPUS})
    out = heard(receiver, [*arrivals, (4.0, small)])
    quiet = [at for at, _ in out if at > 4.0]
    assert len(quiet) >= 5 and np.allclose(np.diff(quiet), 0.02), quiet
    late = heard(
        receiver, [(10.0, build(111, sender._sequence + 2, sender._timestamp + 5 * 48_000, SSRC, b"\xf8"))]
    )
    assert len(late) < 60, "a far end that says nothing for half a second is not made up"


@pytest.mark.parametrize("piece", [0.01, 0.02, 0.06])
def test_a_silence_is_as_long_as_it_was_whatever_the_length_of_its_packets(piece: float) -> None:
    sender = AudioSender(OPUS, SSRC, "us")
    size, count = round(piece * RATE), round(1.2 / piece)
    loud = [sender.packet(AudioFrame(voice(piece)[None], RATE), n * piece) or b"" for n in range(10)]
    toc = {0.01: b"\x00", 0.02: b"\x08", 0.06: b"\x18"}[piece]  # RFC 6716 §3.1: SILK, nothing in it
    stamp = sender._timestamp
    small = [build(111, sender._sequence + 1 + n, stamp + n * size, SSRC, toc) for n in range(count)]
    arrivals = [(n * piece, packet) for n, packet in enumerate([*loud, *small])]
    out = list(_heard(AudioReceiver({111: OPUS}), arrivals))
    last = arrivals[-1][0]
    seconds = sum(frame.duration for at, frame in out if at <= last)
    assert seconds == pytest.approx(last + piece, abs=0.001)


@pytest.mark.parametrize("codec", CODECS, ids=IDS)
def test_a_silence_that_nothing_tells_of_is_heard_behind_it(codec: Codec) -> None:
    """GStreamer's `rtpopuspay dtx=true` leaves out all small packets: one in 0.4 s is left."""
    samples, packets = said(codec, 1.2)
    receiver = AudioReceiver({codec.payload_type: codec})
    sent = [*packets[:20], *(renumbered(each, -18) for each in packets[38:])]
    out = joined(heard(receiver, in_time(sent)))
    assert len(out) == len(samples) // 960 * 960 if codec is OPUS else len(out) >= 1.19 * codec.rate(RATE)
    quiet = out[round(0.5 * codec.rate(RATE)) : round(0.7 * codec.rate(RATE))]
    assert not quiet.any()
    assert receiver.counted.concealed == 0 and receiver.counted.lost == 0


def renumbered(packet: bytes, by: int) -> bytes:
    """The same packet under another sequence number."""
    (number,) = struct.unpack_from("!H", packet, 2)
    return packet[:2] + struct.pack("!H", (number + by) & 0xFFFF) + packet[4:]


def test_a_long_pause_is_not_filled() -> None:
    _, packets = said(OPUS, 0.4)
    sender = AudioSender(OPUS, SSRC, "us")
    first = sender.packet(frames(voice(0.02))[0], 0.0)
    second = sender.packet(frames(voice(0.02))[0], 60.0)
    assert first and second
    receiver = AudioReceiver({111: OPUS})
    assert len(heard(receiver, [(0, first), (60, second)])) == 2
    one, two = parse(first), parse(second)
    assert one and two and two.marker and abs(two.timestamp - one.timestamp - 60 * 48_000) < 960


def test_a_source_slower_than_the_clock_is_not_taken_for_a_silent_one() -> None:
    sender = AudioSender(OPUS, SSRC, "us")
    piece = frames(voice(0.02))[0]
    packets = [parse(sender.packet(piece, n * 0.0201) or b"") for n in range(2000)]
    stamps = [packet.timestamp for packet in packets if packet]
    assert {(b - a) & 0xFFFFFFFF for a, b in zip(stamps, stamps[1:], strict=False)} == {960}
    assert sum(packet.marker for packet in packets if packet) == 1


def test_more_than_anybody_says_is_dropped_as_a_flood_and_the_call_goes_on() -> None:
    receiver = AudioReceiver({111: OPUS})
    _, packets = said(OPUS, 20)
    flood = [frame for n, packet in enumerate(packets) for frame in receiver.take(packet, n * 0.001)]
    assert BUDGET * 50 <= len(flood) < BUDGET * 50 + 110
    assert receiver.counted.flooding == len(packets) - len(flood)
    sender = AudioSender(OPUS, SSRC + 1, "x")
    assert receiver.take(sender.packet(frames(voice(0.02))[0], 0) or b"", 10.0)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=12), st.integers(0, 200))
def test_whatever_is_sent_breaks_nothing_and_a_voice_behind_it_is_heard(
    payloads: list[bytes], start: int
) -> None:
    receiver, good = AudioReceiver({codec.payload_type: codec for codec in CODECS}), _good()
    for n, payload in enumerate(payloads):
        receiver.take(payload, n * 0.02)
        receiver.take(build([111, 0, 8, 9, 77][n % 5], start + n, n * 960, SSRC + n % 2, payload), n * 0.02)
        receiver.poll(n * 0.02 + 0.15)
    out = heard(receiver, [(10 + at, packet) for at, packet in in_time(good)])
    assert sum(frame.duration for _, frame in out) >= 0.02 * (len(good) - 2)


def _good(kept: list[bytes] = []) -> list[bytes]:  # noqa: B006 (made once)
    if not kept:
        sender = AudioSender(OPUS, 99, "good")
        kept += filter(None, (sender.packet(frame, 0) for frame in frames(voice(0.2))))
    return kept


def test_packets_of_no_agreed_codec_and_no_rtp_are_counted_and_dropped() -> None:
    receiver = AudioReceiver({111: OPUS})
    assert receiver.take(b"\x80", 0) == receiver.take(build(96, 1, 1, SSRC, b"x"), 0) == []
    assert receiver.take(build(111, 1, 1, SSRC, b"\xff" * 3), 0) == []
    counted = receiver.counted
    assert (counted.malformed, counted.foreign, counted.refused) == (1, 1, 1)
    assert receiver.take(build(111, 2, 1, SSRC, b""), 0) == [], "an empty one keeps the path alive"


def test_reports_tell_what_was_lost_and_the_encoder_prepares_for_it() -> None:
    sender, receiver = AudioSender(OPUS, SSRC, "us"), AudioReceiver({111: OPUS})
    protected: list[tuple[bool, int]] = []
    now = 0.0
    for n, frame in enumerate(frames(voice(6))):
        now = n * 0.02
        packet = sender.packet(frame, now)
        if packet is not None and n % 5:
            receiver.take(packet, now + 0.01)
            receiver.poll(now + 0.01)
        if n % 50 == 49:
            for report in rtcp.parse(sender.reports([], now, 1e9 + now)):
                receiver.told(report, now + 0.01)
            for report in rtcp.parse(rtcp.report(1, None, receiver.blocks(now + 0.02))):
                sender.told(report, now + 0.03)
            protected.append(sender._protection or (False, 0))
    assert protected[0][1] > 0 and protected[-1][0] and 15 <= protected[-1][1] <= 20
    assert sender.said.loss == pytest.approx(20, abs=3)
    assert sender.said.round_trip == pytest.approx(0.02, abs=0.001)
    assert sender.said.packets == 300
    assert receiver.reception is not None and receiver.reception.jitter < 0.001


def test_who_only_listens_sends_receiver_reports_and_a_goodbye() -> None:
    sender = AudioSender(OPUS, SSRC, "us")
    (report, goodbye) = rtcp.parse(sender.goodbye([], 1, 2))
    assert report.sent is None and goodbye.goodbye
    sender.told(rtcp.Report(1, blocks=(rtcp.Block(SSRC + 1, 255, 0, 0, 0),)), 1)
    assert sender.said.loss == 0, "it speaks of somebody else"


def test_packets_say_which_line_they_belong_to_and_how_loud_they_are() -> None:
    sender = AudioSender(OPUS, SSRC, "us", mid=(4, b"0"), level_id=2)
    packet = parse(sender.packet(frames(voice(0.02))[0], 0) or b"")
    assert packet is not None
    ids = dict(elements(packet))
    assert ids[4] == b"0" and 0 < ids[2][0] < 40
    assert level(np.zeros((1, 9), np.int16)) == 127
    assert level(np.full((1, 9), 32767, np.int16)) == 0
    long = AudioSender(OPUS, SSRC, "us", mid=(4, b"a name of any length"), level_id=200)
    packet = parse(long.packet(frames(voice(0.02))[0], 0) or b"")
    assert packet is not None
    assert dict(elements(packet)) == {4: b"a name of any length", 200: ids[2]}
    bare = parse(AudioSender(OPUS, SSRC, "us", mid=(4, b"0")).packet(frames(voice(0.02))[0], 0) or b"")
    assert bare is not None and dict(elements(bare)) == {4: b"0"}


SWIFT, PATIENT = 120, 312  # samples: 2.5 ms, and 4 more (RFC 6716 §2.1.2)


@pytest.mark.parametrize(
    ("options", "late"),
    [
        (OpusOptions(), SWIFT),
        (OpusOptions(bitrate=16_000), PATIENT),  # at which it codes speech in another way
        (OpusOptions(complexity=10), PATIENT),
        (OpusOptions(dtx=True), PATIENT),
        (OpusOptions(fec=True), PATIENT),
        (OpusOptions(expected_loss=5), PATIENT),
    ],
    ids=str,
)
def test_opus_is_four_milliseconds_quicker_where_its_other_way_would_not_be_used(
    options: OpusOptions, late: int
) -> None:
    if libopus.library() is None:
        pytest.skip("no libopus can be reached here")
    samples, packets = said(OPUS, options=options)
    sound = joined(heard(AudioReceiver({111: OPUS}), in_time(packets)))
    assert abs(lateness(sound, samples) - late) < 10


def test_from_a_reported_loss_on_packets_hold_copies_and_the_change_cannot_be_heard() -> None:
    if libopus.library() is None:
        pytest.skip("no libopus can be reached here")
    sender, samples, packets = AudioSender(OPUS, SSRC, "us"), voice(3.0), []
    for n, frame in enumerate(frames(samples)):
        if n == 75:
            sender.told(rtcp.Report(1, blocks=(rtcp.Block(SSRC, 64, 0, 0, 0),)), n * 0.02)
        packets.append(sender.packet(frame, n * 0.02) or b"")
    numbers = [packet for packet in map(parse, packets) if packet is not None]
    assert [one.sequence - numbers[0].sequence for one in numbers] == list(range(150))
    assert {(b.timestamp - a.timestamp) % 2**32 for a, b in zip(numbers, numbers[1:], strict=False)} == {960}
    sound, change = joined(heard(AudioReceiver({111: OPUS}), in_time(packets))), 75 * 960
    assert likeness(sound[:change], samples[:change], SWIFT) > 0.97
    assert likeness(sound[100 * 960 :], samples[100 * 960 :], PATIENT) > 0.97
    steps = np.abs(np.diff(sound.astype(int)))
    assert steps[change - 960 : change + 960].max() < 1.5 * steps[: change - 960].max(), "it is heard"
    alone = with_losses(packets[100:], [n % 5 > 0 or n == 0 for n in range(50)])
    assert likeness(alone, samples[100 * 960 :], PATIENT) > 0.9, "a copy brings back what was lost"


def test_a_piece_that_is_no_opus_packet_is_refused_with_a_reason() -> None:
    if libopus.library() is None:
        pytest.skip("no libopus can be reached here")
    encoder = libopus.Encoder(48_000, 1, bit_rate=48_000, complexity=5)
    for count in (100, 48_000):
        with pytest.raises(libopus.OpusFault):
            encoder.encode(np.zeros((1, count), np.int16))
    with pytest.raises(libopus.OpusFault):
        libopus.Encoder(44_100, 1, bit_rate=1, complexity=5)
    decoder = libopus.Decoder(48_000, 1)
    for count in (-1, 0, 7, 48_000):
        with pytest.raises(libopus.OpusFault):
            decoder.conceal(count)


def test_a_clock_that_is_faster_is_measured_through_jitter_and_a_wrap_of_its_timestamps() -> None:
    chance = random.Random(2)
    packet = _good()[0]
    payload = parse(packet)
    assert payload is not None
    for drift in (0.0001, -0.0002, 0.0):
        receiver = AudioReceiver({111: OPUS})
        begun = (1 << 32) - 960 * 1000
        for n in range(50 * 130):
            at = 0.02 * n / (1 + drift)
            data = build(111, n, begun + 960 * n, SSRC, payload.payload)
            receiver.take(data, at + chance.expovariate(1 / 0.004))
            assert n > 50 * 60 or receiver.drift == 0, "it is too early to tell"
        assert receiver.drift == pytest.approx(drift, abs=0.00001)
        assert receiver.reception is not None and receiver.reception.jitter < 0.01


def test_a_far_end_that_does_not_send_in_real_time_is_not_taken_for_a_clock() -> None:
    receiver, payload = AudioReceiver({111: OPUS}), parse(_good()[0])
    assert payload is not None and receiver.drift == 0
    for n in range(50 * 120):
        receiver.take(
            build(111, n, 960 * n, SSRC, payload.payload), 0.01 * n if n % 500 else 0.01 * n + 0.005
        )
        receiver.take(build(111, n, 960 * n, SSRC, payload.payload), 0.015 * n)
    assert abs(receiver.drift) <= 0.001


def test_a_key_among_the_packets_of_sound_is_heard_as_its_tones_and_tears_no_hole() -> None:
    """Its packets are numbered with those of the sound, and all bear the timestamp of its beginning."""
    _, packets = said(OPUS, 1)
    before, after = packets[:25], packets[25:]
    at, stamp = (parse(before[-1]) or build(0, 0, 0, 0, b"")), 0
    assert not isinstance(at, bytes)
    stamp = at.timestamp + 960
    events = [
        build(110, at.sequence + 1 + n, stamp, SSRC, keys.payload("5", 960 * (n + 1), end=n > 4))
        for n in range(8)
    ]
    moved = []
    for data in after:
        packet = parse(data)
        assert packet is not None
        moved.append(build(111, packet.sequence + 8, packet.timestamp + 8 * 960, SSRC, packet.payload))
    receiver = AudioReceiver({111: OPUS, 110: Codec("telephone-event", 110, 48_000)})
    out = heard(receiver, in_time([*before, *events, *moved]))
    detector = dtmf.Detector()
    assert "".join(detector.push(frame) for _, frame in out) == "5"
    counted = receiver.counted
    assert (counted.concealed, counted.lost, counted.restarts) == (0, 0, 0)
    assert sum(frame.duration for _, frame in out) == pytest.approx(1.0 + 0.2)
    assert receiver.reception is not None and receiver.reception.jitter < 0.001
