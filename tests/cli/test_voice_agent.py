"""The template `voice-agent` as its user has it: offline, with a language model, and without the extra."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from rtstream_cli import scaffold

from .conftest import program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

HEARD = "go forward ten meters"
NO_OFFLINE = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "pocketsphinx" else find(name, *more)
"""


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    scaffold.write(scaffold.contents(scaffold.template("voice-agent"), "agent"), tmp_path / "agent")
    return tmp_path / "agent"


class ChatCompletions(BaseHTTPRequestHandler):
    """OpenAI's chat completions, as strict as the service: its path, key, body, answer and refusals.

    Source: OpenAI's API reference, "Create chat completion".
    """

    protocol_version = "HTTP/1.1"
    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length")
        body = json.loads(self.rfile.read(int(length or 0)))
        if self.path != "/v1/chat/completions":
            return self._answer(404, {"error": {"message": f"Invalid URL (POST {self.path})"}})
        if self.headers.get("Authorization") != "Bearer sk-right":
            return self._refuse(401, "Incorrect API key provided", "invalid_api_key")
        if self.headers.get("Content-Type") != "application/json" or not body["messages"]:
            return self._refuse(400, "we could not parse the JSON body of your request", None)
        assert all({"role", "content"} == message.keys() for message in body["messages"])
        self.asked.append(body)
        said = {"role": "assistant", "content": "You are there now.", "refusal": None}
        self._answer(
            200,
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1700000000,
                "model": body["model"],
                "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
            },
        )

    def _refuse(self, status: int, message: str, code: str | None) -> None:
        self._answer(
            status,
            {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}},
        )

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words: Any) -> None:
        """Nobody reads it."""


@contextmanager
def service() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A language model on this machine: its address, and what it was asked."""
    asked: list[dict[str, Any]] = []
    kind = type("Service", (ChatCompletions,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
        server.shutdown()


def said(done: Any) -> list[str]:
    (row,) = json.loads(done.stdout)["rows"]
    return [output[0]["content"] for output in row["outputs"]]


def test_offline_it_prints_the_transcript_and_speaks_a_fitting_answer(agent: Path) -> None:
    pytest.importorskip("pocketsphinx")
    done = program("test-file", "question.wav", "--expect-turns", "1", "--out", "answer.wav", cwd=agent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        f"user: {HEARD}",
        "assistant: All right. I go forward ten meters.",
    ]
    assert (agent / "answer.wav").stat().st_size > 48000


def test_a_language_model_thinks_where_the_environment_names_one(agent: Path) -> None:
    pytest.importorskip("pocketsphinx")
    with service() as (url, asked):
        named = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-right", "OPENAI_MODEL": "small"}
        done = program("test-file", "question.wav", "--json", cwd=agent, **named)
    assert done.returncode == 0, done.stderr
    assert said(done) == [HEARD, "You are there now."]
    assert [body["model"] for body in asked] == ["small"]
    assert asked[0]["messages"][-1] == {"role": "user", "content": HEARD}


def test_a_key_that_is_refused_is_the_handlers_error_and_stays_secret(agent: Path) -> None:
    pytest.importorskip("pocketsphinx")
    with service() as (url, _):
        named = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-wrong"}
        done = program("test-file", "question.wav", cwd=agent, **named)
    assert done.returncode == 3
    assert "401 Unauthorized" in done.stderr and "handler.py:" in done.stderr
    assert "sk-wrong" not in done.stdout + done.stderr


def test_without_the_extra_the_error_says_how_to_get_it(agent: Path, tmp_path: Path) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "without/sitecustomize.py").write_text(NO_OFFLINE)
    done = program("test-file", "question.wav", cwd=agent, PYTHONPATH=str(tmp_path / "without"))
    assert (done.returncode, done.stdout) == (4, "")
    assert "error[RT4002]: `pocketsphinx` is not installed" in done.stderr
    assert 'fix: pip install "rtstream[offline]"' in done.stderr
    made = program(
        "new", "other", "--template", "voice-agent", cwd=tmp_path, PYTHONPATH=str(tmp_path / "without")
    )
    assert made.returncode == 1
    assert 'pip install "rtstream[offline]"' in made.stderr
