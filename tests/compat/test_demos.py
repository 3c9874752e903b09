"""The UIs of FastRTC's 26 demos, each in its shape, with stand-ins for what they buy from others.

What their handlers do is proved in test_reply_shapes.py and test_documented_shapes.py; here it is that each
demo's Stream or Blocks makes a page of Gradio 6 in which the right things are connected.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI

from rtstream import (
    AdditionalOutputs,
    AlgoOptions,
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    CloseStream,
    ReplyOnPause,
    ReplyOnStopWords,
    SileroVadOptions,
    Stream,
    UIArgs,
    WebRTCData,
    get_cloudflare_turn_credentials,
    get_cloudflare_turn_credentials_async,
    get_current_context,
    get_twilio_turn_credentials,
    wait_for_item,
)
from tests.conftest import run

gr = pytest.importorskip("gradio")

from rtstream import WebRTC  # noqa: E402 (it loads Gradio)

Audio = tuple[int, Any]
Chat = list[dict[str, str]]
LOGO = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"
SECRET = "a secret of the server's"
TURN = {"iceServers": [{"urls": "turn:turn.example.org", "username": "u", "credential": SECRET}]}

DEMOS: dict[str, Callable[[], Any]] = {}


def demo(make: Callable[[], Any]) -> Callable[[], Any]:
    """A demo, under its FastRTC name."""
    DEMOS[make.__name__] = make
    return make


# Handlers, of which only the signatures count.


def echo(audio: Audio) -> Iterator[Audio]:
    yield audio


def chatting(audio: Audio, chatbot: Chat | None = None) -> Iterator[Any]:
    yield AdditionalOutputs(chatbot)
    yield audio


def transcribing(audio: Audio, transcript: str) -> Iterator[Any]:
    yield AdditionalOutputs(transcript)


async def transcribing_later(audio: Audio, transcript: str) -> AsyncIterator[Any]:
    yield AdditionalOutputs(transcript)


def with_state(audio: Audio, chatbot: Chat | None = None, state: Chat | None = None) -> Iterator[Any]:
    yield AdditionalOutputs(chatbot, state)


class Live(AsyncStreamHandler):
    """The shape of the demos that pass sound on to a realtime model."""

    def __init__(self) -> None:
        super().__init__(expected_layout="mono", output_sample_rate=24000, input_sample_rate=24000)
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    def copy(self) -> Live:
        return type(self)()

    async def start_up(self) -> None:
        await self.wait_for_args()

    async def receive(self, frame: Audio) -> None:
        self.queue.put_nowait(frame)

    async def emit(self) -> Any:
        return await wait_for_item(self.queue)


class LiveWithCamera(Live, AsyncAudioVideoStreamHandler):
    async def video_receive(self, frame: Any) -> None: ...
    async def video_emit(self) -> Any:
        return np.zeros((100, 100, 3), np.uint8)


def newest(*values: Any) -> Any:
    """The new values, which stand behind those that the components had."""
    return values[-1] if len(values) == 2 else values[len(values) // 2 :]


async def turn_by_key() -> dict[str, Any]:
    return TURN


# The demos, in the order of their names.


@demo
def echo_audio() -> Any:
    stream = Stream(
        ReplyOnPause(echo),
        modality="audio",
        mode="send-receive",
        ui_args={"title": "Echo"},
        rtc_configuration=get_twilio_turn_credentials,
        time_limit=90,
    )
    stream.mount(FastAPI())
    return stream.ui


@demo
def gemini_audio_video() -> Any:
    image = gr.Image(label="Image", type="numpy", sources=["upload", "clipboard"])
    stream = Stream(
        LiveWithCamera(),
        modality="audio-video",
        mode="send-receive",
        rtc_configuration=get_cloudflare_turn_credentials_async,
        time_limit=180,
        additional_inputs=[image],
        ui_args={
            "icon": LOGO,
            "pulse_color": "rgb(255, 255, 255)",
            "icon_button_color": "rgb(255, 255, 255)",
        },
    )
    with gr.Blocks() as blocks, gr.Row():
        with gr.Column():
            webrtc = WebRTC(
                label="Video Chat",
                modality="audio-video",
                mode="send-receive",
                elem_id="video-source",
                rtc_configuration=get_cloudflare_turn_credentials_async,
                icon=LOGO,
                pulse_color="rgb(255, 255, 255)",
                icon_button_color="rgb(255, 255, 255)",
            )
        with gr.Column():
            image = gr.Image(label="Image", type="numpy", sources=["upload", "clipboard"])
        webrtc.stream(LiveWithCamera(), inputs=[webrtc, image], outputs=[webrtc], time_limit=180)
    stream.ui = blocks
    return stream.ui


@demo
def gemini_conversation() -> Any:
    one = Stream(Live(), modality="audio", mode="send-receive", ui_args={"title": "One"})
    two = Stream(Live(), modality="audio", mode="send-receive", ui_args={"title": "Two"})
    return gr.TabbedInterface([one.ui, two.ui], ["One", "Two"])


@demo
def gpt_oss() -> Any:
    chatbot = gr.Chatbot(label="Conversation")
    with gr.Blocks() as blocks:
        stream = Stream(
            ReplyOnPause(chatting, startup_fn=partial(echo, (24000, np.zeros((1, 480), np.int16)))),
            modality="audio",
            mode="send-receive",
            additional_inputs=[chatbot],
            additional_outputs=[chatbot],
            additional_outputs_handler=lambda old, new: new,
            rtc_configuration=get_cloudflare_turn_credentials,
            server_rtc_configuration=TURN,
            ui_args={"title": "Talk", "hide_title": True},
            concurrency_limit=20,
            time_limit=300,
        )
        gr.Markdown("# Talk")
        show: Callable[[], Any] = stream.ui.render
        show()
    return blocks


@demo
def hello_computer() -> Any:
    chatbot, state = gr.Chatbot(), gr.State(value=[])
    return Stream(
        ReplyOnStopWords(with_state, stop_words=["computer"], input_sample_rate=16000),
        mode="send",
        modality="audio",
        additional_inputs=[chatbot, state],
        additional_outputs=[chatbot, state],
        additional_outputs_handler=lambda *a: (a[2], a[3]),
        concurrency_limit=5,
        time_limit=90,
    ).ui


@demo
def integrated_textbox() -> Any:
    def response(
        data: WebRTCData, conversation: Chat, token: str, model: str, provider: str
    ) -> Iterator[Any]:
        yield AdditionalOutputs(conversation)

    with gr.Blocks() as blocks:
        token = gr.Textbox(label="Token", type="password")
        model = gr.Dropdown(["small", "large"], allow_custom_value=True)
        provider = gr.Textbox(label="Provider", value="local")
        chatbot = gr.Chatbot(height=600)
        webrtc = WebRTC(modality="audio", mode="send", variant="textbox")
        webrtc.stream(
            ReplyOnPause(response),
            inputs=[webrtc, chatbot, token, model, provider],
            outputs=[chatbot],
            concurrency_limit=100,
        )
        webrtc.on_additional_outputs(lambda old, new: new, inputs=[chatbot], outputs=[chatbot])
    return blocks


@demo
def llama_code_editor() -> Any:
    def generate(audio: Audio, history: Chat, code: str) -> Iterator[Any]:
        yield AdditionalOutputs(history, code)

    with gr.Blocks() as blocks:
        history = gr.State([{"role": "system", "content": "You write pages."}])
        with gr.Row():
            with gr.Column(scale=1):
                webrtc = WebRTC(rtc_configuration=turn_by_key, mode="send", modality="audio")
            with gr.Column(scale=10), gr.Tabs():
                with gr.Tab("Sandbox"):
                    sandbox = gr.HTML("<p>nothing yet</p>")
                with gr.Tab("Code"):
                    code = gr.Code(language="html", interactive=False)
                with gr.Tab("Chat"):
                    chat = gr.Chatbot()
        webrtc.stream(ReplyOnPause(generate), inputs=[webrtc, history, code], outputs=[webrtc], time_limit=90)
        webrtc.on_additional_outputs(
            lambda history, code: (history, code, history),
            outputs=[history, code, chat],
            concurrency_limit=10,
        )
        code.change(lambda html: html, code, sandbox)
    stream = Stream(
        ReplyOnPause(generate),
        modality="audio",
        mode="send-receive",
        additional_inputs=[gr.State([]), gr.Code(language="html")],
        concurrency_limit=10,
        time_limit=90,
    )
    stream.ui = blocks
    return stream.ui


@demo
def llm_voice_chat() -> Any:
    chatbot = gr.Chatbot()
    return Stream(
        modality="audio",
        mode="send-receive",
        handler=ReplyOnPause(chatting, input_sample_rate=16000),
        additional_outputs_handler=lambda a, b: b,
        additional_inputs=[chatbot],
        additional_outputs=[chatbot],
        ui_args={"title": "Voice chat"},
        concurrency_limit=5,
        time_limit=90,
    ).ui


@demo
def moonshine_live() -> Any:
    transcript = gr.Textbox(label="Transcript")
    return Stream(
        ReplyOnPause(transcribing),
        modality="audio",
        mode="send",
        ui_args={"title": "Live captions", "icon": LOGO, "icon_radius": 30},
        additional_inputs=[transcript],
        additional_outputs=[transcript],
        additional_outputs_handler=lambda a, b: b,
    ).ui


@demo
def nextjs_voice_chat() -> Any:
    stream = Stream(
        ReplyOnPause(
            echo,
            algo_options=AlgoOptions(audio_chunk_duration=0.5, started_talking_threshold=0.1),
            model_options=SileroVadOptions(threshold=0.75, min_speech_duration_ms=250),
        ),
        modality="audio",
        mode="send-receive",
    )
    stream.mount(FastAPI())
    return stream.ui


@demo
def object_detection() -> Any:
    def detect(image: Any, conf_threshold: float = 0.3) -> Any:
        return image

    return Stream(
        detect,
        modality="video",
        mode="send-receive",
        additional_inputs=[gr.Slider(0, 1, step=0.01, value=0.3)],
        rtc_configuration=get_twilio_turn_credentials,
        concurrency_limit=2,
    ).ui


@demo
def patient_intake() -> Any:
    def intake(audio: Audio) -> Iterator[Any]:
        yield AdditionalOutputs([get_current_context().webrtc_id])
        yield CloseStream()

    chatbot = gr.Chatbot(label="Intake")
    return Stream(
        ReplyOnPause(intake, startup_fn=lambda: iter(())),
        modality="audio",
        mode="send-receive",
        additional_outputs=[chatbot],
        additional_outputs_handler=lambda old, new: new,
        ui_args={"title": "Intake", "subtitle": "Before you come"},
    ).ui


@demo
def phonic_chat() -> Any:
    state, chatbot = gr.State([]), gr.Chatbot(label="Chat")
    return Stream(
        Live(),
        mode="send-receive",
        modality="audio",
        additional_inputs=[gr.Dropdown(["katherine", "grant"], value="katherine", label="Voice"), state],
        additional_outputs=[state, chatbot],
        additional_outputs_handler=lambda state, chat, new: ([*state, new], [*chat, new]),
        ui_args={"title": "Phonic"},
    ).ui


@demo
def qwen_phone_chat() -> Any:
    app, stream = FastAPI(), Stream(Live(), mode="send-receive", modality="audio", concurrency_limit=20)

    @app.post("/telephone/incoming")
    async def incoming() -> dict[str, int]:
        return {"live": len(stream.connections)}

    stream.mount(app)
    state = gr.State(value=[])
    with gr.Blocks() as blocks:
        gr.HTML(f"<p>Call us; {stream.concurrency_limit} of you at once</p>")
        state.render()
    stream.ui = blocks
    return stream.ui


@demo
def send_text_or_audio() -> Any:
    def response(audio: Audio, chatbot: Chat | None = None, text: str = "") -> Iterator[Any]:
        yield AdditionalOutputs(chatbot)

    chatbot, text = gr.Chatbot(), gr.Textbox(label="Text")
    stream = Stream(
        ReplyOnPause(response, input_sample_rate=16000),
        mode="send",
        modality="audio",
        additional_inputs=[chatbot, text],
        additional_outputs=[chatbot],
        additional_outputs_handler=lambda old, new: new,
        ui_args=UIArgs(send_input_on="submit"),
    )
    assert stream.webrtc_component.handlers == stream.handlers == {}
    return stream.ui


def _realtime() -> Any:
    chatbot = gr.Chatbot()
    latest = gr.Textbox(visible=False)
    return Stream(
        Live(),
        mode="send-receive",
        modality="audio",
        additional_inputs=[chatbot],
        additional_outputs=[chatbot],
        additional_outputs_handler=lambda chatbot, new: [*chatbot, new],
        rtc_configuration=None if latest is None else get_twilio_turn_credentials,
        concurrency_limit=5,
        time_limit=90,
    ).ui


DEMOS["talk_to_azure_openai"] = DEMOS["talk_to_openai"] = _realtime


@demo
def talk_to_claude() -> Any:
    chatbot = gr.Chatbot()
    return Stream(
        ReplyOnPause(chatting),
        modality="audio",
        mode="send-receive",
        additional_inputs=[chatbot],
        additional_outputs=[chatbot],
        additional_outputs_handler=newest,
        rtc_configuration=get_twilio_turn_credentials,
        concurrency_limit=5,
        time_limit=90,
    ).ui


@demo
def talk_to_gemini() -> Any:
    return Stream(
        modality="audio",
        mode="send-receive",
        handler=Live(),
        rtc_configuration=get_cloudflare_turn_credentials_async,
        concurrency_limit=None,
        time_limit=90,
        additional_inputs=[
            gr.Textbox(label="API Key", type="password", value=""),
            gr.Dropdown(label="Voice", choices=["Puck", "Charon"], value="Puck"),
        ],
        ui_args={
            "icon": LOGO,
            "title": "Gemini",
            "pulse_color": "rgb(255, 255, 255)",
            "icon_button_color": "rgb(255, 255, 255)",
            "send_input_on": "submit",
        },
    ).ui


@demo
def talk_to_llama4() -> Any:
    chatbot = gr.Chatbot(label="Transcript", buttons=[])
    return Stream(
        ReplyOnPause(echo),
        modality="audio",
        mode="send-receive",
        additional_outputs=[chatbot],
        additional_outputs_handler=lambda old, new: new,
        ui_args={"title": "Llama"},
    ).ui


@demo
def talk_to_sambanova() -> Any:
    chatbot, state = gr.Chatbot(), gr.State(value=[])
    return Stream(
        ReplyOnPause(with_state, input_sample_rate=16000),
        mode="send",
        modality="audio",
        additional_inputs=[chatbot, state],
        additional_outputs=[chatbot, state],
        additional_outputs_handler=lambda *a: (a[2], a[3]),
        concurrency_limit=20,
        time_limit=90,
        rtc_configuration=get_cloudflare_turn_credentials_async,
        server_rtc_configuration=TURN,
    ).ui


@demo
def talk_to_smolagents() -> Any:
    stream = Stream(
        ReplyOnPause(echo, input_sample_rate=16000),
        modality="audio",
        mode="send-receive",
        ui_args={"title": "An agent", "subtitle": "that looks things up"},
        rtc_configuration=turn_by_key,
    )
    return stream.ui


@demo
def voice_text_editor() -> Any:
    document = gr.Textbox(label="Document", lines=10)
    return Stream(
        ReplyOnPause(transcribing),
        modality="audio",
        mode="send",
        additional_inputs=[document],
        additional_outputs=[document],
        additional_outputs_handler=lambda prev, current: current,
        ui_args={"title": "Edit by voice"},
    ).ui


DEMOS["voice_text_editor_local"] = voice_text_editor


@demo
def webrtc_vs_websocket() -> Any:
    chatbot = gr.Chatbot()
    stream = Stream(
        ReplyOnPause(chatting, output_sample_rate=24000, input_sample_rate=24000),
        modality="audio",
        mode="send-receive",
        additional_inputs=[chatbot],
        additional_outputs=[chatbot],
        additional_outputs_handler=lambda a, b: b,
    )
    stream.mount(FastAPI(), path="/voice")
    return stream.ui


@demo
def whisper_realtime() -> Any:
    transcript = gr.Textbox(label="Transcript")
    return Stream(
        ReplyOnPause(transcribing_later),
        modality="audio",
        mode="send",
        additional_inputs=[transcript],
        additional_outputs=[transcript],
        additional_outputs_handler=lambda a, b: a + b,
        rtc_configuration=get_twilio_turn_credentials,
        concurrency_limit=20,
        time_limit=90,
    ).ui


@demo
def additional_outputs_of_the_documentation() -> Any:
    with gr.Blocks() as blocks:
        convo = gr.State(value=[])
        audio = WebRTC(label="Stream", mode="send", modality="audio")
        transcript = gr.Chatbot(label="transcript")
        audio.stream(
            ReplyOnPause(with_state), inputs=[audio, convo, transcript], outputs=[audio], time_limit=90
        )
        audio.on_additional_outputs(
            lambda s, a: (s, a), outputs=[convo, transcript], queue=False, show_progress="hidden"
        )
    return blocks


WITHOUT_COMPONENT = ("qwen_phone_chat",)  # whose page is a text


def test_there_are_26_and_what_the_documentation_shows() -> None:
    assert len(DEMOS) == 27


@pytest.mark.parametrize("name", DEMOS)
def test_the_demo_makes_a_page(name: str) -> None:
    async def make() -> Any:
        return DEMOS[name]()

    blocks = run(make())  # outside of a loop Gradio makes some, and leaves them behind
    assert isinstance(blocks, gr.Blocks)
    config = blocks.get_config_file()
    page = json.dumps(config, default=repr)
    assert SECRET not in page, "the server's own credentials are not part of it"
    components = [one for one in config["components"] if one["type"] == "html" and "<rt-stream>" in str(one)]
    assert bool(components) is (name not in WITHOUT_COMPONENT)
    events = {event for one in config["dependencies"] for _, event in one["targets"]}
    assert not components or {"tick", "submit"} <= events
    ids = {one["id"] for one in config["components"]}
    wired = {id for one in config["dependencies"] for id in (*one["inputs"], *one["outputs"])}
    assert wired <= ids, "all that is connected is in the page"
