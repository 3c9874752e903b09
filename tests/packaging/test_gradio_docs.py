"""docs/gradio.md tells the truth: its Python files load, and make what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.packaging.test_readme import BLOCK

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CHECK = """
import app, louder, own
from gradio import Blocks
from starlette.testclient import TestClient

assert isinstance(own.demo, Blocks) and own.voice.connected() is not louder.stream
with TestClient(app.app) as client:
    assert "rt-stream" in client.get("/ui/").text
    assert client.post("/voice/webrtc/offer", json={}).status_code == 422
"""


def test_the_examples_load_and_serve_what_is_said_of_them(tmp_path: Path) -> None:
    text = (REPOSITORY / "docs" / "gradio.md").read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        if block["language"] == "python":
            (tmp_path / block["note"]).write_text(block["text"], encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", CHECK], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
