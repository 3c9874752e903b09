"""The handler shapes of FastRTC's 17 `ReplyOnPause` demos, with stand-ins for their models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import numpy as np
import pytest

from rtstream import (
    AdditionalOutputs,
    AlgoOptions,
    CloseStream,
    ReplyOnPause,
    ReplyOnStopWords,
    SileroVadOptions,
    Stream,
    WebRTCError,
    aggregate_bytes_to_16bit,
    audio_to_float32,
    audio_to_int16,
    get_current_context,
)
from rtstream.clock import Clock
from rtstream.handlers.spotting import TextSpotter
from rtstream.media.frames import AudioFrame
from rtstream.session.outcome import EndReason
from rtstream.transports.memory import MemoryTransport

from ..helpers.dialogs import Dialog, silence, talk
from ..helpers.recordings import RATE, go_forward

Audio = tuple[int, np.ndarray]

ONE = np.concatenate([silence(0.5), go_forward().samples, silence(1.5)])
TWO = np.concatenate([ONE, go_forward().samples, silence(1.5)])


# Stand-ins.


class Models:
    """What the demos call: speech to text, a language model, text to speech."""

    def stt(self, audio: Audio) -> str:
        rate, samples = audio
        assert samples.ndim == 2 and samples.shape[0] == 1
        return f"{samples.size / rate:.0f} seconds" if samples.size else ""

    def answer(self, messages: list[dict[str, str]]) -> str:
        return f"answer {len(messages)}"

    def tts(self, text: str) -> Iterator[Audio]:
        for _ in range(3):
            yield 24000, np.full(2400, 0.25, np.float32)

    def tts_bytes(self, text: str) -> Iterator[bytes]:
        """In pieces that do not end between samples."""
        whole = np.full(7200, 8000, np.int16).tobytes()
        for at in range(0, len(whole), 1001):
            yield whole[at : at + 1001]


models = Models()


class Page:
    """A page that keeps state: it answers each `send_input`, and reads each output into its state."""

    def __init__(self, *state: Any) -> None:
        self.state: tuple[Any, ...] = state
        self.seen: list[tuple[Any, ...]] = []

    async def __call__(self, stream: Stream, line: MemoryTransport) -> None:
        reading = asyncio.ensure_future(self.read(stream))
        answering = asyncio.ensure_future(self.answer(stream, line))
        await Clock().sleep(len(TWO) / RATE + 1)
        for task in (reading, answering):
            task.cancel()

    async def read(self, stream: Stream) -> None:
        async for outputs in stream.output_stream("dialog"):
            self.seen.append(outputs.args)
            self.state = outputs.args

    async def answer(self, stream: Stream, line: MemoryTransport) -> None:
        answered = 0
        while True:
            await line.until(lambda before=answered: asked(line) > before)  # type: ignore[misc]
            answered = asked(line)
            stream.set_input("dialog", *self.state)


def asked(line: MemoryTransport) -> int:
    return sum(json.loads(text)["type"] == "send_input" for text in line.messages)


def run(
    handler: Any,
    said: Any = TWO,
    *,
    page: Callable[..., Awaitable[None]] | None = None,
    mode: str = "send-receive",
) -> Dialog:
    dialog = talk(handler, said, meanwhile=page, mode=mode)
    assert dialog.session.errors == []
    return dialog


def lengths(dialog: Dialog) -> list[float]:
    return [round(end - begun, 1) for begun, end in dialog.spans]


# Sound for sound.


def test_echo_audio() -> None:
    def detection(audio: Audio) -> Iterator[Audio]:
        yield audio

    dialog = run(ReplyOnPause(detection))
    heard = sum(frame.duration for _, frame in dialog.line.heard if isinstance(frame, AudioFrame))
    assert heard > 3.5  # both sentences: the second is spoken over the end of the first one's echo


def test_talk_to_smolagents() -> None:
    def process_response(audio: Audio) -> Iterator[Audio]:
        text = models.stt(audio)
        if not text.strip():
            return
        yield from models.tts(text)

    assert lengths(run(ReplyOnPause(process_response))) == [0.3, 0.3]


def test_nextjs_voice_chat() -> None:
    """With every option of FastRTC's tuned, and sound as flat bytes."""

    def echo(audio: Audio) -> Iterator[Any]:
        assert audio_to_float32(audio[1]).dtype == np.float32
        for chunk in aggregate_bytes_to_16bit(models.tts_bytes(models.stt(audio))):
            yield 24000, chunk

    options = AlgoOptions(audio_chunk_duration=0.5, started_talking_threshold=0.1, speech_threshold=0.03)
    silero = SileroVadOptions(
        threshold=0.75,
        min_speech_duration_ms=250,
        min_silence_duration_ms=1500,
        speech_pad_ms=400,
        max_speech_duration_s=15,
    )
    with pytest.warns(UserWarning, match="min_silence_duration_ms=1500 is not looked at"):
        handler = ReplyOnPause(echo, algo_options=options, model_options=silero)
        assert lengths(run(handler)) == [0.3, 0.3]


# A chat, which goes round through the page.


