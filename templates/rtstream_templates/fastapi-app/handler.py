"""An app of your own: FastAPI serves its routes, rtstream those under `/voice`."""

import numpy as np
from fastapi import FastAPI

from rtstream import Stream


def whisper(audio: tuple[int, np.ndarray]) -> tuple[int, np.ndarray]:
    """Answer 20 ms of sound with the same sound at half its loudness."""
    rate, samples = audio
    return rate, samples // 2


stream = Stream(whisper, modality="audio", mode="send-receive", concurrency_limit=10)

app = FastAPI()
stream.mount(app, path="/voice")


@app.get("/calls")
def calls() -> dict[str, int]:
    """How many people are talking right now."""
    return {"live": len(stream.sessions)}
