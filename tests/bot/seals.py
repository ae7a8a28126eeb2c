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
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

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


@cache
def bureau_key(bits: int) -> rsa.RSAPrivateKey:
    """Every seal of a bureau has it: making one takes long."""
    return rsa.generate_private_key(65537, bits)


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
    key = ec.generate_private_key(ec.SECP256R1()) if elliptic else bureau_key(bits)
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


def chained_seal_file(path: Path) -> Path:
    """A PKCS#12 file as an authority hands them out: long names, all usual extensions, an intermediate authority."""
    root = authority()
    middle_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    middle_name = _full_name("样例电子认证服务有限公司", "Sample Document Signing CA G2")
    middle = _issued(middle_name, root.certificate.subject, middle_key, root.key, ca=True)
    leaf = _issued(_full_name("国家税务总局样例省税务局", BUREAU), middle_name, key, middle_key, ca=False)
    encryption = BestAvailableEncryption(PASSWORD.encode())
    above = [middle, root.certificate]
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"seal", key, leaf, above, encryption))
    return path


def _issued(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, above: rsa.RSAPrivateKey, *, ca: bool
) -> x509.Certificate:
    usage = _usage(key_cert_sign=True, crl_sign=True) if ca else _usage(digital_signature=True, content_commitment=True)
    where = [x509.UniformResourceIdentifier(f"http://crl.sample-ca.example/{'root' if ca else 'signing-g2'}.crl")]
    policy = x509.PolicyInformation(
        x509.ObjectIdentifier("1.3.6.1.4.1.99999.1.2.3"), ["https://www.sample-ca.example/cps"]
    )
    facts = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(f"http://{host}"))
        for host in ("ocsp.sample-ca.example/ocsp", "www.sample-ca.example/certificates/signing-g2.cer")
    ]
    made = _begun(subject, issuer, key.public_key(), BEGINS, ENDS)
    for extension, critical in (
        (x509.BasicConstraints(ca=ca, path_length=0 if ca else None), True),
        (usage, True),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.CRLDistributionPoints([x509.DistributionPoint(where, None, None, None)]), False),
        (x509.CertificatePolicies([policy]), False),
        (x509.AuthorityInformationAccess(facts), False),
    ):
        made = made.add_extension(extension, critical)
    return made.sign(above, hashes.SHA256())


def _full_name(organization: str, common: str) -> x509.Name:
    parts = (
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.STATE_OR_PROVINCE_NAME, "样例省"),
        (NameOID.LOCALITY_NAME, "样例市"),
    )
    named = (*parts, (NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(which, text) for which, text in named])


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
