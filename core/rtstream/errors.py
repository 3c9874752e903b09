"""Every error that rtstream tells a person or a client, each with a code, a reason and a way out.

RtstreamError
├── UsageError (exit 2): ConfigError, OptionError, ProjectRefused, MediaFileError
├── HandlerError (exit 3): HandlerNotFound, HandlerAmbiguous, HandlerImportFailed,
│                          HandlerUnfit, HandlerRaised, HandlerReturnedNonsense, HandlerHung
├── MachineError (exit 4): PortBusy, MissingExtra, FeatureMissing
├── RemoteError (exit 5): ServerUnreachable
│   └── ConnectionRefused: BadOffer, UnreadableBody, TracksUnfit, BadCandidate, BadMessage, BodyTooLarge,
│                          UnsupportedBody, UnknownConnection, ConnectionClosed, AlreadyConnected,
│                          TooManyConnections, ServerStopping
└── NoMediaOut (exit 6)

`exit_code` is the command line's, `status` HTTP's, `slug` the word that FastRTC's clients look for.
"""

from __future__ import annotations

from typing import Any, ClassVar


class RtstreamError(Exception):
    """What happened (one sentence, no full stop), why, and what to do; `meta` are more keys of the JSON."""

    code: ClassVar[str] = "RT1000"
    exit_code: ClassVar[int] = 1
    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal_error"
    close_code: ClassVar[int] = 1011  # of a WebSocket, RFC 6455 §7.4.1

    def __init__(self, what: str, *, why: str = "", fix: str = "", **meta: Any) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix
        self.meta = meta

    def as_dict(self) -> dict[str, Any]:
        """The error as the command line's `--json` prints it."""
        return {"code": self.code, "what": self.what, "why": self.why, "fix": self.fix, **self.meta}

    def body(self) -> dict[str, Any]:
        """The error as a JSON answer, in FastRTC's shape and more."""
        return {"status": "failed", "meta": {"error": self.slug, **self.as_dict()}}


class UsageError(RtstreamError):
    """The command or the call was given something that cannot be."""

    code = "RT2001"
    exit_code = 2
    status = 400
    slug = "usage"


class ConfigError(UsageError):
    """A configuration file or an environment variable says something that cannot be."""

    code = "RT2002"
    slug = "bad_config"


class OptionError(UsageError, ValueError):
    """An argument of `Stream(...)` cannot be, or does not go with another."""

    code = "RT2003"
    slug = "bad_option"


class ProjectRefused(UsageError):
    """`rtstream new` will not write there, or not under that name."""

    code = "RT2004"
    slug = "project_refused"


class MediaFileError(UsageError):
    """A media file is not there, holds no media, or cannot be read or written."""

    code = "RT2005"
    slug = "bad_media_file"


class HandlerError(RtstreamError):
    """Something about the user's handler."""

    code = "RT3000"
    exit_code = 3
    slug = "handler"


class HandlerNotFound(HandlerError):
    """There is no such file, module or name."""

    code = "RT3001"
    slug = "handler_not_found"


class HandlerAmbiguous(HandlerError):
    """There are several candidates, or several readings of one."""

    code = "RT3002"
    slug = "handler_ambiguous"


class HandlerImportFailed(HandlerError):
    """The user's file raised while it was imported."""

    code = "RT3003"
    slug = "handler_import_failed"


class HandlerUnfit(HandlerError, ValueError):
    """The object is no handler, or none for this modality and mode."""

    code = "RT3004"
    slug = "handler_unfit"


class HandlerRaised(HandlerError):
    """The user's code raised while it handled media."""

    code = "RT3005"
    slug = "handler_raised"


class HandlerReturnedNonsense(HandlerError):
    """The user's code gave back something that is neither media nor an output."""

    code = "RT3006"
    slug = "handler_returned_nonsense"


class HandlerHung(HandlerError):
    """The user's code did not come back."""

    code = "RT3007"
    slug = "handler_hung"


class MachineError(RtstreamError):
    """This machine lacks something or has it in use."""

    code = "RT4000"
    exit_code = 4
    slug = "machine"


class PortBusy(MachineError):
    """Somebody else listens on the port."""

    code = "RT4001"
    slug = "port_busy"


class MissingExtra(MachineError):
    """An optional part of rtstream is not installed."""

    code = "RT4002"
    slug = "missing_extra"


class FeatureMissing(MachineError, NotImplementedError):
    """This version of rtstream does not have that part yet."""

    code = "RT4003"
    status = 501
    slug = "feature_missing"


class RemoteError(RtstreamError):
    """The network, or somebody at its other end."""

    code = "RT5000"
    exit_code = 5
    status = 502
    slug = "remote"


class ServerUnreachable(RemoteError):
    """Nobody answers at the address, or the answer is not one of ours."""

    code = "RT5001"
    slug = "server_unreachable"


class ConnectionRefused(RemoteError):
    """A client asked for a connection, or spoke on one, in a way that cannot be served."""

    code = "RT5100"
    status = 400
    slug = "connection_refused"
    close_code = 1008


class BadOffer(ConnectionRefused):
    """The offer is not one that can be answered."""

    code = "RT5101"
    slug = "invalid_offer"


class UnreadableBody(BadOffer):
    """The JSON is sound, but fields are missing or of the wrong type."""

    code = "RT5112"
    status = 422
    slug = "invalid_body"


class TracksUnfit(ConnectionRefused):
    """The offer is sound, but its tracks do not fit the stream."""

    code = "RT5102"
    status = 422
    slug = "tracks_do_not_fit"


class BadCandidate(ConnectionRefused):
    """The ICE candidate cannot be read."""

    code = "RT5103"
    slug = "invalid_candidate_format"


class BadMessage(ConnectionRefused):
    """A message on a socket is not of its protocol."""

    code = "RT5104"
    slug = "invalid_message"
    close_code = 1003


class BodyTooLarge(ConnectionRefused):
    """A request or a message is larger than any honest one."""

    code = "RT5105"
    status = 413
    slug = "too_large"
    close_code = 1009


class UnsupportedBody(ConnectionRefused):
    """A request has a type of body that the route does not take."""

    code = "RT5106"
    status = 415
    slug = "unsupported_media_type"


class UnknownConnection(ConnectionRefused, LookupError):
    """No connection has that id (any more)."""

    code = "RT5107"
    status = 404
    slug = "unknown_connection"


class ConnectionClosed(UnknownConnection):
    """The connection with that id has just ended."""

    code = "RT5111"
    slug = "connection_closed"


class AlreadyConnected(ConnectionRefused):
    """A connection with that id is live."""

    code = "RT5108"
    status = 409
    slug = "connection_already_exists"


class TooManyConnections(ConnectionRefused):
    """The stream holds as many connections as it may."""

    code = "RT5109"
    status = 503
    slug = "concurrency_limit_reached"
    close_code = 1013


class ServerStopping(ConnectionRefused):
    """The server takes no new connections because it is about to stop."""

    code = "RT5110"
    status = 503
    slug = "server_stopping"
    close_code = 1012


class NoMediaOut(RtstreamError):
    """Everything ran, but nothing could be heard or seen at the end."""

    code = "RT6001"
    exit_code = 6
    slug = "no_media_out"
