"""The engines that need a model of the user's: their adapters, on stand-ins with the packages' interfaces.

The packages and their models are not installed for the tests. What the stand-ins offer was read from
useful-moonshine-onnx 20251121, faster-whisper 1.2.1, kokoro-onnx 0.6.1 and piper-tts 1.8.0.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest

import rtstream
from rtstream.errors import HandlerRaised, MissingExtra, RtstreamError, ServerUnreachable, UsageError
from rtstream.speech import cartesia, engines
from rtstream.speech.cartesia import CartesiaTTS, CartesiaTTSOptions
from rtstream.speech.espeak import EspeakTTS
from rtstream.speech.kokoro import KokoroTTS, KokoroTTSOptions
from rtstream.speech.models import get_stt_model, get_tts_model
from rtstream.speech.moonshine import MoonshineSTT
from rtstream.speech.piper import PiperTTS, PiperTTSOptions
from rtstream.speech.protocols import Word
from rtstream.speech.sphinx import PocketsphinxSTT
from rtstream.speech.whisper import FasterWhisperSTT

SECOND = (16000, np.full(16000, 1000, np.int16))

STAND_INS = {
    "moonshine_onnx": """
        from pathlib import Path
        import numpy as np
        class MoonshineOnnxModel:
            def __init__(self, models_dir=None, model_name=None, model_precision="float"):
                for file in ("encoder_model", "decoder_model_merged"):
                    if Path(models_dir, f"{file}.onnx").read_text() != "onnx": raise RuntimeError("not ONNX")
                self.name = model_name
            def generate(self, audio):
                assert audio.dtype == np.float32 and audio.shape[0] == 1 and abs(audio).max() <= 1
                if audio[0, 0] == -1: raise RuntimeError("no ears")
                return [[1, audio.shape[1], 2]]
        class Tokenizer:
            def decode_batch(self, tokens): return [f"{tokens[0][1]} samples"]
        def load_tokenizer(): return Tokenizer()
        """,
    "faster_whisper": """
        import os
        from types import SimpleNamespace as Is
        class WhisperModel:
            def __init__(self, path, compute_type="auto"):
                if not os.path.exists(f"{path}/model.bin"): raise RuntimeError(f"Unable to open {path}")
            def transcribe(self, audio, language=None, beam_size=5, word_timestamps=False):
                assert str(audio.dtype) == "float32" and audio.ndim == 1
                words = [Is(word=" Go", start=0.1, end=0.3), Is(word=" on.", start=0.3, end=0.5)]
                parts = [Is(text=" Go on.", words=words), Is(text=f" {language}.", words=[])]
                return iter(parts), Is(language="en")
        def download_model(name, local_files_only=False):
            assert local_files_only
            raise FileNotFoundError(f"no {name} in the cache")
        """,
    "kokoro_onnx": """
        from pathlib import Path
        import numpy as np
        class Kokoro:
            def __init__(self, model_path, voices_path):
                if Path(model_path).read_text() != "onnx": raise ValueError("not ONNX")
                Path(voices_path).read_text()
            def create(self, text, voice, speed=1.0, lang="en-us"):
                if voice == "nobody": raise ValueError("Voice nobody not found in available voices")
                return np.full(round(100 * len(text) / speed), 0.5, np.float32), 24000
        """,
    "piper": """
        import json
        from pathlib import Path
        from types import SimpleNamespace as Is
        import numpy as np
        class SynthesisConfig:
            def __init__(self, speaker_id=None, length_scale=None): self.scale = length_scale
        class PiperVoice:
            @staticmethod
            def load(path):
                json.loads(Path(f"{path}.json").read_text())
                return PiperVoice()
            def synthesize(self, text, how):
                for sentence in text.split(". "):
                    if sentence == "bad": raise RuntimeError("no voice")
                    size = round(100 * how.scale)
                    yield Is(sample_rate=22050, audio_int16_array=np.full(size, 1000, np.int16))
        """,
}


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The packages, for as long as a test lasts; nothing of a model is in the cache."""
    for name, source in STAND_INS.items():
        lines = source.strip("\n").splitlines()
        (tmp_path / f"{name}.py").write_text("\n".join(line[8:] for line in lines))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    get_stt_model.cache_clear()
    get_tts_model.cache_clear()
    yield tmp_path
    for name in STAND_INS:
        sys.modules.pop(name, None)
    get_stt_model.cache_clear()
    get_tts_model.cache_clear()


