"""The Gradio half from inside Python: what Blocks are made of, what is told to the page, and bad input."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from rtstream import AdditionalOutputs, Stream, StreamHandler, UIArgs, WebRTCData
from rtstream.errors import HandlerReturnedNonsense, OptionError, UnknownConnection
from rtstream.inputs import Input
from rtstream.options import Modality, Mode
from rtstream.transports.memory import MemoryTransport
from tests.conftest import REPOSITORY, run
from tests.helpers.handlers import Saying
from tests.helpers.ports import port
from tests.helpers.server import until

gr = pytest.importorskip("gradio")

from rtstream import WebRTC, webrtc  # noqa: E402 (it loads Gradio)
from rtstream.ui import arguments, inside, wiring  # noqa: E402

pytestmark = [pytest.mark.network, pytest.mark.timeout(120)]

SERVERS = {"iceServers": [{"urls": "turn:turn.example.org", "username": "u", "credential": "p"}]}


def echo(frame: Any) -> Any:
    return frame


def source() -> Iterator[Any]:
    yield None


class Film:
    """Takes sound and pictures, and the values beside them."""

    def __call__(self, frame: Any, *values: Any) -> Any:
        return frame


def made(make: Any) -> Any:
    """What a function makes within a loop: outside of one Gradio makes some, and leaves them behind."""

    async def main() -> Any:
        return make()

    return run(main(), timeout=60)


def script_config(component: Any) -> dict[str, Any]:
    """What the script of a component is told."""
    (line,) = [line for line in component.js_on_load.splitlines() if line.startswith("const CONFIG = ")]
    told, _ = json.JSONDecoder().raw_decode(line.removeprefix("const CONFIG = "))
    return dict(told)


def kinds(blocks: Any) -> list[str]:
    return [type(one).__name__ for one in blocks.blocks.values()]


async def offer_sdp() -> str:
    """What a browser that is about to listen offers."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        peer.addTransceiver("audio")
        await peer.setLocalDescription(await peer.createOffer())
        return peer.localDescription.sdp
    finally:
        await peer.close()


# The built-in UI.


@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("modality", get_args(Modality))
def test_every_cell_has_its_page(modality: Modality, mode: Mode) -> None:
    handler = source if mode == "receive" else echo
    number, slider = gr.Number(label="n"), gr.Slider(0, 1, label="s")

    def make() -> Stream:
        stream = Stream(
            handler,
            modality=modality,
            mode=mode,
            additional_inputs=[slider],
            additional_outputs=[number],
            additional_outputs_handler=lambda old, new: new,
        )
        assert stream.ui is stream._ui is stream.ui, "made once"
        return stream

    stream = made(make)
    assert {"WebRTC", "Number", "Slider"} <= set(kinds(stream.ui))
    told = script_config(stream.webrtc_component)
    assert (told["modality"], told["mode"]) == (modality, mode)
    assert stream.webrtc_component.connected() is stream


def test_ui_args_and_options_reach_the_page() -> None:
    args = UIArgs(
        title="<b>bold</b>",
        subtitle="below",
        icon_button_color="red",
        pulse_color="blue",
        icon_radius=50,
        full_screen=False,
    )
    params = {"degradationPreference": "maintain-resolution"}
    constraints = {"width": {"exact": 640}}
    stream = made(
        lambda: with_ui(
            Stream(echo, ui_args=args, rtp_params=params, track_constraints=constraints, time_limit=60)
        )
    )
    told = script_config(stream.webrtc_component)
    assert told["rtp_params"] == params and told["track_constraints"] == constraints
    assert (told["time_limit"], told["full_screen"], told["icon_radius"]) == (60, False, 50)
    assert (told["icon_button_color"], told["pulse_color"]) == ("red", "blue")
    heading = next(one for one in stream.ui.blocks.values() if type(one).__name__ == "HTML").value
    assert "&lt;b&gt;bold&lt;/b&gt;" in heading and "below" in heading
    assert stream.ui.title == "<b>bold</b>"
    hidden = made(lambda: Stream(echo, ui_args=UIArgs(title="no", hide_title=True)).ui)
    assert "HTML" not in kinds(hidden)


def with_ui(stream: Stream) -> Stream:
    assert stream.ui is not None
    return stream


