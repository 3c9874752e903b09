"""A program for test_gradio_blocks: launches UIs, and says as JSON what is served and who was asked.

Run as `python -m tests.network.gradio_launched PORT`, for `launch` leaves event loops behind.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

HERE = (None, "127.0.0.1", "localhost", "::1", "0.0.0.0")
asked: list[Any] = []  # hosts other than this one


def note(event: str, args: Any) -> None:
    if event == "socket.getaddrinfo" and args[0] not in HERE:
        asked.append(args[0])
    if event == "socket.connect" and isinstance(args[1], tuple) and args[1][0] not in HERE:
        asked.append(args[1][0])


def main(port: int) -> None:
    import gradio as gr
    import httpx

    from rtstream import Stream, WebRTC

    def echo(frame: Any) -> Any:
        return frame

    def offered(port: int) -> httpx.Response:
        body = {"type": "offer", "sdp": "x", "webrtc_id": "1"}
        return httpx.post(f"http://127.0.0.1:{port}/webrtc/offer", json=body)

    found: dict[str, Any] = {}
    for name, auth in {"open": None, "guarded": ("ada", "secret")}.items():
        stream = Stream(echo, modality="audio", verbose=False)
        stream.ui.launch(prevent_thread_lock=True, quiet=True, server_port=port, auth=auth)
        page, offer = httpx.get(f"http://127.0.0.1:{port}"), offered(port)
        found[name] = {"page": "rt-stream" in page.text, "offer": [offer.status_code, offer.text]}
        stream.ui.close(verbose=False)
    with gr.Blocks() as blocks:  # the user's own: these would tell of themselves
        component = WebRTC(modality="audio")
        component.stream(echo, inputs=[component])
    assert blocks.fns
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(5)
    sys.stdout.write(json.dumps({**found, "asked": asked}))


if __name__ == "__main__":
    sys.addaudithook(note)
    main(int(sys.argv[1]))