def file(folder: Path, name: str, text: str = "onnx") -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def in_cache(folder: Path, repository: str, *names: str) -> None:
    """Put files where `hf download` puts them."""
    home = folder / "cache" / f"models--{repository.replace('/', '--')}"
    file(home, "refs/main", "abc")
    for name in names:
        file(home / "snapshots" / "abc", name)


# Without the package, or without the model.


@pytest.mark.parametrize(
    ("make", "extra", "offline"),
    [
        (MoonshineSTT, "moonshine", "pocketsphinx"),
        (get_stt_model, "moonshine", "pocketsphinx"),
        (FasterWhisperSTT, "whisper", "pocketsphinx"),
        (KokoroTTS, "kokoro", "espeak"),
        (get_tts_model, "kokoro", "espeak"),
        (lambda: PiperTTS("voice.onnx"), "piper", "espeak"),
    ],
)
def test_without_its_package_the_error_says_how_to_get_it_and_what_needs_no_download(
    make: Callable[[], Any], extra: str, offline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as caught:
        make()
    assert caught.value.fix.startswith(f'pip install "rtstream[{extra}]"')
    assert f'"{offline}"' in caught.value.fix


@pytest.mark.parametrize(
    ("make", "command"),
    [
        (MoonshineSTT, "hf download UsefulSensors/moonshine onnx/merged/base/float/encoder_model.onnx"),
        (FasterWhisperSTT, "hf download Systran/faster-whisper-tiny.en"),
        (lambda: FasterWhisperSTT("someone/model"), "hf download someone/model"),
        (KokoroTTS, "hf download fastrtc/kokoro-onnx kokoro-v1.0.onnx voices-v1.0.bin"),
    ],
)
def test_without_its_model_nothing_is_downloaded_and_the_error_says_how(
    make: Callable[[], Any], command: str, stand_ins: Path
) -> None:
    with pytest.raises(MissingExtra, match="is not on this machine") as caught:
        make()
    assert caught.value.fix.startswith(command)


def no_models(folder: Path) -> list[Callable[[], Any]]:
    text = file(folder, "text.onnx", "not a model")
    file(folder, "text.onnx.json", "{")
    file(folder, "encoder_model.onnx", "not a model")
    return [
        lambda: MoonshineSTT(models_dir=folder),
        lambda: MoonshineSTT(models_dir=folder / "nowhere"),
        lambda: MoonshineSTT("moonshine/huge"),
        lambda: FasterWhisperSTT(str(folder)),
        lambda: KokoroTTS(text, text),
        lambda: KokoroTTS(folder / "nowhere", text),
        lambda: PiperTTS(text),
        lambda: PiperTTS(folder / "encoder_model.onnx"),
        lambda: PiperTTS(folder / "nowhere.onnx"),
    ]


@pytest.mark.parametrize("number", range(9))
def test_a_model_that_is_none_is_told(stand_ins: Path, number: int) -> None:
    with pytest.raises(UsageError) as caught:
        no_models(stand_ins)[number]()
    assert caught.value.why
    assert caught.value.fix


# With both.


@pytest.fixture
def moonshine(stand_ins: Path) -> MoonshineSTT:
    file(stand_ins, "encoder_model.onnx")
    file(stand_ins, "decoder_model_merged.onnx")
    return MoonshineSTT(models_dir=stand_ins)


def test_moonshine_hears_16_khz_mono(moonshine: MoonshineSTT) -> None:
    assert moonshine.stt(SECOND) == "16000 samples"
    assert moonshine.stt((48000, np.zeros((2, 48000), np.float32))) == "16000 samples"


def test_moonshine_hears_more_than_a_minute_in_parts_and_nothing_in_next_to_nothing(
    moonshine: MoonshineSTT,
) -> None:
    assert moonshine.stt((16000, np.zeros(16000 * 90, np.int16))) == "960000 samples 480000 samples"
    assert moonshine.stt((16000, np.zeros(1600, np.int16))) == ""


def test_moonshine_that_fails_is_told(moonshine: MoonshineSTT) -> None:
    with pytest.raises(HandlerRaised, match="`moonshine` failed") as caught:
        moonshine.stt((16000, np.full(16000, -32768, np.int16)))
    assert caught.value.why == "RuntimeError: no ears"


@pytest.mark.parametrize("size", ["tiny", "base"])
def test_a_moonshine_that_was_downloaded_is_found(stand_ins: Path, size: str) -> None:
    names = [f"onnx/merged/{size}/float/{name}.onnx" for name in ("encoder_model", "decoder_model_merged")]
    in_cache(stand_ins, "UsefulSensors/moonshine", *names)
    model = get_stt_model(f"moonshine/{size}")
    assert isinstance(model, MoonshineSTT)
    assert model.model.name == size
    assert get_stt_model(f"moonshine/{size}") is model


def test_faster_whisper_tells_text_and_words(stand_ins: Path) -> None:
    file(stand_ins, "model.bin")
    model = get_stt_model(f"faster-whisper/{stand_ins}", language="en")
    assert isinstance(model, FasterWhisperSTT)
    assert model.stt(SECOND) == "Go on. en."
    assert model.words(SECOND) == [Word("Go", 0.1, 0.3), Word("on.", 0.3, 0.5)]


@pytest.fixture
def kokoro(stand_ins: Path) -> KokoroTTS:
    in_cache(stand_ins, "fastrtc/kokoro-onnx", "kokoro-v1.0.onnx", "voices-v1.0.bin")
    model = get_tts_model()
    assert isinstance(model, KokoroTTS)
    return model


def test_kokoro_speaks_sentence_by_sentence(kokoro: KokoroTTS) -> None:
    pieces = list(kokoro.stream_tts_sync("One. Two!"))
    assert [(rate, len(samples)) for rate, samples in pieces] == [(24000, 400), (24000, 3429), (24000, 400)]
    rate, samples = kokoro.tts("One.", KokoroTTSOptions(speed=2.0))
    assert (rate, len(samples), str(samples.dtype)) == (24000, 200, "float32")
    assert kokoro.tts("")[1].size == 0


def test_a_voice_that_kokoro_does_not_have_is_told(kokoro: KokoroTTS) -> None:
    with pytest.raises(HandlerRaised) as caught:
        kokoro.tts("One.", KokoroTTSOptions(voice="nobody"))
    assert "Voice nobody not found" in caught.value.why


def test_kokoro_is_loaded_from_the_files_that_are_given(stand_ins: Path) -> None:
    model, voices = file(stand_ins, "k.onnx"), file(stand_ins, "v.bin")
    assert get_tts_model("kokoro", model_path=str(model), voices_path=str(voices)).tts("Hi.")[0] == 24000


def test_piper_speaks_sentence_by_sentence(stand_ins: Path) -> None:
    voice = file(stand_ins, "voice.onnx")
    file(stand_ins, "voice.onnx.json", "{}")
    piper = get_tts_model(f"piper:{voice}")
    pieces = list(piper.stream_tts_sync("One. Two", PiperTTSOptions(speed=2.0)))
    assert [(rate, len(samples)) for rate, samples in pieces] == [(22050, 50), (22050, 50)]
    with pytest.raises(HandlerRaised, match="`piper` failed"):
        piper.tts("bad")


# Cartesia, over HTTP to nowhere.


def service(monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]) -> None:
    def client(**options: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(answer), **options)

    monkeypatch.setattr(cartesia, "httpx", SimpleNamespace(**{**vars(httpx), "Client": client}))


