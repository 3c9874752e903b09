"""A client asked for a connection, or spoke on one, in a way that cannot be served."""

from __future__ import annotations

from .remote import RemoteError


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


class UpgradeMissing(ConnectionRefused):
    """A plain request came to the address of a WebSocket."""

    code = "RT5114"
    status = 426
    slug = "upgrade_missing"


class InputUnfit(ConnectionRefused):
    """A client sent additional inputs that the stream does not take."""

    code = "RT5113"
    status = 422
    slug = "input_does_not_fit"


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
