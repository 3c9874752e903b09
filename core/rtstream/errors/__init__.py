"""Every error that rtstream tells a person or a client, each with a code, a reason and a way out.

RtstreamError
├── UsageError (exit 2): ConfigError, OptionError, ProjectRefused, MediaFileError
├── HandlerError (exit 3): HandlerNotFound, HandlerAmbiguous, HandlerImportFailed,
│                          HandlerUnfit, HandlerRaised, HandlerReturnedNonsense, HandlerHung
├── MachineError (exit 4): PortBusy, MissingExtra, ToolMissing
├── RemoteError (exit 5): ServerUnreachable, TunnelFailed
│   ├── CarrierError: CarrierKeyRefused, QuotaSpent
│   └── ConnectionRefused: BadOffer, UnreadableBody, TracksUnfit, BadCandidate, BadMessage, BodyTooLarge,
│                          UnsupportedBody, UnknownConnection, ConnectionClosed, AlreadyConnected,
│                          TooManyConnections, ServerStopping, InputUnfit, UpgradeMissing,
│                          CallNotVerified
└── NoMediaOut (exit 6)

`exit_code` is the command line's, `status` HTTP's, `slug` the word that FastRTC's clients look for.
"""

from __future__ import annotations

from .base import NoMediaOut, RtstreamError
from .connection import (
    AlreadyConnected,
    BadCandidate,
    BadMessage,
    BadOffer,
    BodyTooLarge,
    ConnectionClosed,
    ConnectionRefused,
    InputUnfit,
    ServerStopping,
    TooManyConnections,
    TracksUnfit,
    UnknownConnection,
    UnreadableBody,
    UnsupportedBody,
    UpgradeMissing,
)
from .handler import (
    HandlerAmbiguous,
    HandlerError,
    HandlerHung,
    HandlerImportFailed,
    HandlerNotFound,
    HandlerRaised,
    HandlerReturnedNonsense,
    HandlerUnfit,
)
from .machine import MachineError, MissingExtra, PortBusy, ToolMissing
from .outside import CarrierError, CarrierKeyRefused, QuotaSpent, TunnelFailed
from .remote import RemoteError, ServerUnreachable
from .telephone import CallNotVerified
from .usage import ConfigError, MediaFileError, OptionError, ProjectRefused, UsageError

__all__ = [
    "AlreadyConnected",
    "BadCandidate",
    "BadMessage",
    "BadOffer",
    "BodyTooLarge",
    "CallNotVerified",
    "CarrierError",
    "CarrierKeyRefused",
    "ConfigError",
    "ConnectionClosed",
    "ConnectionRefused",
    "HandlerAmbiguous",
    "HandlerError",
    "HandlerHung",
    "HandlerImportFailed",
    "HandlerNotFound",
    "HandlerRaised",
    "HandlerReturnedNonsense",
    "HandlerUnfit",
    "InputUnfit",
    "MachineError",
    "MediaFileError",
    "MissingExtra",
    "NoMediaOut",
    "OptionError",
    "PortBusy",
    "ProjectRefused",
    "QuotaSpent",
    "RemoteError",
    "RtstreamError",
    "ServerStopping",
    "ServerUnreachable",
    "ToolMissing",
    "TooManyConnections",
    "TracksUnfit",
    "TunnelFailed",
    "UnknownConnection",
    "UnreadableBody",
    "UnsupportedBody",
    "UpgradeMissing",
    "UsageError",
]
