"""The user's handler cannot be found, loaded or used, or raised (exit code 3)."""

from __future__ import annotations

from .base import RtstreamError


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
