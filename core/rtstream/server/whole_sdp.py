"""An offer with what SDP lets it leave out and aiortc asks for, without the sections that are refused."""

from __future__ import annotations

import re
from itertools import pairwise

_KINDS = ("audio", "video", "application")
_BUNDLE = "a=group:BUNDLE"
_LENT = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:")
_STATIC = {"0": "PCMU/8000", "8": "PCMA/8000", "9": "G722/8000"}  # RFC 3551 §6
_DIRECTIONS = ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")
_EXTENSION = re.compile(r"(a=extmap:\S+ \S+) .*")  # its attributes (RFC 8285 §5)
_BARE_SOURCE = re.compile(r"a=ssrc:\d+( [^\s:]+)?")  # without a value (RFC 5576 §4.1)

Lines = list[str]


def whole(offer: str) -> str:
    """The offer as aiortc can read it: nothing left out, and without the sections that are refused."""
    head, *sections = parts(offer)
    standing = [section for section in sections if not _is_refused(section)]
    refused = {_mid(section) for section in sections} - {_mid(section) for section in standing}
    head = [
        " ".join(w for w in line.split() if w not in refused) if _is_bundle(line) else line for line in head
    ]
    bundle = next((line.split()[1:] for line in head if _is_bundle(line)), [])  # aiortc knows one
    bundled = [section for section in standing if _mid(section) in bundle]
    # RFC 9143 §7.1.2: only the first section of a bundle need say what all of them share.
    lender = next((each for each in bundled if any(line.startswith(_LENT[0]) for line in each)), [])
    told = [
        [*_readable(each), *_left_out(each, head, lender if each in bundled else [])] for each in standing
    ]
    return _joined(head, *told)


def with_refusals(offer: str, answer: str) -> str:
    """The answer to a `whole` offer as one to the offer itself: each section has its own (RFC 3264 §6)."""
    head, *answers = parts(answer)
    left = iter(answers)
    sections = [_refusal(each) if _is_refused(each) else next(left, []) for each in parts(offer)[1:]]
    return _joined(head, *sections)


def parts(sdp: str) -> list[Lines]:
    """The lines before the first section, and those of each section."""
    lines = [stripped for line in sdp.splitlines() if (stripped := line.strip())]
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")]
    return [lines[a:b] for a, b in pairwise([0, *starts, len(lines)])]


def _joined(*told: Lines) -> str:
    return "".join(f"{line}\r\n" for lines in told for line in lines)


def _is_bundle(line: str) -> bool:
    return line.split()[0] == _BUNDLE


def _is_refused(section: Lines) -> bool:
    """Whether nothing is to come of a section: its port is 0 (RFC 3264 §6), or it is of another world."""
    kind, port, *_ = [*section[0][2:].split(), "", ""]
    return kind not in _KINDS or (port.strip("0") == "" and "a=bundle-only" not in section)


def _mid(section: Lines) -> str:
    return next((line[6:] for line in section if line.startswith("a=mid:")), "")


def _readable(section: Lines) -> Lines:
    """The lines of a section that aiortc can read, in the form in which it can.

    The end of candidates is kept from it: of a far end whose candidates are all unknown to it, such as names
    of mDNS, it would not expect to be called, and would give no candidates of its own.
    """
    mapped = {line.partition(":")[2].split()[0] for line in section if re.match(r"a=rtpmap:\S", line)}
    described = (line.partition(":")[2].partition(" ")[0] for line in section)
    return [
        _EXTENSION.sub(r"\1", line)
        for line, type in zip(section, described, strict=True)
        if line != "a=end-of-candidates"
        and not _BARE_SOURCE.fullmatch(line)
        and (type in mapped or not re.match(r"a=fmtp:\d", line))
    ]


def _left_out(section: Lines, head: Lines, lender: Lines) -> Lines:
    """What a section leaves out: because it is so anyhow, or is said in the first one of its bundle."""
    kind, _, _, *types = [*section[0][2:].split(), "", ""]
    said = [*head, *section]
    lines = [
        line
        for start in _LENT
        if not any(each.startswith(start) for each in said)
        for line in lender
        if line.startswith(start)
    ]
    if kind == "application":
        return lines
    if not any(line in _DIRECTIONS for line in section):
        lines.append(next((line for line in head if line in _DIRECTIONS), "a=sendrecv"))  # RFC 8866 §6.7
    if "a=rtcp-mux" in lender and "a=rtcp-mux" not in section:
        lines.append("a=rtcp-mux")
    if kind == "audio":
        known = {line.split()[0] for line in section if line.startswith("a=rtpmap:")}
        lines += [
            f"a=rtpmap:{t} {_STATIC[t]}" for t in types if t in _STATIC and f"a=rtpmap:{t}" not in known
        ]
    return lines


def _refusal(section: Lines) -> Lines:
    kind, *rest = section[0].split()
    mid = [line for line in section if line.startswith("a=mid:")]
    return [" ".join([kind, "0", *rest[1:]]), "c=IN IP4 0.0.0.0", "a=inactive", *mid]