def chat(audio: Audio, chatbot: list[dict[str, str]] | None = None) -> Iterator[Any]:
    chatbot = chatbot or []
    chatbot.append({"role": "user", "content": models.stt(audio)})
    yield AdditionalOutputs(chatbot)
    chatbot.append({"role": "assistant", "content": models.answer(chatbot)})
    yield from models.tts(chatbot[-1]["content"])
    yield AdditionalOutputs(chatbot)


def expect_chat(dialog: Dialog, page: Page) -> None:
    assert lengths(dialog) == [0.3, 0.3]
    (chatbot,) = page.state
    assert [message["role"] for message in chatbot] == ["user", "assistant"] * 2
    assert [message["content"] for message in chatbot if message["role"] == "assistant"] == [
        "answer 1",
        "answer 3",
    ]
    assert len(page.seen) == 4


def test_llm_voice_chat() -> None:
    page = Page([])
    expect_chat(run(ReplyOnPause(chat), page=page), page)


def test_llm_voice_chat_on_the_telephone() -> None:
    """Nobody sends inputs there: each turn takes what the one before put out."""
    histories: list[int] = []

    def response(audio: Audio, chatbot: list[dict[str, str]] | None = None) -> Iterator[Any]:
        histories.append(len(chatbot or []))
        yield from chat(audio, chatbot)

    def line() -> MemoryTransport:
        return MemoryTransport(rate=8000, phone=True, lead=0.2)

    dialog = talk(ReplyOnPause(response), TWO, line=line)
    assert dialog.session.errors == [] and histories == [0, 2]


def test_talk_to_claude() -> None:
    """Sound as rows of int16 out of bytes."""

    def response(audio: Audio, chatbot: list[dict[str, str]] | None = None) -> Iterator[Any]:
        for value in chat(audio, chatbot):
            if isinstance(value, AdditionalOutputs):
                yield value
                continue
            rate, samples = value
            raw = audio_to_int16(samples).tobytes()
            yield rate, np.frombuffer(raw, dtype=np.int16).reshape(1, -1)

    page = Page([])
    expect_chat(run(ReplyOnPause(response), page=page), page)


def test_webrtc_vs_websocket() -> None:
    """24 kHz both ways, and the layout named."""

    def response(audio: Audio, chatbot: list[dict[str, str]] | None = None) -> Iterator[Any]:
        assert audio[0] == 24000
        chatbot = chatbot or []
        chatbot.append({"role": "user", "content": models.stt(audio)})
        yield AdditionalOutputs(chatbot)
        chatbot.append({"role": "assistant", "content": models.answer(chatbot)})
        for chunk in aggregate_bytes_to_16bit(models.tts_bytes("")):
            yield 24000, np.frombuffer(chunk, dtype=np.int16).reshape(1, -1), "mono"
        yield AdditionalOutputs(chatbot)

    page = Page([])
    expect_chat(
        run(ReplyOnPause(response, output_sample_rate=24000, input_sample_rate=24000), page=page), page
    )


def test_gpt_oss() -> None:
    """State by connection, and an error for the client's eyes."""
    conversations: dict[str, list[dict[str, str]]] = {}

    def response(audio: Audio, chatbot: list[dict[str, str]] | None = None) -> Iterator[Any]:
        own = conversations.setdefault(get_current_context().webrtc_id, [])
        if own:
            raise WebRTCError("The model is busy")
        own.append({"role": "user", "content": models.stt(audio)})
        yield AdditionalOutputs(own)
        yield from models.tts(models.answer(own))

    dialog = talk(ReplyOnPause(response), TWO, meanwhile=Page([]))
    assert list(conversations) == ["dialog"]
    assert lengths(dialog) == [0.3]
    assert [m["message"] for m in dialog.told if m["type"] == "error"] == ["The model is busy"]


def test_talk_to_llama4() -> None:
    """Outputs without inputs: the history is the server's."""
    histories: dict[str, list[str]] = {}

    def response(user_audio: Audio) -> Iterator[Any]:
        history = histories.setdefault(get_current_context().webrtc_id, [])
        history.append(models.stt(user_audio))
        yield AdditionalOutputs(list(history))
        yield from models.tts("")

    page = Page()
    dialog = run(ReplyOnPause(response), page=page)
    assert asked(dialog.line) == 0
    assert [len(args[0]) for args in page.seen] == [1, 2]


def test_patient_intake() -> None:
    """Greets, keeps a conversation for each connection, and hangs up."""
    conversations: dict[str, list[str]] = {}

    def greet() -> Iterator[Any]:
        conversations[get_current_context().webrtc_id] = ["hello"]
        yield from models.tts("Hello, what brings you here?")

    def response(audio: Audio) -> Iterator[Any]:
        talk_so_far = conversations[get_current_context().webrtc_id]
        talk_so_far.append(models.stt(audio))
        yield AdditionalOutputs(talk_so_far)
        yield from models.tts("Thank you.")
        if len(talk_so_far) == 3:
            yield CloseStream("We have all we need")

    dialog = run(ReplyOnPause(response, startup_fn=greet), np.concatenate([silence(1), TWO]))
    assert lengths(dialog) == [0.3, 0.3, 0.3]
    assert dialog.session.reason is EndReason.HANDLER_CLOSED
    assert {"type": "end_stream", "data": "We have all we need"}.items() <= dialog.told[-1].items()


