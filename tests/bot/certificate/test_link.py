"""The link to a certificate: what it opens, for how long, that it opens nothing else; and tries that are counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.bench.certificate import certificate
from bot.certificate.document import CertificatePainter
from bot.certificate.fonts import FontFiles, SharedFonts
from bot.certificate.links import CertificateLinks
from bot.certificate.papers import Papers
from bot.settings import BadConfiguration, read, require_complete
from bot.turns.guesses import TRIES, WINDOW_SECONDS, StoredGuesses
from dialogs.texts import say
from dialogs.world import Unavailable
from storage.certified import Certificate
from tests.bot.wechat_side import Side, Turning
from tests.storage.backends import Embedded

DAY = 24 * 3600
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC).timestamp()
ONE = certificate(1)
OTHER = replace(certificate(2), number="ZM20261123HGFEDCBA")


class Book:
    """Two certificates; `down`: the database is away."""

    def __init__(self) -> None:
        self.down = False

    def find(self, number: str) -> Certificate | None:
        if self.down:
            raise Unavailable
        return {one.number: one for one in (ONE, OTHER)}.get(number)


@dataclass
class Desk:
    """Links over two certificates, with a clock to be moved."""

    now: float = NOON
    book: Book = field(default_factory=Book)

    def __post_init__(self) -> None:
        files = FontFiles()
        painter = CertificatePainter(SharedFonts(files), files)
        self.links = CertificateLinks(
            Papers(self.book, painter),  # type: ignore[arg-type]
            b"k" * 32,
            "https://bot.example",
            7,
            lambda: self.now,
        )

    def token(self, number: str) -> str:
        url, _ = self.links.url(number)
        assert url.startswith("https://bot.example/certificates/")
        return url.removeprefix("https://bot.example/certificates/").removesuffix(".pdf")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def told(page: tuple[int, Mapping[str, str], bytes]) -> tuple[int, str]:
    status, headers, body = page
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    return status, body.decode()


def test_a_link_opens_its_certificate_with_the_headers_of_a_private_document(desk: Desk) -> None:
    status, headers, body = desk.links.open(desk.token(ONE.number))
    assert status == 200
    assert body == desk.links.papers.document(ONE)
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Disposition"] == (
        f"inline; filename=\"{ONE.number}.pdf\"; filename*=UTF-8''%E7%BC%B4%E8%B4%B9%E8%AF%81%E6%98%8E_{ONE.number}.pdf"
    )


def test_a_link_holds_seven_days_and_can_be_had_anew(desk: Desk) -> None:
    token = desk.token(ONE.number)
    desk.now = NOON + 7 * DAY - 1
    assert desk.links.open(token)[0] == 200
    desk.now += 1
    status, text = told(desk.links.open(token))
    assert status == 410
    assert say("certificate_page.expired") in text
    assert desk.links.open(desk.token(ONE.number))[0] == 200


def test_a_token_of_one_certificate_opens_no_other(desk: Desk) -> None:
    token, other = desk.token(ONE.number), desk.token(OTHER.number)
    signature = token.rpartition(".")[2]
    forged = [
        token.replace(ONE.number, OTHER.number),
        f"{other.rpartition('.')[0]}.{signature}",
        token.replace("-", "-f", 1),
        token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1],
        token.partition(".")[0],
        ONE.number,
        "",
        "%00",
        "é",
    ]
    for one in forged:
        assert told(desk.links.open(one))[0] == 404, one


def test_the_link_says_nothing_of_whom_it_is_about(desk: Desk) -> None:
    token = desk.token(ONE.number)
    assert ONE.people[0].name not in token
    assert ONE.people[0].id_number not in token
    assert ONE.code not in token


def test_a_certificate_that_is_not_there_and_a_database_that_is_away_are_one_sentence_each(desk: Desk) -> None:
    assert told(desk.links.open(desk.token("ZM20261123NNNNNNNN")))[0] == 404
    desk.book.down = True
    status, text = told(desk.links.open(desk.token(ONE.number)))
    assert status == 503
    assert say("certificate_page.busy") in text


def test_the_address_ends_in_pdf_and_the_token_may_hold_points(desk: Desk) -> None:
    side = Side(Turning(), others={"certificate": desk.links.open})
    answer = side.client.simulate_get(f"/certificates/{desk.token(ONE.number)}.pdf")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content[:5] == b"%PDF-"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert side.client.simulate_get(f"/certificates/{desk.token(ONE.number)}").status_code == 404


def test_a_configured_seal_is_refused_at_start_rather_than_left_out(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text('[certificate]\nseal = "seal.p12"\n', "utf-8")
    with pytest.raises(BadConfiguration) as wrong:
        require_complete(read(tmp_path / "bot.toml"))
    assert any(line.startswith("certificate.seal: ") for line in wrong.value.mistakes)


class TestGuesses:
    @pytest.fixture
    def place(self, tmp_path: Path) -> Embedded:
        return Embedded(tmp_path / "shared.db")

    def test_five_wrong_ones_are_followed_by_a_wait_that_outlives_a_restart(self, place: Embedded) -> None:
        now = NOON
        for miss in range(1, TRIES + 1):
            guesses = StoredGuesses(place.shared_store(), lambda: now)
            assert guesses.wait("me", "code") == 0
            assert guesses.missed("me", "code") == (WINDOW_SECONDS if miss == TRIES else 0)
        after = StoredGuesses(place.shared_store(), lambda: now)
        assert after.wait("me", "code") == WINDOW_SECONDS
        assert after.wait("you", "code") == after.wait("me", "else") == 0
        now += WINDOW_SECONDS - 0.5
        assert after.wait("me", "code") == 1
        now += 1
        assert after.wait("me", "code") == 0
        assert after.missed("me", "code") == 0
