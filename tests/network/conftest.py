"""What the tests of transports share."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtstream.media.files import ClipWriter
from tests.unit.signals import sound


@pytest.fixture(scope="session")
def word(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of something loud."""
    path = tmp_path_factory.mktemp("word") / "word.wav"
    with ClipWriter(path) as writer:
        writer.audio(sound(440, 0.5, 16000))
    return path
