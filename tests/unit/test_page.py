"""The page and its element as they are served, without a browser."""

from __future__ import annotations

import gzip
import html
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rtstream import Stream
from rtstream.inputs import Input
from rtstream.web.page import mount_page


def echo(sound: tuple[int, Any]) -> tuple[int, Any]:
    return sound


def served(path: str = "", title: str = "", **options: Any) -> TestClient:
    """A client of an app with the page of an echo stream."""
    app = FastAPI()
    mount_page(app, Stream(echo, **{"modality": "audio", **options}), path, title)
    return TestClient(app)


class Elements(HTMLParser):
    """The start tags of a page with their attributes, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, list[dict[str, str | None]]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.setdefault(tag, []).append(dict(attrs))


def config_of(client: TestClient, path: str = "/") -> dict[str, Any]:
    """The configuration that the page gives its element."""
    (element,) = Elements(client.get(path).text).found["rt-stream"]
    return dict(json.loads(element["config"] or ""))


def test_the_page_tells_its_element_what_the_stream_is() -> None:
    constraints = {"sampleRate": 16_000}
    client = served(mode="send-receive", time_limit=90.0, track_constraints=constraints)
    assert config_of(client) == {
        "mode": "send-receive",
        "modality": "audio",
        "offer": "webrtc/offer",
        "rtc_configuration": None,
        "track_constraints": constraints,
        "rtp_params": None,
        "time_limit": 90.0,
        "inputs": [],
        "outputs": True,
    }


@pytest.mark.parametrize(
    "hostile", ["</script><script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "$config & <b>"]
)
def test_nothing_that_a_user_names_becomes_markup(hostile: str) -> None:
    client = served(
        title=hostile,
        track_constraints={"deviceId": hostile},
        rtc_configuration={"iceServers": [{"urls": hostile}]},
    )
    text = client.get("/").text
    elements = Elements(text).found
    assert len(elements["script"]) == 1 and "img" not in elements and "b" not in elements
    assert html.escape(hostile) in text
    assert config_of(client)["track_constraints"] == {"deviceId": hostile}


def test_page_and_element_ask_for_nothing_from_outside() -> None:
    client = served()
    page, script = client.get("/"), client.get("/rt-stream.js")
    addresses = re.findall(r"https?://[^\s'\"`)]+", page.text + script.text)
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}, "a name, not an address that is asked"
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"


def test_page_and_element_are_small() -> None:
    client = served()
    sizes = {path: len(gzip.compress(client.get(path).content)) for path in ("/", "/rt-stream.js")}
    assert sum(sizes.values()) <= 20_000, f"{sizes}: with an offer and its answer it must stay below 30,000"


def test_all_addresses_are_relative_so_that_prefixes_and_proxies_do_no_harm() -> None:
    client = served("/deep/down/")
    (script,) = Elements(client.get("/deep/down/").text).found["script"]
    assert client.get(f"/deep/down/{script['src']}").status_code == 200
    assert not any(
        value.startswith("/") for value in [script["src"] or "", config_of(client, "/deep/down/")["offer"]]
    )
    assert client.get("/deep/down").url.path == "/deep/down/", "without its slash it leads to the page"


def test_a_browser_that_has_the_page_or_the_element_is_told_so() -> None:
    client = served()
    for path in ("/", "/rt-stream.js"):
        first = client.get(path)
        assert first.headers["cache-control"] == "no-cache"
        again = client.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(path, headers={"if-none-match": '"another"'}).status_code == 200


def test_the_element_may_be_kept_under_its_version_and_under_no_other() -> None:
    client = served()
    (script,) = Elements(client.get("/").text).found["script"]
    assert "immutable" in client.get(f"/{script['src']}").headers["cache-control"]
    assert client.get("/rt-stream.js?v=old").headers["cache-control"] == "no-cache"


def test_whoever_takes_gzip_gets_it_and_whoever_does_not_gets_plain_text() -> None:
    client = served()
    packed = client.get("/rt-stream.js", headers={"accept-encoding": "br, gzip"})
    plain = client.get("/rt-stream.js", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert plain.headers["vary"] == "accept-encoding"


def test_a_function_for_the_ice_servers_is_asked_by_the_page_and_not_before() -> None:
    asked = []

    async def ice_servers() -> dict[str, Any]:
        asked.append(1)
        return {"iceServers": [{"urls": "turn:example.com"}]}

    client = served("/voice", rtc_configuration=ice_servers)
    assert config_of(client, "/voice/")["rtc_configuration"] == "webrtc/config"
    assert not asked
    assert client.get("/voice/webrtc/config").json() == {"iceServers": [{"urls": "turn:example.com"}]}


def test_a_fixed_rtc_configuration_needs_no_request() -> None:
    client = served(rtc_configuration={"iceServers": []})
    assert config_of(client)["rtc_configuration"] == {"iceServers": []}
    assert client.get("/webrtc/config").status_code == 404


def test_the_page_is_headed_by_its_title_or_else_by_the_handlers_name() -> None:
    assert "<h1>echo</h1>" in served().get("/").text
    assert "<h1>A parrot</h1>" in served(title="A parrot").get("/").text


def test_looks_that_ui_args_ask_for_are_passed_on() -> None:
    looks = {"title": "A parrot", "subtitle": "Says it back", "pulse_color": "#0a0", "icon_radius": 50}
    client = served(title="echo", ui_args=looks)
    assert "<h1>A parrot</h1>" in client.get("/").text and "Says it back" in client.get("/").text
    assert config_of(client)["pulse_color"] == "#0a0" and config_of(client)["icon_radius"] == 50


def test_inputs_that_a_stream_declares_become_controls() -> None:
    (gain,) = config_of(served(additional_inputs=[Input("Gain", 1.0, minimum=0, maximum=2)]))["inputs"]
    assert (gain["name"], gain["kind"], gain["value"], gain["maximum"]) == ("Gain", "number", 1.0, 2)
    assert config_of(served(additional_inputs=[object()]))["inputs"] == [], "what no page can show"
