"""A certificate made on the spot, so that `serve --https` needs nothing that a person would have to get."""

from __future__ import annotations

import ipaddress
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

LASTS = timedelta(days=397)  # browsers take none that lasts longer (CA/B Forum BR §6.3.2)
RENEWED = timedelta(days=14)  # before its end


@dataclass(frozen=True)
class Certificate:
    """Two files in PEM: the certificate, and its key, which its owner alone may read."""

    chain: Path
    key: Path


def for_names(names: Sequence[str], folder: Path | None = None) -> Certificate:
    """A self-signed certificate for host names and addresses.

    It is kept, so that a browser which was told to trust it once need not be told again, and made anew
    when it is about to end or lacks a name.

    Args:
        names: the hosts that it is for, such as "localhost" and "192.168.1.20".
        folder: where it is kept: `rtstream` in the user's cache by default; a temporary folder where
            that cannot be written to.
    """
    folder = folder or _cache()
    kept = Certificate(folder / "https.pem", folder / "https.key")
    if _still_good(kept, names):
        return kept
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _made(kept, names)
    except OSError:
        elsewhere = Path(tempfile.mkdtemp(prefix="rtstream-"))
        return _made(Certificate(elsewhere / "https.pem", elsewhere / "https.key"), names)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rtstream"


def _still_good(kept: Certificate, names: Sequence[str]) -> bool:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(kept.chain.read_bytes())
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    lasts = found.not_valid_after_utc - datetime.now(UTC) > RENEWED
    return lasts and kept.key.is_file() and all(_general_name(name) in alternatives for name in names)


def _made(place: Certificate, names: Sequence[str]) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rtstream on this machine")])
    begins = datetime.now(UTC) - timedelta(hours=1)  # a telephone's clock may be slow
    number = x509.random_serial_number()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), number, begins, begins + LASTS)
        .add_extension(x509.SubjectAlternativeName([_general_name(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with suppress(FileNotFoundError):
        place.key.unlink()  # else it would keep the rights that it has
    with open(os.open(place.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    place.chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return place


def _general_name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