def test_inputs_that_were_declared_without_gradio_are_its_controls() -> None:
    inputs = [
        Input("Gain", 1.0, minimum=0, maximum=2, step=0.5),
        Input("Count", 3, step=1),
        Input("Name", "Ada"),
        Input("On", True),
        Input("Voice", 2, choices=(1, 2)),
    ]
    blocks = made(lambda: Stream(Film(), modality="audio", additional_inputs=inputs).ui)
    controls = ["Slider", "Number", "Textbox", "Checkbox", "Dropdown"]
    assert [kind for kind in kinds(blocks) if kind in controls] == controls
    assert [one.value for one in blocks.blocks.values() if type(one).__name__ in ("Slider", "Dropdown")] == [
        1.0,
        2,
    ]


def test_outputs_that_no_component_takes_are_shown_by_the_element() -> None:
    plain = made(lambda: Stream(echo, modality="audio").webrtc_component)
    assert script_config(plain)["outputs"] is True
    number = gr.Number()
    stream = Stream(echo, additional_outputs=[number], additional_outputs_handler=lambda old, new: new)
    assert script_config(made(lambda: stream.webrtc_component))["outputs"] is False


def test_a_component_of_other_blocks_is_refused_with_a_way_out() -> None:
    def make() -> Any:
        with gr.Blocks():
            slider = gr.Slider(label="Gain")
        return Stream(Film(), modality="audio", additional_inputs=[slider]).ui

    with pytest.raises(OptionError, match="'Gain' is part of other Blocks already"):
        made(make)


def test_blocks_that_are_just_being_made_are_no_part_of_the_built_in_ones() -> None:
    def make() -> Any:
        stream = Stream(echo)
        with gr.Blocks() as blocks:
            gr.Markdown("mine")
            assert kinds(stream.ui).count("WebRTC") == 1
        return blocks

    assert kinds(made(make)) == ["Markdown"]


def test_a_stream_that_is_made_inside_blocks_has_its_page_there() -> None:
    """As Modal's example for FastRTC does: nothing else would be on the page."""

    def make() -> Any:
        with gr.Blocks() as blocks:
            gr.Markdown("before")
            with gr.Column():
                stream = Stream(echo, additional_inputs=[Input("level", 7, step=1)])
            gr.Markdown("after")
        return blocks, stream

    blocks, stream = made(make)
    assert kinds(blocks).count("WebRTC") == 1 and kinds(blocks).count("Markdown") == 2
    assert "Markdown" not in kinds(stream.ui)
    component = blocks.blocks[stream.webrtc_component._id]
    assert component.connected() is stream
    assert isinstance(blocks.children[1], gr.Column) and blocks.children[1].children
    assert len(blocks.fns) >= len(stream.ui.fns) > 0


# ICE servers.


class Provider:
    def servers(self) -> dict[str, Any]:
        return SERVERS

    async def later(self) -> dict[str, Any]:
        return SERVERS

    def __call__(self) -> dict[str, Any]:
        return SERVERS


@pytest.mark.parametrize(
    "given",
    [Provider().servers, Provider().later, Provider(), partial(dict, **SERVERS), lambda: SERVERS],
    ids=["method", "coroutine", "callable object", "partial", "function"],
)
def test_a_function_of_any_form_is_asked_for_the_pages_servers(given: Any) -> None:
    component = made(lambda: Stream(echo, rtc_configuration=given).webrtc_component)
    told = script_config(component)
    assert told["asked"] is True and "rtc_configuration" not in told
    assert run(component.turn([])) == SERVERS


def test_a_dict_is_told_to_the_page_and_the_servers_own_never() -> None:
    own = {"iceServers": [{"urls": "turn:own", "username": "u", "credential": "own secret"}]}
    component = made(
        lambda: Stream(echo, rtc_configuration=SERVERS, server_rtc_configuration=own).webrtc_component
    )
    assert script_config(component)["rtc_configuration"] == SERVERS
    alone = WebRTC(rtc_configuration=lambda: SERVERS, server_rtc_configuration=own, render=False)
    for one in (component, alone):
        assert "own secret" not in json.dumps(one.get_config(), default=repr)
        assert "<function" not in json.dumps(one.get_config(), default=repr)