def test_cartesia_is_asked_for_what_the_options_say_and_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=iter([b"\x01", b"\x00\x02\x00", b"\x03\x00"]))

    service(monkeypatch, answer)
    tts = get_tts_model("cartesia", cartesia_api_key="secret")
    options = CartesiaTTSOptions(language="de", emotion=["positivity:high"], sample_rate=16000)
    rate, samples = tts.tts("Hallo. Du!", options)
    assert (rate, samples.tolist()) == (16000, [1, 2, 3])
    (request,) = asked
    assert request.headers["X-API-Key"] == "secret"
    assert request.headers["Cartesia-Version"] == options.cartesia_version
    wanted = json.loads(request.content)
    assert wanted["transcript"] == "Hallo. Du!"
    assert wanted["language"] == "de"
    assert wanted["model_id"] == "sonic-2"
    assert wanted["voice"]["id"] == options.voice
    assert wanted["voice"]["__experimental_controls"] == {"emotion": ["positivity:high"]}
    assert wanted["output_format"] == {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16000}
    assert tts.tts("  ")[1].size == 0
    assert len(asked) == 1


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody there")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda request: httpx.Response(402, text="no credits"), "it answered 402: no credits"),
        (unreachable, "ConnectError: nobody there"),
    ],
)
def test_a_service_that_says_no_is_told_without_the_key(
    answer: Any, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service(monkeypatch, answer)
    with pytest.raises(ServerUnreachable) as caught:
        CartesiaTTS("secret").tts("hello")
    assert caught.value.why == why
    assert "secret" not in str(caught.value.as_dict())


def test_cartesia_without_a_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARTESIA_API_KEY", raising=False)
    with pytest.raises(UsageError, match="needs a key"):
        CartesiaTTS()
    monkeypatch.setenv("CARTESIA_API_KEY", "secret")
    CartesiaTTS()


# By name.


@pytest.mark.parametrize("name", ["whisper", "faster-whisper", "faster-whisper/", "", "espeak"])
def test_a_speech_to_text_engine_that_there_is_not_is_told(name: str) -> None:
    with pytest.raises(UsageError, match="no speech-to-text engine") as caught:
        get_stt_model(name)
    assert "pocketsphinx" in caught.value.fix


@pytest.mark.parametrize("name", ["piper", "piper:", "", "pocketsphinx"])
def test_a_text_to_speech_engine_that_there_is_not_is_told(name: str) -> None:
    with pytest.raises(UsageError, match="no text-to-speech engine"):
        get_tts_model(name)


def test_an_engine_is_loaded_once() -> None:
    assert isinstance(get_stt_model("pocketsphinx"), PocketsphinxSTT)
    assert get_stt_model("pocketsphinx") is get_stt_model("pocketsphinx")
    assert isinstance(get_tts_model("espeak"), EspeakTTS)
    assert get_tts_model("espeak") is get_tts_model("espeak")


def test_fastrtcs_names_are_public() -> None:
    assert rtstream.get_stt_model is get_stt_model
    assert rtstream.get_tts_model is get_tts_model
    assert rtstream.MoonshineSTT is MoonshineSTT
    assert rtstream.KokoroTTSOptions().voice == "af_heart"
    assert rtstream.CartesiaTTSOptions().sample_rate == 22050


def test_an_error_of_ours_goes_through_as_it_is() -> None:
    ours = RtstreamError("ours")
    for edge in (engines.Loading("x", "y"), engines.Working("x")):
        with pytest.raises(RtstreamError) as caught, edge:
            raise ours
        assert caught.value is ours
        with pytest.raises(KeyboardInterrupt), edge:
            raise KeyboardInterrupt
