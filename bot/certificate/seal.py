"""电子签名: the bureau's PKCS#12, checked when it is read, and a document signed with it so that it says who signed.

An RSA signature (PKCS#1 v1.5) with the certificate's own moment in it is the same each time: so is the signed document.
pyHanko is loaded when the first document is signed, and never where no seal is configured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

LEAST_BITS = 2048
FIELD = "Seal"  # of the form, where a reader looks for signatures


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

    def sign(self, document: bytes, at: datetime) -> bytes:
        """The document with an invisible signature over all of it: nothing may be changed. The same bytes each time.

        `at` is when it says it was signed; where the seal is newer than that, the seal's first moment.
        """
        return self._signed(document, max(at, self.certificate.not_valid_before_utc).astimezone(UTC))

    @cached_property
    def _signed(self) -> Callable[[bytes, datetime], bytes]:
        return _pyhanko(self)

    def _named(self, what: x509.ObjectIdentifier) -> list[str]:
        return [str(one.value) for one in self.certificate.subject.get_attributes_for_oid(what)]


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature or usage.content_commitment


def _pyhanko(seal: Seal) -> Callable[[bytes, datetime], bytes]:
    """pyHanko with this seal; three things it would draw or look up each time are taken from the document."""
    from asn1crypto import keys  # type: ignore[import-untyped]
    from asn1crypto import x509 as asn1
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    class Writer(IncrementalPdfFileWriter):  # type: ignore[misc,unused-ignore]
        """Its half of the document's ID follows from the document, and what is told of the document stays told."""

        @classmethod
        def _handle_id(cls, prev: Any) -> Any:
            prev.stream.seek(0)
            drawn = sha256(prev.stream.read()).digest()[:16]
            first = prev.trailer["/ID"][0] if "/ID" in prev.trailer else generic.ByteStringObject(drawn)
            return generic.ArrayObject([first, generic.ByteStringObject(drawn)])

        def _update_meta(self) -> None:
            """No moment of change, no other program: nothing was changed."""

    class Signer(PdfSigner):  # type: ignore[misc,unused-ignore]
        """Signs at a given moment."""

        def __init__(self, at: datetime) -> None:
            super().__init__(metadata, signer, new_field_spec=SigFieldSpec(FIELD))
            self._at = at

        def init_signing_session(self, pdf_out: Any, existing_fields_only: bool = False) -> Any:
            session = super().init_signing_session(pdf_out, existing_fields_only)
            session.system_time = self._at
            return session

    def certificate_of(one: x509.Certificate) -> Any:
        return asn1.Certificate.load(one.public_bytes(Encoding.DER))

    key = seal.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    known: Any = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    for above in seal.chain:
        known.register(certificate_of(above))
    signer = SimpleSigner(certificate_of(seal.certificate), keys.PrivateKeyInfo.load(key), known, embed_roots=False)
    metadata = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        name=seal.name or None,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        subfilter=SigSeedSubFilter.PADES,
        tight_size_estimates=True,  # no room behind the signature where bytes could be changed unnoticed
    )

    def signed(document: bytes, at: datetime) -> bytes:
        out = BytesIO()
        Signer(at).sign_pdf(Writer(BytesIO(document)), output=out)
        return out.getvalue()

    return signed
