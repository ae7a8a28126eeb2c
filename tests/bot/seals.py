"""A bureau's seal as the tests make it: an authority of their own, and PKCS#12 files it vouches for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID

PASSWORD = "only for tests"
BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = datetime(2036, 1, 1, tzinfo=UTC)
BUREAU = "样例市税务局（演示）"


@dataclass(frozen=True)
class Authority:
    """Vouches for seals."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


@cache
def authority() -> Authority:
    key = rsa.generate_private_key(65537, 2048)
    name = _named("样例根证书")
    made = _begun(name, name, key.public_key(), BEGINS, ENDS)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    made = made.add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return Authority(key, made.sign(key, hashes.SHA256()))


def seal_file(
    path: Path,
    *,
    bits: int = 2048,
    elliptic: bool = False,
    signs: bool = True,
    begins: datetime = BEGINS,
    ends: datetime = ENDS,
) -> Path:
    """A PKCS#12 file with the bureau's key, its certificate and the authority's."""
    key = ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa.generate_private_key(65537, bits)
    above = authority()
    made = _begun(_named(BUREAU), above.certificate.subject, key.public_key(), begins, ends)
    usage = _usage(digital_signature=True, content_commitment=True) if signs else _usage(key_encipherment=True)
    made = made.add_extension(usage, critical=True)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(above.key.public_key())
    made = made.add_extension(issuer, critical=False)
    certificate = made.sign(above.key, hashes.SHA256())
    encryption = BestAvailableEncryption(PASSWORD.encode())
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"seal", key, certificate, [above.certificate], encryption))
    return path


def moment_ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    begins: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return made.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(**allowed: bool) -> x509.KeyUsage:
    names = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"]
    names += ["key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})
