"""Row P6: a minute of sound through `rtstream test-file --via direct`: how fast, and whether always alike.

    python benchmarks/direct.py [--seconds 60] [--runs 10]

"media" is what the run itself took, as test-file reports it; "command" is the whole program, from its
start to its exit, with reading and writing the files. ReplyOnPause hears Debian's alsa-utils speak, and
says each phrase back; the echoes hear something like a voice. FastRTC and aiortc have nothing like it:
they need the minute.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np
from harness import report, speech
from harness.processes import HERE

TARGETS = {"handlers.py:AsyncEcho": 100.0, "parrot.py:reply_on_pause": 50.0}  # times real time
RATE = speech.RATE
ECHOES = [f"handlers.py:{name}" for name in ("AsyncEcho", "async_function", "plain_function", "SyncEcho")]


def murmur(seconds: int) -> speech.Samples:
    """Something like speech: a voice with pauses, and a breath of noise."""
    t = np.arange(seconds * RATE) / RATE
    voice = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 12)) * np.clip(
        np.sin(2 * np.pi * 0.7 * t), 0, 1
    )
    noise = np.random.default_rng(3).standard_normal(t.size)
    return np.clip(5000 * voice + 50 * noise, -32768, 32767).astype(np.int16)


def record(path: Path, samples: speech.Samples) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.astype("<i2").tobytes())


def run(folder: Path, recording: Path, handler: str) -> tuple[float, float, str]:
    """Seconds that the media took and that the command took, and the hash of what came out."""
    out = folder / "out.wav"
    command = [str(Path(sys.executable).parent / "rtstream"), "test-file", str(recording)]
    command += [
        str(HERE / "servers" / handler),
        "--via",
        "direct",
        "--out",
        str(out),
        "--json",
    ]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    took = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr[-2000:]}")
    row = json.loads(done.stdout)["rows"][0]
    return row["took"], took, hashlib.sha256(out.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=10)
    args = parser.parse_args()
    report.title("P6: a recording through a handler, direct")
    rows, judged = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recordings = dict.fromkeys(ECHOES, folder / "murmur.wav")
        record(folder / "murmur.wav", murmur(args.seconds))
        if speech.ALSA.is_dir():
            recordings["parrot.py:reply_on_pause"] = folder / "speech.wav"
            record(folder / "speech.wav", np.resize(speech.talk(1.5, 0.5).sound, args.seconds * RATE))
        else:
            report.note("ReplyOnPause: skipped (it needs alsa-utils, for somebody who speaks)")
        for handler, recording in recordings.items():
            report.progress(handler)
            runs = [run(folder, recording, handler) for _ in range(args.runs)]
            media, command = (
                report.middle([each[0] for each in runs]),
                report.middle([each[1] for each in runs]),
            )
            hashes = {each[2] for each in runs}
            speed, whole = args.seconds / media, args.seconds / command
            rows.append(
                (
                    handler,
                    f"{media:.2f} s",
                    f"{speed:.0f} ×",
                    f"{command:.2f} s",
                    f"{whole:.0f} ×",
                    len(hashes),
                )
            )
            judged.append((handler, speed, whole, hashes))
    report.table(
        (
            f"{args.seconds} s of sound, {args.runs} runs, medians",
            "media",
            "speed",
            "command",
            "speed",
            "different outputs",
        ),
        rows,
    )
    for handler, speed, whole, hashes in judged:
        if (least := TARGETS.get(handler)) is None:
            continue
        measured = (
            f"{speed:.0f} × (command {whole:.0f} ×), {len(hashes)} different output(s): {min(hashes)[:16]}…"
        )
        target = f"≥ {least:g} × real time, same bytes each time"
        report.verdict(
            f"P6 ({handler.partition(':')[2]})", target, measured, speed >= least and len(hashes) == 1
        )


if __name__ == "__main__":
    main()
