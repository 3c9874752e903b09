"""What the app promises, proved with a recorded sentence and without a network."""

from pathlib import Path

from fastapi.testclient import TestClient
from handler import app, stream
from rtstream.testing import call

SAMPLE = Path(__file__).parent.parent / "sample.wav"


def test_the_whole_sentence_comes_back():
    result = call(stream, SAMPLE)
    assert not result.errors
    assert abs(result.seconds_out - result.seconds_in) < 0.1
    assert result.level > 0.01


def test_the_app_answers_on_its_own_route():
    assert TestClient(app).get("/calls").json() == {"live": 0}


def test_the_stream_answers_under_its_path():
    refused = TestClient(app).post(
        "/voice/webrtc/offer", json={"sdp": "nonsense", "type": "offer", "webrtc_id": "1"}
    )
    assert refused.status_code == 400
