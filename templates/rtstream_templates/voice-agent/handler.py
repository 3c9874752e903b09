"""A voice agent: it hears what you say, thinks of an answer, and speaks it."""

import os
from collections.abc import Iterator
from datetime import datetime

import httpx
import numpy as np

from rtstream import AdditionalOutputs, get_stt_model, get_tts_model

stt = get_stt_model("pocketsphinx")
tts = get_tts_model("espeak")


def agent(audio: tuple[int, np.ndarray]) -> Iterator[tuple[int, np.ndarray] | AdditionalOutputs]:
    """Answer one turn: the transcripts of both sides go to the page, the answer is heard."""
    question = stt.stt(audio)
    yield AdditionalOutputs({"role": "user", "content": question})
    answer = (ask_model if "OPENAI_BASE_URL" in os.environ else follow_rules)(question)
    yield AdditionalOutputs({"role": "assistant", "content": answer})
    yield from tts.stream_tts_sync(answer)


def follow_rules(question: str) -> str:
    """A bot that needs nothing: a few rules."""
    if "forward" in question:
        return f"All right. I {question}."
    if "time" in question:
        return f"It is {datetime.now():%H:%M}."
    return f"You said: {question}. Ask me for the time, or to go forward." if question else "Pardon?"


def ask_model(question: str) -> str:
    """What a service with OpenAI's chat completions says: the environment tells which."""
    key, model = os.environ.get("OPENAI_API_KEY", "none"), os.environ.get("OPENAI_MODEL", "gpt-4o-mini")
    wanted = {"model": model, "messages": [{"role": "user", "content": question}]}
    url = os.environ["OPENAI_BASE_URL"].rstrip("/") + "/chat/completions"
    reply = httpx.post(url, json=wanted, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    return reply.raise_for_status().json()["choices"][0]["message"]["content"]
