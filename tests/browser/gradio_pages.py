"""The server of the tests in Gradio: the nine cells' built-in UI, and Blocks of one's own.

Run as a program: `python -m tests.browser.gradio_pages PORT [NAME…]`, for some of them only.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np
import uvicorn
from fastapi import FastAPI

from rtstream import (
    AdditionalOutputs,
    ReplyOnPause,
    Stream,
    UIArgs,
    WebRTC,
    WebRTCData,
    WebRTCError,
    get_current_context,
)
from tests.browser.pages import RAW, Sound, brightest, echo, ice_servers, loudest, streams, tone

CELLS = [f"{modality}-{mode}" for modality in ("audio", "video", "audio-video")
         for mode in ("send-receive", "send", "receive")]  # fmt: skip
ICON = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'/%3E"

gains: list[tuple[float, float]] = []  # each gain that a handler was given first, and when


class Louder:
    """Plays what it hears at a gain, and tells four times a second what it did, in three ways."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()

    def __call__(self, sound: Sound, gain: float) -> Any:
        if not gains or gains[-1][0] != gain:
            gains.append((gain, time.time() * 1000))
        if gain > 9:
            raise WebRTCError(f"gain {gain:g} is too loud")
        id = get_current_context().webrtc_id
        self.heard[id] += 1
        rate, samples = sound
        louder = rate, (samples * gain).clip(-32768, 32767).astype(np.int16)
        if self.heard[id] % 12:
            return louder
        said = {"role": "assistant", "content": f"gain {gain:g}"}
        return louder, AdditionalOutputs(time.time() * 1000, f"at gain {gain:g}", [said])


def newest(*values: Any) -> Any:
    """The additional outputs' own values, without what the components had."""
    return values[len(values) // 2 :]


def answer(data: WebRTCData, history: list[Any]) -> Iterator[Any]:
    """Answers a text by itself in capitals, and speech by its length."""
    assert data.audio is not None
    rate, samples = data.audio
    said = data.textbox or f"{samples.size / rate:.1f} seconds"
    history.append({"role": "user", "content": said})
    yield AdditionalOutputs(history)
    history.append({"role": "assistant", "content": said.upper()})
    yield AdditionalOutputs(history)


def everything() -> Stream:
    return Stream(
        Louder(),
        modality="audio",
        track_constraints=RAW,
        concurrency_limit=None,
        rtc_configuration=ice_servers,
        additional_inputs=[gr.Slider(0, 10, 1, label="Gain")],
        additional_outputs=[
            gr.Number(label="When"),
            gr.Textbox(label="What"),
            gr.Chatbot(label="Chat", height=200),
        ],
        additional_outputs_handler=newest,
        ui_args=UIArgs(
            title="A title", subtitle="and what is below it", icon=ICON, icon_button_color="rgb(0, 80, 0)"
        ),
        verbose=False,
    )


def texting() -> Stream:
    chat = gr.Chatbot(label="Chat", height=300)
    return Stream(
        ReplyOnPause(answer),
        modality="audio",
        mode="send",
        track_constraints=RAW,
        additional_inputs=[chat],
        additional_outputs=[chat],
        additional_outputs_handler=lambda old, new: new,
        ui_args=UIArgs(variant="textbox", hide_title=True),
        verbose=False,
    )


def by_button() -> Stream:
    return Stream(
        Louder(),
        modality="audio",
        track_constraints=RAW,
        additional_inputs=[gr.Slider(0, 10, 1, label="Gain")],
        ui_args=UIArgs(send_input_on="submit"),
        verbose=False,
    )


def blocks_of_ones_own() -> tuple[gr.Blocks, WebRTC]:
    """Two components, a button that starts one, one that changes it, one that hides it, and its events."""
    with gr.Blocks() as blocks:
        radio = WebRTC(mode="receive", modality="audio", elem_id="radio", rtc_configuration=ice_servers)
        start, slow, hide = gr.Button("Play"), gr.Button("Change"), gr.Button("Hide")
        log, ids = gr.Textbox(label="Log"), gr.Textbox(label="Id")
        radio.stream(tone, inputs=None, outputs=[radio], trigger=start.click, time_limit=300)
        slow.click(lambda: gr.update(time_limit=77, icon_radius=9), None, radio)
        hide.click(lambda: gr.update(visible=False), None, radio)
        radio.start_recording(lambda: "started", None, log)
        radio.stop_recording(lambda: "stopped", None, log)
        radio.state(lambda id: id, radio, ids)
    return blocks, radio


def application(names: list[str]) -> FastAPI:
    """The app: `/live` counts connections, `/{name}/seen` tells what those of a stream have brought."""
    app = FastAPI()
    cells = {name: stream for name, stream in streams().items() if name in CELLS}
    single = Stream(echo, modality="audio", verbose=False, track_constraints=RAW)
    built_in = {
        **cells,
        "everything": everything(),
        "texting": texting(),
        "button": by_button(),
        "one": single,
    }
    own, radio = blocks_of_ones_own()
    engines = {**built_in, "own": radio.connected()}

    @app.get("/live")
    async def live() -> int:
        return sum(len(engine.sessions) for engine in engines.values())

    @app.get("/gains")
    async def seen_gains() -> list[tuple[float, float]]:
        return gains

    @app.get("/{name}/seen")
    async def seen(name: str) -> list[dict[str, float]]:
        peaks = {"loudest": loudest.get(name, 0.0), "brightest": brightest.get(name, 0.0)}
        return [{"frames": session.stats.frames_in, **peaks} for session in engines[name].sessions]

    for name in names or built_in:
        stream = built_in[name]
        stream.mount(app, f"/api/{name}")
        app = gr.mount_gradio_app(app, stream.ui, path=f"/{name}", footer_links=[])
    mounted: FastAPI = gr.mount_gradio_app(app, own, path="/own", footer_links=[])
    return mounted


if __name__ == "__main__":
    os.environ.setdefault("RTSTREAM_ICE_ADDRESSES", "127.0.0.1")
    uvicorn.run(
        application(sys.argv[2:]), port=int(sys.argv[1]), log_level="error", timeout_graceful_shutdown=1
    )