# Where nothing is said back.


def test_moonshine_live() -> None:
    def response(audio: Audio, transcript: str) -> Iterator[Any]:
        yield AdditionalOutputs(transcript + "\n" + models.stt(audio))

    page = Page("")
    assert run(ReplyOnPause(response), page=page, mode="send").line.heard == []
    assert page.state[0].split("\n")[1:] == ["2 seconds", "2 seconds"]


def test_whisper_realtime() -> None:
    async def transcribe(audio: Audio, transcript: str) -> AsyncIterator[Any]:
        await Clock().sleep(0.2)
        yield AdditionalOutputs(transcript + "\n" + models.stt(audio))

    page = Page("")
    run(ReplyOnPause(transcribe), page=page, mode="send")
    assert page.state[0].split("\n")[1:] == ["2 seconds", "2 seconds"]


def test_talk_to_sambanova() -> None:
    """Two inputs, two outputs, several of them in a turn, and lists that it changes in place."""

    def response(
        audio: Audio,
        gradio_chatbot: list[dict[str, str]] | None = None,
        conversation_state: list[dict[str, str]] | None = None,
    ) -> Iterator[Any]:
        gradio_chatbot, conversation_state = gradio_chatbot or [], conversation_state or []
        gradio_chatbot.append({"role": "user", "content": "(sound)"})
        yield AdditionalOutputs(gradio_chatbot, conversation_state)
        conversation_state.append({"role": "user", "content": models.stt(audio)})
        reply = {"role": "assistant", "content": models.answer(conversation_state)}
        conversation_state.append(reply)
        gradio_chatbot.append(reply)
        yield AdditionalOutputs(gradio_chatbot, conversation_state)

    page = Page([], [])
    run(ReplyOnPause(response), page=page, mode="send")
    assert len(page.seen) == 4
    assert [len(part) for part in page.state] == [4, 4]


def test_llama_code_editor() -> None:
    def generate(user_message: Audio, history: list[dict[str, str]], code: str) -> Iterator[Any]:
        yield AdditionalOutputs(history, "<i>spinning</i>")
        history.append({"role": "user", "content": models.stt(user_message)})
        yield AdditionalOutputs(history, f"<b>{len(code)}</b>")

    page = Page([], "<p></p>")
    run(ReplyOnPause(generate), page=page, mode="send")
    assert [args[1] for args in page.seen] == ["<i>spinning</i>", "<b>7</b>", "<i>spinning</i>", "<b>8</b>"]


@pytest.mark.parametrize("local", [False, True], ids=["voice_text_editor", "voice_text_editor_local"])
def test_voice_text_editor(local: bool) -> None:
    def edit(audio: Audio, current_document: str) -> Iterator[Any]:
        prompt = models.stt(audio)
        if not prompt:
            return
        for _ in range(2 if local else 1):  # the local one shows each step
            current_document += "."
            yield AdditionalOutputs(current_document)

    page = Page("text")
    run(ReplyOnPause(edit), page=page, mode="send")
    assert page.state == ("text...." if local else "text..",)


def test_send_text_or_audio() -> None:
    """A button sends text: then the turn has inputs and no sound."""
    given: list[tuple[str, str]] = []

    def answer(audio: Audio, text: str = "") -> Iterator[Any]:
        given.append((models.stt(audio), text))
        yield AdditionalOutputs(text)

    async def page(stream: Stream, line: MemoryTransport) -> None:
        await Clock().sleep(0.2)
        stream.set_input("dialog", "typed")
        stream.handlers["dialog"].trigger_response()  # type: ignore[attr-defined]

    run(ReplyOnPause(answer, input_sample_rate=16000), ONE, page=page, mode="send")
    assert given[0] == ("", "typed")
    assert given[1][0] == "2 seconds"


def test_hello_computer() -> None:
    """A stop word first, a greeting out of the inputs, and nothing said back."""

    class Transcribing:
        def stt(self, audio: Any) -> str:
            return "computer what time is it"

    def startup(chatbot: list[str], state: list[str]) -> Iterator[Any]:
        chatbot.append("Say 'computer'")
        yield AdditionalOutputs(chatbot, state)

    def response(
        audio: Audio, chatbot: list[str] | None = None, state: list[str] | None = None
    ) -> Iterator[Any]:
        chatbot = chatbot or []
        chatbot.append(models.stt(audio))
        yield AdditionalOutputs(chatbot, state)

    handler = ReplyOnStopWords(
        response,
        stop_words=["computer"],
        input_sample_rate=16000,
        startup_fn=startup,
        spotter=TextSpotter(Transcribing()),
    )
    page = Page([], [])
    dialog = run(handler, ONE, page=page, mode="send")
    assert sum(message["type"] == "stopword" for message in dialog.told) >= 1
    assert page.state[0][0] == "Say 'computer'" and len(page.state[0]) >= 2
