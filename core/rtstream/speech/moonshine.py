"""Moonshine: quick English speech to text with a model that the user has downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .engines import OFFLINE_STT, Loading, Working, cached, model_file, package
from .protocols import HEARING_RATE, Audio
from .sound import as_float, hearing

SIZES = ("tiny", "base")
REPOSITORY = "UsefulSensors/moonshine"
FILES = ("encoder_model.onnx", "decoder_model_merged.onnx")
SHORTEST = HEARING_RATE // 10  # samples: the model takes from 0.1
LONGEST = 60 * HEARING_RATE  # to 64 seconds at once


class MoonshineSTT:
    """Speech to text in English, by the package `useful-moonshine-onnx`.

    Args:
        model: "moonshine/base" (default) or "moonshine/tiny".
        models_dir: the folder with its two ONNX files; by default they are looked for where
            `hf download` puts them. Nothing is downloaded.

    Raises:
        MissingExtra: the package or the model is not on this machine.
        UsageError: there is no such model, or the files are none.
        HandlerRaised: by `stt`, when the engine fails.
    """

    def __init__(self, model: str = "moonshine/base", models_dir: str | Path | None = None) -> None:
        size = model.removeprefix("moonshine/")
        moonshine = package("moonshine_onnx", "moonshine", "moonshine", OFFLINE_STT)
        with Loading("moonshine", models_dir or model):
            if size not in SIZES:
                raise ValueError(f"there is moonshine/{' and moonshine/'.join(SIZES)}")
            folder = model_file(models_dir, "moonshine") if models_dir else _downloaded(size)
            self.model: Any = moonshine.MoonshineOnnxModel(models_dir=str(folder), model_name=size)
            self.tokenizer: Any = moonshine.load_tokenizer()

    def stt(self, audio: Audio) -> str:
        """What is said in the sound; "" for nothing. Blocks: call it in a thread."""
        samples = as_float(hearing(audio))
        with Working("moonshine"):
            return " ".join(
                self.tokenizer.decode_batch(self.model.generate(samples[None, start : start + LONGEST]))[0]
                for start in range(0, len(samples), LONGEST)
                if len(samples) - start > SHORTEST
            ).strip()


def warm_up(model: MoonshineSTT) -> None:
    """Run it once, so that the first turn need not pay for it."""
    model.stt((HEARING_RATE, np.zeros(HEARING_RATE, np.int16)))


def _downloaded(size: str) -> Path:
    files = [f"onnx/merged/{size}/float/{file}" for file in FILES]
    return Path(cached(REPOSITORY, files, f"moonshine/{size}", OFFLINE_STT)[0]).parent
