"""Cartesia: text to speech as a service, over HTTP with the user's key."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from ..errors import ServerUnreachable, UsageError
from ..media.audio import aggregate_bytes_to_16bit
from .speaking import TTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ADDRESS = "https://api.cartesia.ai"
CONNECT_SECONDS = 5.0
SILENT_SECONDS = 20.0  # without a byte, after which the service is given up


@dataclass
class CartesiaTTSOptions:
    """How Cartesia speaks (docs.cartesia.ai, "Text to Speech (Bytes)"). FastRTC's names and defaults.

    Args:
        voice: the id of a voice.
        language: of the text (default "en").
        emotion: names such as "positivity:high", for the models that take them.
        cartesia_version: of the service's interface.
        model: default "sonic-2".
        sample_rate: of the sound (default 22050).
    """

    voice: str = "71a7ad14-091c-4e8e-a314-022ece01c121"
    language: str = "en"
    emotion: list[str] = field(default_factory=list)
    cartesia_version: str = "2024-06-10"
    model: str = "sonic-2"
    sample_rate: int = 22_050


class CartesiaTTS(TTS):
    """Text to speech, int16, as it comes over the network.

    Args:
        cartesia_api_key: the key; default: the environment's `CARTESIA_API_KEY`.
        address: where the service is.

    Raises:
        UsageError: there is no key.
        ServerUnreachable: by its methods, when the service does not answer or says no.
    """

    def __init__(self, cartesia_api_key: str | None = None, address: str = ADDRESS) -> None:
        key = cartesia_api_key or os.environ.get("CARTESIA_API_KEY", "")
        if not key:
            raise UsageError(
                "Cartesia needs a key",
                why="neither `cartesia_api_key` nor the environment's CARTESIA_API_KEY is there",
                fix='get_tts_model("cartesia", cartesia_api_key=...)',
            )
        self._client = httpx.Client(
            base_url=address,
            headers={"X-API-Key": key},
            timeout=httpx.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS),
        )

    def stream_tts_sync(
        self, text: str, options: CartesiaTTSOptions | None = None
    ) -> Generator[tuple[int, NDArray[np.int16]], None, None]:
        """The text as pieces of sound, each as soon as it has come."""
        options = options or CartesiaTTSOptions()
        if not text.strip():
            return
        version = {"Cartesia-Version": options.cartesia_version}
        try:
            with self._client.stream(
                "POST", "/tts/bytes", json=_wanted(text, options), headers=version
            ) as answer:
                if answer.is_error:
                    answer.read()
                    raise _refused(f"it answered {answer.status_code}: {answer.text[:200]}")
                for samples in aggregate_bytes_to_16bit(answer.iter_bytes()):
                    yield options.sample_rate, samples[0]
        except httpx.HTTPError as error:
            raise _refused(f"{type(error).__name__}: {error}") from error


def _wanted(text: str, options: CartesiaTTSOptions) -> dict[str, Any]:
    voice: dict[str, Any] = {"mode": "id", "id": options.voice}
    if options.emotion:
        voice["__experimental_controls"] = {"emotion": options.emotion}
    return {
        "model_id": options.model,
        "transcript": text,
        "voice": voice,
        "language": options.language,
        "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": options.sample_rate},
    }


def _refused(why: str) -> ServerUnreachable:
    return ServerUnreachable(
        "Cartesia did not speak", why=why, fix="Look at the key, the quota and the network, then try again"
    )
