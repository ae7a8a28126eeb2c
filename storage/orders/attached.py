"""What WeChat Pay keeps for us beside every attempt (`attach`), so that an order can be made anew from its answers.

A database that was restored from a backup knows nothing of the orders opened since. WeChat Pay gives the attachment
back in queries, callbacks and bills: the payer, where another may pay, and eight bytes for each line, from which the
agencies' data tell the line again. It holds no name and no number: five bytes of the insured's look-up key (a keyed
hash), and a keyed hash of what is owed. Its own keyed hash says that the attempt was ours, and which.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

MOST_CHARACTERS = 128  # facts/wechat.md B3
MOST_BYTES = MOST_CHARACTERS * 3 // 4
PERSON_BYTES, OWED_BYTES, SEAL_BYTES = 5, 3, 6
ALL_LINES, NO_LINES = 1, 2  # the first byte: the form; a later release may add others


@dataclass(frozen=True, slots=True)
class Owed:
    """What one line is for, as far as it takes to know it again."""

    person: str  # look-up key
    payable_key: str
    institution: str
    person_no: str
    tier_code: str
    amount: int


@dataclass(frozen=True, slots=True)
class LineSign:
    """One line in eight bytes: the beginning of the insured's look-up key, and a hash of what is owed."""

    person: str  # hexadecimal
    owed: bytes


@dataclass(frozen=True, slots=True)
class Attached:
    """What an attachment says: `payer` is "" where only they could pay; no `lines` where they did not fit in."""

    payer: str
    lines: tuple[LineSign, ...]


@dataclass(frozen=True)
class Attachments:
    """Writes and reads them with one key of this installation."""

    key: bytes

    def __repr__(self) -> str:
        return "Attachments()"

    def write(self, out_trade_no: str, amount: int, payer: str, lines: Sequence[Owed]) -> str:
        """At most 128 characters of `[0-9A-Za-z_-]`; the same arguments always give the same."""
        head = bytes([len(payer)]) + payer.encode("ascii")
        signs = [self.sign(line) for line in lines]
        body = b"".join(bytes.fromhex(sign.person) + sign.owed for sign in signs if sign)
        if None in signs or 1 + len(head) + len(body) + SEAL_BYTES > MOST_BYTES:
            raw = bytes([NO_LINES]) + head
        else:
            raw = bytes([ALL_LINES]) + head + body
        return base64.urlsafe_b64encode(raw + self._seal(raw, out_trade_no, amount)).decode().rstrip("=")

    def read(self, text: str, out_trade_no: str, amount: int) -> Attached | None:
        """What we attached to this number for this amount; None where it is not ours."""
        try:
            whole = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            return None
        raw, seal = whole[:-SEAL_BYTES], whole[-SEAL_BYTES:]
        if len(raw) < 2 or not hmac.compare_digest(seal, self._seal(raw, out_trade_no, amount)):
            return None
        form, length, rest = raw[0], raw[1], raw[2:]
        payer, body = rest[:length].decode("ascii"), rest[length:]
        if form == NO_LINES:
            return Attached(payer, ())
        size = PERSON_BYTES + OWED_BYTES
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        return Attached(payer, tuple(LineSign(one[:PERSON_BYTES].hex(), one[PERSON_BYTES:]) for one in pieces))

    def sign(self, line: Owed) -> LineSign | None:
        """A line's sign; None for a look-up key that is not of this release's form."""
        person = line.person[: 2 * PERSON_BYTES]
        if len(person) < 2 * PERSON_BYTES or set(person) - set("0123456789abcdef"):
            return None
        words = (line.person, line.payable_key, line.institution, line.person_no, line.tier_code, str(line.amount))
        return LineSign(person, self._hash("\n".join(words).encode())[:OWED_BYTES])

    def _seal(self, raw: bytes, out_trade_no: str, amount: int) -> bytes:
        return self._hash(b"%s\n%s\n%d" % (raw, out_trade_no.encode(), amount))[:SEAL_BYTES]

    def _hash(self, text: bytes) -> bytes:
        return hmac.new(self.key, text, hashlib.sha256).digest()
