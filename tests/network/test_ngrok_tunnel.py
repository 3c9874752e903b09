"""ngrok's tunnel by the genuine pyngrok and a stand-in agent that truly forwards; and cloudflared's."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest
from pyngrok.exception import PyngrokNgrokInstallError

from rtstream.errors import ToolMissing, TunnelFailed
from rtstream.tunnels.cloudflared import Cloudflared
from rtstream.tunnels.kept import KeptTunnel, TunnelNews
from rtstream.tunnels.ngrok import Ngrok
from tests.conftest import run
from tests.helpers import ngrok_agent
from tests.helpers.server import until
from tests.helpers.tunnels import outpost, page

pytestmark = pytest.mark.network


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in as a program, and a home without a file of ngrok's."""
    monkeypatch.setattr("pyngrok.conf.DEFAULT_NGROK_CONFIG_PATH", str(tmp_path / "none.yml"))
    program = tmp_path / "ngrok"
    program.write_text(f"#!{sys.executable}\n" + Path(ngrok_agent.__file__).read_text().partition("\n")[2])
    program.chmod(0o755)
    return program


async def ignore(_: TunnelNews) -> None: ...


def test_it_forwards_and_its_token_is_not_among_the_agents_arguments(
    agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        async with outpost() as post:
            tunnel = KeptTunnel(
                Ngrok(str(agent)), "127.0.0.1", post.port, post.beacon.probe(), ignore, seconds=20
            )
            url = await tunnel.open()
            assert await page(url) == "hello"
            await tunnel.close()
            with pytest.raises(Exception, match=r"(?i)connect"):
                await page(url)

    monkeypatch.setenv("NGROK_AUTHTOKEN", "a-canary")
    monkeypatch.setenv("STAND_IN_NGROK", "wants a-canary")
    run(scene(), timeout=30)
    assert "a-canary" not in agent.with_name("argv").read_text()


def test_a_killed_agent_is_noticed_and_started_again(agent: Path) -> None:
    async def scene() -> None:
        news: list[TunnelNews] = []

        async def tell(one: TunnelNews) -> None:
            news.append(one)

        async with outpost() as post:
            ngrok = Ngrok(str(agent))
            tunnel = KeptTunnel(ngrok, "127.0.0.1", post.port, post.beacon.probe(), tell, seconds=20)
            await tunnel.open()
            ngrok.kill()
            await until(lambda: news and news[-1].kind == "back", 20)
            assert news[-1].moved
            assert await page(tunnel.url) == "hello"
            await tunnel.close()

    run(scene(), timeout=40)


def test_a_token_that_ngrok_refuses_is_told_without_the_token(
    agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NGROK_AUTHTOKEN", "a-canary")
    monkeypatch.setenv("STAND_IN_NGROK", "wants another")
    with pytest.raises(TunnelFailed) as caught:
        run(Ngrok(str(agent)).open("127.0.0.1", 1))
    assert "ERR_NGROK_107" in caught.value.why
    assert "a-canary" not in caught.value.why
    assert "NGROK_AUTHTOKEN" in caught.value.fix


def test_a_silent_agent_is_given_up_in_time(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyngrok itself would wait for its next line for ever."""

    async def scene() -> None:
        async with outpost() as post:
            tunnel = KeptTunnel(
                Ngrok(str(agent)), "127.0.0.1", post.port, post.beacon.probe(), ignore, seconds=1.5
            )
            with pytest.raises(TunnelFailed, match="was not there after"):
                await tunnel.open()

    monkeypatch.setenv("STAND_IN_NGROK", "silent")
    begun = time.monotonic()
    run(scene())
    assert time.monotonic() - begun < 8


def test_a_path_without_an_agent_is_told_at_once() -> None:
    with pytest.raises(ToolMissing, match="ngrok is not there"):
        run(Ngrok("no/such/agent").open("127.0.0.1", 1))


def test_pyngroks_own_program_is_no_agent_and_what_cannot_be_fetched_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A virtual environment has it on the PATH, under the agent's name."""

    def fetch(path: str) -> None:
        sys.stdout.write(f"fetching {path}")
        raise PyngrokNgrokInstallError("no network")

    wrapper = tmp_path / "ngrok"
    wrapper.write_text("#!/usr/bin/python3\nimport sys\nfrom pyngrok.ngrok import main\nsys.exit(main())\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("pyngrok.conf.DEFAULT_NGROK_PATH", str(tmp_path / "agent"))
    monkeypatch.setattr("pyngrok.installer.install_ngrok", fetch)
    with pytest.raises(ToolMissing, match="cannot be fetched") as caught:
        run(Ngrok().open("127.0.0.1", 1))
    assert caught.value.why == "no network"
    assert capsys.readouterr().out == ""


def test_an_agent_on_the_path_is_taken(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(agent.parent))
    monkeypatch.setenv("NGROK_AUTHTOKEN", "a-canary")
    monkeypatch.setattr("pyngrok.conf.DEFAULT_NGROK_PATH", str(agent.parent / "none"))
    assert Ngrok().is_set_up()
    agent.unlink()
    assert not Ngrok().is_set_up()


CLOUDFLARED = """#!/bin/sh
echo "$@" >"$0.argv"
echo "INF Requesting new quick Tunnel on trycloudflare.com..." >&2
{more}
echo "INF |  https://two-words-here.trycloudflare.com  |" >&2
exec sleep 100
"""


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("", ""),
        ("echo 'failed to request quick Tunnel: 429' >&2; sleep 100", "429"),
        ("echo 'no internet' >&2; exit 3", "no internet"),
    ],
)
def test_cloudflareds_address_or_its_refusal_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, why: str
) -> None:
    async def scene() -> None:
        tunnel = Cloudflared()
        try:
            assert await tunnel.open("127.0.0.1", 8123) == "https://two-words-here.trycloudflare.com"
            assert not why
        except TunnelFailed as failure:
            assert why
            assert why in failure.why
        await tunnel.close()

    program = tmp_path / "cloudflared"
    program.write_text(CLOUDFLARED.format(more=more))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{Path(shutil.which('sh') or '').parent}")
    run(scene())
    assert "--url http://127.0.0.1:8123" in (tmp_path / "cloudflared.argv").read_text()
