"""SIP messages: what honest telephones write is read, and nothing that anybody sends does harm."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstream.errors import BadMessage
from rtstream.sip import grammar
from rtstream.sip.framing import Framer
from rtstream.sip.info import pressed
from rtstream.sip.message import MOST_BYTES, Request, Response, listed, parse
from tests.helpers.sip_messages import OFFER, Asking

# RFC 4475 §3.1.1.1, "a short tortuous INVITE", its spirit: folded lines, compact names, odd spaces.
TORTUOUS = (
    b"INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
    b"TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
    b'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n'
    b"MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.ndaksdj@192.0.2.1\r\n"
    b"cseq: 0009\r\n  INVITE\r\n"
    b"Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n"
    b"s :\r\nNewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
    b"v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
    b" SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
    b'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n'
    b"  secondparam ; q = 0.33\r\n"
    b"l: 5\r\n\r\nv=0\r\n"
)


def test_a_request_that_is_as_odd_as_the_rfc_allows_is_read() -> None:
    message = parse(TORTUOUS)
    assert isinstance(message, Request) and message.method == "INVITE"
    assert message.cseq == (9, "INVITE")
    assert grammar.tag(message.get("to")) == "1918181833n"
    assert grammar.tag(message.get("from")) == "98asjd8"
    assert grammar.address(message.get("from"))[0] == "sip:jdrosen@example.com"
    assert [grammar.via(value) for value in message.all("via")] == [
        grammar.Via("UDP", "192.0.2.2", 5060, "390skdjuw", False),
        grammar.Via("TCP", "spindle.example.com", 5060, "z9hG4bK9ikj8", False),
        grammar.Via("UDP", "192.168.255.111", 5060, "z9hG4bK30239", False),
    ]
    assert grammar.address(message.get("contact")) == (
        "sip:jdrosen@example.com",
        {"newparam": "newvalue", "secondparam": "", "q": "0.33"},
    )
    assert message.body == b"v=0\r\n"


def test_a_response_is_read() -> None:
    named = b"v: SIP/2.0/UDP a\r\nf: <sip:a>\r\nt: <sip:b>\r\ni: 1\r\nCSeq: 2 BYE\r\n\r\n"
    message = parse(b"SIP/2.0 481 No such call\r\n" + named)
    assert isinstance(message, Response)
    assert (message.status, message.reason, message.cseq) == (481, "No such call", (2, "BYE"))


def test_what_lies_behind_the_content_length_is_no_part_of_a_message() -> None:
    data = Asking().request("INVITE", OFFER)
    assert parse(b"\r\n" + data + b"more").body == parse(data).body


def invite(**changed: str) -> bytes:
    return Asking().request(
        "INVITE", headers={name.replace("_", "-"): value for name, value in changed.items()}
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\x00" * 100,
        b"INVITE\r\n\r\n",
        b"INVITE sip:a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"INVITE sip:a SIP/3.0\r\n\r\n",
        b"SIP/2.0 9 No\r\n\r\n",
        b"SIP/2.0 abc No\r\n\r\n",
        b"IN\xffVITE sip:a SIP/2.0\r\n\r\n",
        invite(Via=""),
        invite(CSeq=""),
        invite(Content_Length="9"),
        invite(X_Long="a" * 5000),
        invite(X_Control="a\x01b"),
        invite(**{f"X-{number}": "1" for number in range(250)}),
        b"INVITE sip:a SIP/2.0\r\nno colon\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\n: empty\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nContent-Length: \xc2\xb2\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nX: " + b"a" * 65_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(BadMessage):
        parse(data)


def test_three_thousand_changed_messages_raise_nothing_but_that() -> None:
    dice, refused = random.Random(7), 0
    seeds = [TORTUOUS, Asking().request("INVITE", OFFER), Asking().request("REGISTER")]
    for _ in range(3000):
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(len(data))] = dice.choice(b'\x00\r\n ,;:<>"\\=@/\xff\t09az')
        if dice.random() < 0.3:
            del data[dice.randrange(len(data)) :]
        try:
            message = parse(bytes(data))
        except BadMessage:
            refused += 1
            continue
        for name, value in message.headers:
            grammar.via(value), grammar.address(value), grammar.uri(value), grammar.credentials(value)
            message.all(name.lower())
    assert 300 < refused < 2970


@given(st.text(max_size=60))
def test_any_text_is_an_address_a_way_or_none(text: str) -> None:
    grammar.via(text), grammar.uri(text), grammar.credentials("Digest " + text)
    uri, parameters = grammar.address(text)
    assert len(uri) <= len(text) and all(parameters)


def test_commas_in_quotes_and_brackets_part_nothing() -> None:
    assert listed('"a, \\"b" <sip:x,y>;p=1 , <sip:z>,, c') == ['"a, \\"b" <sip:x,y>;p=1', "<sip:z>", "c"]


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:bob@example.com", grammar.Uri("sip", "bob", "example.com", 0)),
        (
            "SIPS:bob:secret@[2001:db8::1]:5061;transport=tcp?x=y",
            grammar.Uri("sips", "bob", "2001:db8::1", 5061),
        ),
        ("sip:192.0.2.1", grammar.Uri("sip", "", "192.0.2.1", 0)),
        ("sip:%2B4930;phone-context=x@h", grammar.Uri("sip", "+4930", "h", 0)),
        ("tel:+4930123;ext=4", grammar.Uri("tel", "+4930123", "", 0)),
        ("sip:h:99999", None),
        ("http://example.com", None),
        ("", None),
    ],
)
def test_a_uri_has_a_user_a_host_and_a_port(text: str, uri: grammar.Uri | None) -> None:
    assert grammar.uri(text) == uri


def test_credentials_are_read_with_their_quotes_taken_off() -> None:
    said = 'Digest username="a\\"b", realm="r", nonce=x, qop=auth, nc=00000001, broken'
    assert grammar.credentials(said) == {
        "username": 'a"b',
        "realm": "r",
        "nonce": "x",
        "qop": "auth",
        "nc": "00000001",
    }
    assert grammar.credentials("Basic abc") == {}


def test_a_stream_is_cut_into_its_messages_wherever_it_is_torn() -> None:
    messages = [Asking().request("INVITE", OFFER), Asking().request("OPTIONS")]
    stream = b"\r\n" + messages[0] + b"\r\n\r\n" + messages[1]
    for size in (1, 7, 500, 5000):
        framer, found = Framer(), []
        for at in range(0, len(stream), size):
            found += framer.push(stream[at : at + size])
        assert found == messages
        assert framer.pings == 1 and not framer.waiting


def test_an_empty_line_that_comes_in_two_halves_is_a_ping() -> None:
    framer = Framer()
    assert framer.push(b"\r\n\r") == [] and not framer.waiting
    assert framer.push(b"\n") == [] and framer.pings == 1
    assert framer.push(b"OPT") == [] and framer.waiting


@pytest.mark.parametrize(
    "data",
    [
        b"a" * (MOST_BYTES + 1),
        b"OPTIONS sip:a SIP/2.0\r\n\r\n",
        b"X\r\nl: 99999\r\n\r\n",
        b"X\r\nl: a\r\n\r\n",
    ],
)
def test_a_stream_in_which_no_message_can_be_found_is_given_up(data: bytes) -> None:
    with pytest.raises(BadMessage):
        Framer().push(data)


@pytest.mark.parametrize(
    ("content_type", "body", "key"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", b"Duration= 100\nsignal = #\n", "#"),
        ("application/dtmf-relay", b"Signal=10", "*"),
        ("application/dtmf-relay", b"Signal=16", ""),
        ("application/dtmf-relay", b"Duration=160", ""),
        ("application/dtmf", b"d", "D"),
        ("application/dtmf", b"x", ""),
        ("text/plain", b"5", None),
    ],
)
def test_info_tells_keys(content_type: str, body: bytes, key: str | None) -> None:
    assert pressed(content_type, body) == key