@pytest.mark.parametrize("place", ["spaces", "colab"])
def test_in_a_cloud_without_turn_it_says_the_way_out(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if place == "spaces":
        monkeypatch.setenv("SYSTEM", "spaces")
    else:
        monkeypatch.setitem(sys.modules, "google.colab", sys)
    with pytest.raises(RuntimeError, match="rtc_configuration=get_turn_credentials"):
        _ = Stream(echo).ui
    stream = Stream(echo)
    stream.ui = made(gr.Blocks)
    with pytest.raises(RuntimeError, match="TURN server"):
        stream.ui.launch(prevent_thread_lock=True)
    assert made(lambda: Stream(echo, rtc_configuration=SERVERS).ui) is not None


# Blocks of the user's own.


def own(fn: Any = echo, **options: Any) -> tuple[Any, Any]:
    def make() -> Any:
        with gr.Blocks() as blocks:
            component = WebRTC(modality="audio", **options)
            component.stream(fn, inputs=[component], outputs=[component])
        return blocks, component

    blocks, component = made(make)
    return blocks, component


def test_components_in_blocks_that_are_set_join_the_streams_limit() -> None:
    blocks, component = own()
    stream = Stream(echo, modality="audio", concurrency_limit=1)
    stream.ui = blocks
    assert stream.ui is blocks and stream._ui is blocks and stream.has_components
    assert stream.webrtc_component is component

    async def main() -> None:
        line = MemoryTransport()
        life = asyncio.ensure_future(stream.run(line, "by socket"))
        await asyncio.sleep(0)
        assert list(component.connections) == list(component.handlers) == ["by socket"]
        body = {"type": "offer", "sdp": await offer_sdp(), "webrtc_id": "by page"}
        refused = await component.offer(body)
        assert refused["meta"]["error"] == "concurrency_limit_reached"
        line.hang_up()
        await life

    run(main())


@pytest.mark.parametrize("when", ["before it has its handler", "after"])
def test_a_component_that_is_set_shares_the_streams_ids_without_its_blocks(when: str) -> None:
    """As programs do whose Blocks are launched by themselves: `stream.webrtc_component = component`."""
    stream = Stream(echo, modality="audio")

    def make() -> Any:
        with gr.Blocks():
            component = WebRTC(modality="audio")
            if when != "after":
                stream.webrtc_component = component
            component.stream(stream.event_handler, inputs=[component], outputs=[component])
            if when == "after":
                stream.webrtc_component = component
        return component

    component = made(make)
    assert stream.webrtc_component is component
    assert component.connected() is not stream
    assert component.connected().sessions is stream.sessions


def test_the_component_is_had_from_fastrtcs_module_too() -> None:
    assert webrtc.WebRTC is WebRTC and webrtc.StreamHandler is StreamHandler


def test_what_is_no_blocks_cannot_be_set() -> None:
    with pytest.raises(OptionError, match="no Blocks"):
        Stream(echo).ui = object()  # type: ignore[assignment]


def test_a_component_can_be_connected_to_a_stream() -> None:
    stream = Stream(echo, modality="audio", time_limit=9)
    _, component = own(stream)
    assert component.connected() is stream
    assert script_config(component)["time_limit"] == 9


def test_a_copy_for_one_page_has_the_engine_of_its_original() -> None:
    """Gradio makes one for each page that a `gr.update` reaches, out of the constructor's arguments."""
    _, component = own(time_limit=9)
    copy = WebRTC(**{**component.constructor_args, "icon_radius": 3, "render": False})
    assert copy.connected() is component.connected()
    assert copy.icon_radius == 3 and script_config(copy)["time_limit"] == 9


def test_no_stub_lies_beside_the_component() -> None:
    home = Path(inside.__file__).parent
    assert list(home.glob("*.pyi")) == []


def test_a_page_that_sends_nonsense_is_told_so() -> None:
    _, component = own()

    async def main() -> None:
        whole = {"type": "offer", "sdp": "garbage", "webrtc_id": "1"}
        bodies: list[Any] = [None, [], "x", {"type": "offer"}, whole]
        for body in bodies:
            answer = await component.offer(body)
            assert answer["status"] == "failed" and answer["meta"]["fix"]
        assert component.connections == {}

    run(main())


def test_a_component_that_is_not_connected_says_so() -> None:
    component = WebRTC(render=False)
    assert component.connections == {} and component.handlers == {}
    answer = run(component.offer({"type": "offer", "sdp": "x", "webrtc_id": "1"}))
    assert "not connected" in answer["meta"]["what"] and "stream(" in answer["meta"]["fix"]
    for call in (component.set_input, component.output_stream, component.update_connection):
        with pytest.raises(OptionError, match="not connected"):
            call("id")


async def said_all(engine: Any) -> None:
    """Wait until a `Saying` of the connection "a" has said all that it has."""
    await until(lambda: "a" in engine.sessions and not engine.sessions.get("a").handler.things)


def test_inputs_and_outputs_of_a_connection_can_be_had_at_the_component() -> None:
    _, component = own(Saying(AdditionalOutputs(1), AdditionalOutputs(2)), mode="receive")

    async def main() -> None:
        line = MemoryTransport()
        life = asyncio.ensure_future(component.connected().run(line, "a"))
        await said_all(component.connected())
        component.set_input("a", 7)
        assert component.handlers["a"].latest_args[1:] == [7]
        assert (await component.fetch_latest_output("a")).args == (1,)
        assert (await anext(component.output_stream("a"))).args == (2,)
        component.update_connection("a")
        await life
        with pytest.raises(UnknownConnection):
            component.set_input("a", 7)

    run(main())


BAD = {
    "mode": {"mode": "both"},
    "modality": {"modality": "smell"},
    "variant": {"variant": "radio"},
    "time limit": {"time_limit": -1},
    "rtp_params": {"rtp_params": []},
    "height": {"height": "10px; } body { display: none"},
    "width": {"width": "wide"},
    "icon": {"icon": "nowhere.png"},
    "no image": {"icon": __file__},
}


@pytest.mark.parametrize("options", BAD.values(), ids=BAD.keys())
def test_an_argument_that_cannot_be_is_refused_with_a_way_out(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError) as caught:
        WebRTC(render=False, **options)
    assert caught.value.fix


def test_connecting_wrongly_is_refused() -> None:
    def make() -> None:
        with gr.Blocks():
            component, slider = WebRTC(modality="audio"), gr.Slider()
            with pytest.raises(OptionError, match="not the first"):
                component.stream(echo, inputs=[slider, component])
            with pytest.raises(OptionError, match="send_input_on"):
                component.stream(echo, inputs=[component], send_input_on=cast(Any, "never"))
            with pytest.raises(OptionError, match="its stream video"):
                WebRTC(modality="audio").stream(Stream(echo))
            component.stream(echo, inputs=[component])
            with pytest.raises(OptionError, match="connected to a handler already"):
                component.stream(echo, inputs=[component])
            component.on_additional_outputs(lambda *_: None)
            with pytest.raises(OptionError, match="already"):
                component.on_additional_outputs(lambda *_: None)

    made(make)


def test_an_icon_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    icon = WebRTC(icon=str(tmp_path / "logo.svg"), render=False).icon
    assert icon is not None and icon.startswith("data:image/svg+xml;base64,")
    assert WebRTC(icon="https://example.org/a.png", render=False).icon == "https://example.org/a.png"


def test_sizes_become_style() -> None:
    style = WebRTC(width="50%", height=300, render=False).css_template
    assert "width: 50%" in style and "height: 300px" in style


@pytest.mark.parametrize("payload", [None, "", "x" * 257, 5, {}, [], {"webrtc_id": "a"}, {"textbox": "b"}])
def test_a_value_that_no_page_of_ours_sends_is_none(payload: Any) -> None:
    assert arguments.given(payload, "wave") is None
    assert arguments.given(payload, "textbox") is None


def test_a_value_is_the_id_or_text_with_it() -> None:
    assert arguments.given("abc", "wave") == "abc"
    sent = {"webrtc_id": "abc", "textbox": "hello"}
    assert arguments.given(sent, "textbox") == WebRTCData("abc", "hello")


# Outputs on their way to the page.


class Page:
    """Runs the event of a page that was told of outputs."""

    def __init__(self, fn: Any, outputs: int, *values: Any, inputs: bool = True) -> None:
        self.engine = Stream(Saying(*(AdditionalOutputs(value) for value in values)), modality="audio")
        numbers = [gr.Number(render=False) for _ in range(outputs)]

        def make() -> Any:
            with gr.Blocks() as blocks:
                component = WebRTC(modality="audio")
                for number in numbers:
                    number.render()
                component.stream(self.engine)
                component.on_additional_outputs(fn, numbers if inputs else None, numbers)
            (event,) = [one for one in blocks.fns.values() if one.targets[0][1] == "state_change"]
            return event.fn

        self.event = made(make)

    def told(self, *current: Any) -> list[Any]:
        async def main() -> list[Any]:
            line = MemoryTransport()
            life = asyncio.ensure_future(self.engine.run(line, "a"))
            await said_all(self.engine)
            given = [values async for values in self.event("a", *current)]
            line.hang_up()
            await life
            return given

        return run(main())


def test_each_output_is_worked_out_from_what_the_one_before_made_and_all_are_shown_at_once() -> None:
    assert Page(lambda total, new: total + new, 1, 1, 2, 3).told(10) == [16]


def test_a_coroutine_function_and_several_outputs_are_fine() -> None:
    async def both(one: int, two: int, new: int) -> tuple[int, Any]:
        return one + new, gr.skip() if new == 3 else two + 1

    assert Page(both, 2, 1, 2, 3).told(0, 0) == [(6, 2)], "what was left out is as it was"


def test_changes_of_a_component_that_were_not_shown_yet_add_up() -> None:
    assert wiring._over(gr.update(label="a", value=1), gr.update(value=2)) == gr.update(label="a", value=2)
    assert wiring._over(5, gr.skip()) == 5 and wiring._over(gr.skip(), 5) == 5


def test_outputs_may_be_given_by_component() -> None:
    one, two = object(), object()
    assert wiring._apart({two: 5}, [one, two]) == [gr.skip(), 5]
    assert wiring._apart({"a": 5}, [one]) == [{"a": 5}], "a dict that is a value itself"
    assert wiring._apart("anything", []) == []
    with pytest.raises(HandlerReturnedNonsense, match="1 values for 2 components"):
        wiring._apart([1], [one, two])


def test_a_run_for_which_nothing_is_left_changes_nothing() -> None:
    """Gradio takes the silence of a generator for empty values, and empties the components."""
    assert Page(lambda old, new: new, 1).told(10) == [gr.skip()]
    assert Page(lambda new: None, 0, inputs=False).told() == [None]


def test_a_page_without_a_connection_changes_nothing() -> None:
    page = Page(lambda old, new: new, 1)

    async def main() -> list[Any]:
        return [[one async for one in page.event(id, 3)] for id in (None, "nobody")]

    assert run(main()) == [[gr.skip()]] * 2


# Launched.


@pytest.fixture(scope="module")
def launched() -> dict[str, Any]:
    """What gradio_launched.py has found."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GRADIO")}
    command = [sys.executable, "-m", "tests.network.gradio_launched", str(port())]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_launching_serves_the_ui_and_the_routes(launched: dict[str, Any]) -> None:
    assert launched["open"]["page"]
    status, text = launched["open"]["offer"]
    assert status == 400 and json.loads(text)["meta"]["error"] == "invalid_offer"


def test_routes_do_not_stand_open_beside_a_page_with_a_password(launched: dict[str, Any]) -> None:
    assert launched["guarded"]["page"] is False
    status, text = launched["guarded"]["offer"]
    assert status in (401, 404, 405) and "meta" not in text


def test_nobody_is_told_that_it_runs(launched: dict[str, Any]) -> None:
    assert launched["asked"] == []


def test_of_gradios_inside_is_there_what_is_used() -> None:
    """Private names, pinned: a version of Gradio without one of them is to fail here, not at a user's."""
    from gradio import component_meta
    from gradio.context import Context

    assert callable(component_meta.create_or_modify_pyi)
    assert hasattr(Context, "root_block") and hasattr(Context, "block")
    assert inside.server(lambda: None)._is_server_fn  # type: ignore[attr-defined]
    assert inside.is_update(gr.skip()) and inside.is_update(gr.update(value=1)) and not inside.is_update({})
