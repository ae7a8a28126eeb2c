"""The sealed certificate: a validator that did not sign it says who did and that nothing changed; any change shows."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest
from asn1crypto import x509 as asn1  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.metadata import info
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.signers import pdf_cms, pdf_signer
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from bot.bench.certificate import certificate
from bot.certificate.document import CertificatePainter
from bot.certificate.fonts import FontFiles, SharedFonts
from bot.certificate.seal import BadSeal, Seal
from bot.settings import BadConfiguration, read, require_complete
from dialogs.texts import say
from tests.bot.seals import BUREAU, ENDS, PASSWORD, authority, chained_seal_file, moment_ago, seal_file

ONE = certificate(2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seals")


@pytest.fixture(scope="module")
def seal(folder: Path) -> Seal:
    return Seal.read(seal_file(folder / "seal.p12"), PASSWORD)


@pytest.fixture(scope="module")
def painter(seal: Seal) -> CertificatePainter:
    files = FontFiles()
    return CertificatePainter(SharedFonts(files), files, seal)


@pytest.fixture(scope="module")
def sealed(painter: CertificatePainter) -> bytes:
    return painter.paint(ONE)


def looked_at(document: bytes, trusted: bool = True) -> Any:
    """What pyHanko's validation says of the only signature, with the tests' authority trusted or nobody."""
    [signature] = PdfFileReader(BytesIO(document)).embedded_signatures
    roots = [asn1.Certificate.load(authority().certificate.public_bytes(Encoding.DER))] if trusted else []
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=ONE.issued_at)
    return validate_pdf_signature(signature, signer_validation_context=context)


def holds(document: bytes) -> bool:
    """Whether a reader would call it intact, trusted and whole."""
    try:
        status = looked_at(document)
    except Exception:  # it cannot even be read any more
        return False
    whole = status.coverage is SignatureCoverageLevel.ENTIRE_FILE
    return bool(status.bottom_line and status.intact and status.trusted and whole)


def words(document: bytes) -> str:
    return "".join(page.get_textpage().get_text_bounded() for page in pdfium.PdfDocument(document))


def test_a_validator_finds_it_intact_trusted_and_signed_by_the_bureau(sealed: bytes) -> None:
    status = looked_at(sealed)
    assert (status.intact, status.valid, status.trusted, status.bottom_line) == (True, True, True, True)
    assert status.coverage is SignatureCoverageLevel.ENTIRE_FILE
    assert status.signing_cert.subject.native["common_name"] == BUREAU
    assert status.signer_reported_dt == ONE.issued_at
    assert status.docmdp_ok


def test_with_a_chain_of_authorities_it_holds_and_stays_small(folder: Path, painter: CertificatePainter) -> None:
    seal = Seal.read(chained_seal_file(folder / "chained.p12"), PASSWORD)
    for rows, most in ((1, 28_800), (10, 30_000)):
        document = replace(painter, seal=seal).paint(certificate(rows))
        assert holds(document)
        assert len(document) < most
        assert len(document) < len(painter.paint(certificate(rows))) + 4_000
    assert len(painter.paint(certificate(10))) < 26_500


def test_who_does_not_trust_the_authority_is_not_made_to(sealed: bytes) -> None:
    status = looked_at(sealed, trusted=False)
    assert status.intact
    assert not status.trusted


def container(document: bytes) -> range:
    """Where the signature itself stands, in hexadecimal digits."""
    begin = document.index(b"/Contents <") + len(b"/Contents <")
    return range(begin, document.index(b">", begin))


def altered(document: bytes, place: int) -> bytes:
    return document[:place] + bytes([document[place] ^ 1]) + document[place + 1 :]


def test_any_byte_of_the_document_that_is_altered_is_noticed(sealed: bytes) -> None:
    assert holds(sealed)
    inside = container(sealed)
    around = [inside.start - 2, inside.start - 1, inside.stop, inside.stop + 1]
    outside = [place for place in range(len(sealed)) if place not in inside]
    for place in [*around, 0, len(sealed) - 2, *Random(7).sample(outside, 120)]:
        assert not holds(altered(sealed, place)), f"byte {place}: {sealed[place - 20 : place + 20]!r}"


def test_of_the_signature_itself_only_what_signs_nothing_can_be_altered_unnoticed(sealed: bytes) -> None:
    """CMS leaves unsigned what only says which algorithms and versions follow: a few digits of it."""
    inside = container(sealed)
    chosen = list(inside)[::17]
    overlooked = [place for place in chosen if holds(altered(sealed, place))]
    assert len(overlooked) < len(chosen) / 10
    for place in overlooked:
        assert signed_by(altered(sealed, place)) == signed_by(sealed)


def signed_by(document: bytes) -> tuple[bytes, bytes, bytes]:
    """What makes a signature: its value, what it is over, and whose certificate."""
    [signature] = PdfFileReader(BytesIO(document)).embedded_signatures
    info = signature.signer_info
    return info["signature"].native, info["signed_attrs"].untag().dump(), signature.signer_cert.dump()


def test_anything_put_behind_it_is_noticed(sealed: bytes) -> None:
    assert not holds(sealed + b"\n% one line more\n")


def test_it_carries_no_mark_of_a_sample_and_says_who_signed(sealed: bytes, painter: CertificatePainter) -> None:
    plain = replace(painter, seal=None).paint(ONE)
    for mark in (say("paper.watermark"), say("paper.sample")):
        assert mark in words(plain)
        assert mark not in words(sealed)
    assert say("paper.sealed", name=BUREAU) in re.sub(r"\s", "", words(sealed)).replace("PDF", " PDF ")
    assert b"/AcroForm" not in plain


def test_it_is_the_same_bytes_each_time_and_in_every_process(
    sealed: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = FontFiles()
    later = SimpleNamespace(now=lambda tz=None: datetime(2030, 1, 1, tzinfo=tz))
    for module in (info, pdf_signer, pdf_cms):
        monkeypatch.setattr(module, "datetime", later)
    again = CertificatePainter(SharedFonts(files), files, Seal.read(folder / "seal.p12", PASSWORD))
    assert again.paint(ONE) == sealed
    assert again.paint(replace(ONE, issued_at=ONE.issued_at + timedelta(seconds=1))) != sealed


def test_what_was_issued_after_the_seals_end_is_a_sample_and_what_before_its_begin_is_signed_as_of_then(
    painter: CertificatePainter,
) -> None:
    assert say("paper.watermark") in words(painter.paint(replace(ONE, issued_at=ENDS + timedelta(seconds=1))))
    early = painter.paint(replace(ONE, issued_at=datetime(2025, 5, 1, tzinfo=UTC)))
    [signature] = PdfFileReader(BytesIO(early)).embedded_signatures
    assert signature.self_reported_timestamp == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_seal_that_cannot_sign_is_refused_with_the_reason(folder: Path) -> None:
    good = seal_file(folder / "good.p12")
    (folder / "text.p12").write_text("not a seal")
    cases = {
        "cannot be read": (folder / "nowhere.p12", PASSWORD),
        "no PKCS#12 file": (folder / "text.p12", PASSWORD),
        "seal_password": (good, "wrong"),
        "no RSA key": (seal_file(folder / "ec.p12", elliptic=True), PASSWORD),
        "shorter than 2048": (seal_file(folder / "short.p12", bits=1024), PASSWORD),
        "not meant for signatures": (seal_file(folder / "other.p12", signs=False), PASSWORD),
    }
    for reason, (path, password) in cases.items():
        with pytest.raises(BadSeal, match=reason):
            Seal.read(path, password)


@pytest.mark.parametrize(
    ("seal", "password", "told"),
    [
        ("nowhere.p12", "", "cannot be read"),
        ("good.p12", "wrong", "seal_password"),
        ("old.p12", PASSWORD, "ended on"),
        ("early.p12", PASSWORD, "does not hold yet"),
        ("good.p12", PASSWORD, ""),
    ],
)
def test_the_start_says_which_key_is_wrong_and_what_follows(
    tmp_path: Path, seal: str, password: str, told: str
) -> None:
    seal_file(tmp_path / "good.p12", begins=moment_ago(days=1), ends=moment_ago(days=-1))
    seal_file(tmp_path / "old.p12", begins=moment_ago(days=9), ends=moment_ago(days=1))
    seal_file(tmp_path / "early.p12", begins=moment_ago(days=-1), ends=moment_ago(days=-9))
    config = tmp_path / "bot.toml"
    config.write_text(f'[certificate]\nseal = "{seal}"\nseal_password = "{password}"\n', "utf-8")
    with pytest.raises(BadConfiguration) as wrong:  # other keys are missing too
        require_complete(read(config))
    mistakes = [line for line in wrong.value.mistakes if line.startswith("certificate.seal: ")]
    assert len(mistakes) == bool(told)
    assert all(told in line and "样张" in line and PASSWORD not in line for line in mistakes)
