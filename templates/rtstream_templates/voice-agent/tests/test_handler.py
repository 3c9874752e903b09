"""What the agent promises, proved with a recorded order and without a network."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from handler import agent, follow_rules
from rtstream.testing import call

QUESTION = Path(__file__).parent.parent / "question.wav"


@pytest.fixture(autouse=True)
def no_model(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def said(result):
    """The transcript of both sides."""
    assert not result.errors
    return [output.args[0]["content"] for output in result.outputs]


def test_it_understands_and_speaks_a_fitting_answer():
    result = call(agent, QUESTION, modality="audio")
    assert said(result) == ["go forward ten meters", "All right. I go forward ten meters."]
    assert result.seconds_out > 1
    assert result.level > 0.01


def test_it_tells_the_time_and_asks_again_when_it_heard_nothing():
    assert follow_rules("what time is it").startswith("It is ")
    assert follow_rules("") == "Pardon?"


class Model(BaseHTTPRequestHandler):
    """A language model that has one answer."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = f"{asked['model']} was asked: {asked['messages'][-1]['content']}"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"choices": [{"message": {"content": answer}}]}).encode())

    def log_message(self, *words):
        pass


def test_a_language_model_thinks_instead_if_there_is_one(monkeypatch):
    with HTTPServer(("127.0.0.1", 0), Model) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
        monkeypatch.setenv("OPENAI_MODEL", "parrot")
        result = call(agent, QUESTION, modality="audio")
        server.shutdown()
    assert said(result) == ["go forward ten meters", "parrot was asked: go forward ten meters"]
