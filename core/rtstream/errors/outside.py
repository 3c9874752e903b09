"""The way in from outside: tunnels, and those who lead telephone calls to them (exit code 5)."""

from __future__ import annotations

from .remote import RemoteError


class TunnelFailed(RemoteError):
    """A tunnel was refused, or does not carry."""

    code = "RT5002"
    slug = "tunnel_failed"


class CarrierError(RemoteError):
    """A telephone service or carrier cannot be reached, or said no with a code of its own."""

    code = "RT5003"
    slug = "carrier"


class CarrierKeyRefused(CarrierError):
    """A telephone service or carrier does not take the token or key, or there is none."""

    code = "RT5004"
    slug = "carrier_key_refused"


class QuotaSpent(CarrierError):
    """The minutes of a telephone service are used up."""

    code = "RT5005"
    slug = "quota_spent"
