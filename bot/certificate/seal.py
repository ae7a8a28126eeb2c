"""电子签名: the bureau's PKCS#12, checked when it is read, and a document signed with it so that it says who signed.

pyHanko makes the signature (CMS), for which `binding.py` leaves as much room as it takes. An RSA signature (PKCS#1
v1.5) is the same each time, and the moment told is the certificate's own: so the signed document is the same each time.
pyHanko is loaded when the first document is signed, and never where no seal is configured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

LEAST_BITS = 2048
DIGEST = "sha256"


class BadSeal(Exception):
    """The file cannot be used to sign; the message says why, in an operator's words."""


@dataclass(frozen=True, repr=False)
class Seal:
    """A private key with its certificate and those above it."""

    key: RSAPrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    @classmethod
    def read(cls, path: Path, password: str) -> Seal:
        """The seal of a PKCS#12 file. Raises BadSeal where it is unreadable or unfit to sign."""
        try:
            content = path.read_bytes()
        except OSError as wrong:
            raise BadSeal(f"the file cannot be read ({wrong.strerror})") from None
        try:
            key, certificate, chain = pkcs12.load_key_and_certificates(content, password.encode() or None)
        except (ValueError, TypeError):
            raise BadSeal("no PKCS#12 file, or certificate.seal_password is not its password") from None
        if not isinstance(key, RSAPrivateKey) or certificate is None:
            raise BadSeal("holds no RSA key with its certificate; only RSA signs a document the same each time")
        if key.key_size < LEAST_BITS:
            raise BadSeal(f"its RSA key is shorter than {LEAST_BITS} bits, which readers do not trust")
        if not _may_sign(certificate):
            raise BadSeal("its certificate is not meant for signatures (key usage)")
        return cls(key, certificate, tuple(chain))

    @property
    def name(self) -> str:
        """Whose it is, as a reader shows it."""
        names = [*self._named(x509.NameOID.COMMON_NAME), *self._named(x509.NameOID.ORGANIZATION_NAME)]
        return names[0] if names else ""

    @property
    def last_day(self) -> str:
        """The day it ends on, in UTC."""
        return self.certificate.not_valid_after_utc.date().isoformat()

    def holds(self, at: datetime) -> bool:
        """Whether it had not ended at this moment."""
        return at <= self.certificate.not_valid_after_utc

    def begun(self, at: datetime) -> bool:
        """Whether it held at this moment already."""
        return at >= self.certificate.not_valid_before_utc

    def signing(self, at: datetime) -> SealSigning:
        """How a document is signed as of this moment; where the seal is newer than that, of the seal's first."""
        return SealSigning(self, max(at, self.certificate.not_valid_before_utc).astimezone(UTC))

    @cached_property
    def room(self) -> int:
        """How many bytes each of its signatures takes."""
        return len(self.signature(bytes(32)))

    def signature(self, digest: bytes) -> bytes:
        """A signature (CMS, as PAdES has it) over what has this SHA-256; with the certificates above, without roots."""
        return self._signed(digest)

    @cached_property
    def _signed(self) -> Callable[[bytes], bytes]:
        return _pyhanko(self)

    def _named(self, what: x509.ObjectIdentifier) -> list[str]:
        return [str(one.value) for one in self.certificate.subject.get_attributes_for_oid(what)]


@dataclass(frozen=True)
class SealSigning:
    """A seal and a moment: `bot.certificate.binding.Signing`."""

    seal: Seal
    at: datetime

    @property
    def name(self) -> str:
        """Whose seal it is."""
        return self.seal.name

    @property
    def room(self) -> int:
        """How many bytes a signature takes: no more are left, where something could be changed unnoticed."""
        return self.seal.room

    def signature(self, digest: bytes) -> bytes:
        """The signature over a document."""
        return self.seal.signature(digest)


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature or usage.content_commitment


def _pyhanko(seal: Seal) -> Callable[[bytes], bytes]:
    """pyHanko with this seal; asks nobody for anything, so that waiting for it is no waiting."""
    from asn1crypto import x509 as asn1  # type: ignore[import-untyped]
    from pyhanko.sign.signers import Signer
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    class SealSigner(Signer):  # type: ignore[misc,unused-ignore]
        """Signs with the key as it was read; names its certificate by hash alone (RFC 5035), whose name is there."""

        async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
            return seal.key.sign(data, PKCS1v15(), SHA256())

        async def signed_attrs(self, *given: Any, **named: Any) -> Any:
            found = await super().signed_attrs(*given, **named)
            for attribute in found:
                if attribute["type"].native == "signing_certificate_v2":
                    for one in attribute["values"][0]["certs"]:
                        del one["issuer_serial"]
            return found

    def certificate_of(one: x509.Certificate) -> Any:
        return asn1.Certificate.load(one.public_bytes(Encoding.DER))

    known: Any = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    for above in seal.chain:
        known.register(certificate_of(above))
    signer = SealSigner(signing_cert=certificate_of(seal.certificate), cert_registry=known, embed_roots=False)

    def signed(digest: bytes) -> bytes:
        return bytes(asyncio.run(signer.async_sign(digest, DIGEST, use_pades=True)).dump())

    return signed
