"""SIP messages as callers send them, for tests of the machine and over sockets."""

from __future__ import annotations

from collections.abc import Mapping

OFFER = """v=0
o=alice 1 1 IN IP4 192.0.2.7
s=-
c=IN IP4 192.0.2.7
t=0 0
m=audio 6000 RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendrecv
"""


class Asking:
    """One caller's side of a dialog: makes its requests."""

    def __init__(self, call_id: str = "call-1", *, host: str = "192.0.2.7", port: int = 5062) -> None:
        self.call_id, self.host, self.port = call_id, host, port
        self.tag, self.to_tag = "alices", ""
        self.number, self.branches = 0, 0

    def request(
        self,
        method: str,
        body: str = "",
        *,
        again: bool = False,
        transport: str = "UDP",
        branch: str = "",
        uri: str = "sip:echo@192.0.2.1",
        content_type: str = "application/sdp",
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """A request; `again` with the numbers of the one before, as ACK, CANCEL and repetitions have them."""
        if not again:
            self.number += 1
            self.branches += 1
        branch = branch or f"z9hG4bK{self.branches}"
        named = {
            "Via": f"SIP/2.0/{transport} {self.host}:{self.port};rport;branch={branch}",
            "Max-Forwards": "70",
            "From": f'"Alice, of course" <sip:+4930123@{self.host}>;tag={self.tag}',
            "To": "<sip:echo@192.0.2.1>" + (f";tag={self.to_tag}" if self.to_tag else ""),
            "Call-ID": self.call_id,
            "CSeq": f"{self.number} {method}",
            "Contact": f"<sip:alice@{self.host}:{self.port}>",
            **({"Content-Type": content_type} if body else {}),
            **(headers or {}),
        }
        data = body.replace("\r\n", "\n").replace("\n", "\r\n").encode()
        lines = [f"{method} {uri} SIP/2.0", *(f"{name}: {value}" for name, value in named.items() if value)]
        return "\r\n".join([*lines, f"Content-Length: {len(data)}", "", ""]).encode() + data
