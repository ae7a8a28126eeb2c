"""The certificate's link `/certificates/<token>.pdf`: a signed number with an end, and what opening it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from urllib.parse import quote

from itsdangerous import BadSignature, Signer

from bot.certificate.faults import CannotPrint
from bot.certificate.papers import Papers
from bot.pay.hand_off import plain_sentence
from bot.wire.signed_tokens import read_token
from dialogs.texts import say
from dialogs.world import Unavailable

Page = tuple[int, Mapping[str, str], bytes]
DAY_SECONDS, HOUR_SECONDS = 24 * 3600, 3600
# A PDF asks for nothing; browsers show it in a plug-in of their own, which these two allow.
_POLICY = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class CertificateLinks:
    """Makes and opens links. `public_url` is where citizens reach this bot; `clock` gives unix seconds."""

    papers: Papers
    key: bytes
    public_url: str
    valid_days: int
    clock: Callable[[], float]

    def url(self, number: str) -> tuple[str, int]:
        """A fresh link to the certificate of this number, and until when it holds in unix seconds: of a full hour.

        So a link asked for again within the hour is the same, and what was shown with it is not stale.
        """
        hour = ceil(self.clock() / HOUR_SECONDS) * HOUR_SECONDS
        until = hour + self.valid_days * DAY_SECONDS
        token = self._signer().sign(f"{number}-{until:x}").decode()
        return f"{self.public_url.rstrip('/')}/certificates/{token}.pdf", until

    def open(self, token: str) -> Page:
        """The document, or one plain sentence: the link is over, or none of ours."""
        try:
            number, _, until = read_token(self._signer(), token).partition("-")
        except (BadSignature, UnicodeError):
            return self._sentence(404, "certificate_page.unknown")
        if self.clock() >= int(until, 16):
            return self._sentence(410, "certificate_page.expired")
        try:
            certificate = self.papers.book.find(number)
            if certificate is None:
                return self._sentence(404, "certificate_page.unknown")
            return 200, _headers(number), self.papers.document(certificate)
        except Unavailable:
            return self._sentence(503, "certificate_page.busy")
        except CannotPrint:  # names are looked at before a certificate is issued; the fonts have changed since
            return self._sentence(503, "certificate_page.unprintable")

    def _sentence(self, status: int, key: str) -> Page:
        body, headers = plain_sentence(say("certificate_page.title"), say(key))
        return status, headers, body

    def _signer(self) -> Signer:
        return Signer(self.key, salt="certificate-link", sep=".")


def _headers(number: str) -> dict[str, str]:
    name = quote(say("certificate_page.file", number=number))
    return {
        "Content-Type": "application/pdf",
        "Content-Disposition": f"inline; filename=\"{number}.pdf\"; filename*=UTF-8''{name}",
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
