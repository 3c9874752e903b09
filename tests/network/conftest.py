"""What the tests of transports share."""

from __future__ import annotations

import pytest

from rtstream.transports.audio_path import PATH_VARIABLE, PATHS


@pytest.fixture(params=PATHS)
def media_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way that sound can go: a test that uses it runs over both."""
    monkeypatch.setenv(PATH_VARIABLE, request.param)
    return str(request.param)
