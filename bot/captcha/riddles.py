"""Riddles whose answer follows from their text and a key: nothing but the riddle is kept, in no session and no table.

A riddle is kind, time and a draw (`p-6922f0a0-…`). What it asks comes from a keyed hash of kind and draw, so whoever
reads a session learns nothing, every process knows the answer, and a picture can be painted before it is asked for.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from bot.captcha.pool import fresh_draw, taken
from dialogs.choices import NUMERALS, plain
from dialogs.texts import say
from dialogs.world import Guess, Unavailable
from storage.database import writing
from storage.history import StoredHistory
from storage.notices import captcha_notice, drop_captchas, write_notice
from storage.sessions.contract import SharedStore, StoreUnavailable

PICTURE, SUM = "p", "s"
SIGNS = "234578"  # digits an old person tells apart: no 0, 1, 6 and 9
LENGTH = 4
LEAST, MOST = 2, 9  # of what is added
RIDDLE_SECONDS = 10 * 60
CONFIRMED_SECONDS = 30 * 60
MOST_CONFIRMED = 20
WORDS = {number: word for word, number in NUMERALS.items() if len(word) == 1 and word not in "两俩"}


@dataclass(frozen=True)
class Riddles:
    """`dialogs.world.Captchas`. Unix seconds; every call may raise an `Unavailable`."""

    key: bytes
    engine: Engine
    shared: SharedStore
    history: StoredHistory
    clock: Callable[[], float]
    wake: Callable[[], None]

    def pose(self, payer: str, *, picture: bool) -> str:
        """A new riddle; the worker sends its picture (bot/notices/messenger.py): a waiting one or one painted then."""
        now = int(self.clock())
        with writing(self.engine) as connection:
            drop_captchas(connection, payer, now)
            ready = taken(connection, now) if picture else None
            riddle = f"{PICTURE if picture else SUM}-{now:x}-{ready.draw if ready else fresh_draw()}"
            if picture:
                media = ready.media_id if ready else ""
                write_notice(connection, captcha_notice(payer, riddle, media, now + RIDDLE_SECONDS, now))
        if picture:
            self.wake()
        return riddle

    def question(self, riddle: str) -> str:
        """The sum in figures and words; "" for a picture."""
        if not riddle.startswith(SUM):
            return ""
        first, second = self._summands(riddle)
        words = {"first_word": WORDS[first], "second_word": WORDS[second]}
        return say("sum.question", first=first, second=second, **words)

    def guess(self, riddle: str, answer: str) -> Guess:
        """What the answer is."""
        if int(riddle.split("-")[1], 16) + RIDDLE_SECONDS < self.clock():
            return Guess.EXPIRED
        number = _number(answer)
        if not number:
            return Guess.UNREADABLE
        right = str(sum(self._summands(riddle))) if riddle.startswith(SUM) else signs_of(riddle, self.key)
        return Guess.RIGHT if hmac.compare_digest(number, right) else Guess.WRONG

    def acquainted(self, payer: str, insured: str) -> bool:
        """Whether this payer paid for the insured, or confirmed it within the last 30 minutes."""
        now = self.clock()
        confirmed = any(one == insured and until > now for one, until in self._confirmed(payer))
        return confirmed or self.history.paid_for(payer, insured)

    def confirm(self, payer: str, insured: str) -> None:
        """Number, name and code were right just now; the 30 minutes begin once, not with every look."""
        kept = [(one, until) for one, until in self._confirmed(payer) if until > self.clock()]
        if not any(one == insured for one, _ in kept):
            self._keep(payer, [*kept, (insured, self.clock() + CONFIRMED_SECONDS)][-MOST_CONFIRMED:])

    def forget(self, payer: str) -> None:
        """Whom this payer confirmed lately."""
        self._keep(payer, [])

    def _confirmed(self, payer: str) -> Sequence[tuple[str, float]]:
        try:
            kept = self.shared.get(f"confirmed:{payer}", self.clock())
        except StoreUnavailable as gone:
            raise Unavailable("who was confirmed is not known just now") from gone
        return [(str(one), float(until)) for one, until in json.loads(kept or "[]")]

    def _keep(self, payer: str, confirmed: Sequence[tuple[str, float]]) -> None:
        try:
            self.shared.put(f"confirmed:{payer}", json.dumps(confirmed), CONFIRMED_SECONDS, self.clock())
        except StoreUnavailable as gone:
            raise Unavailable("who was confirmed cannot be kept just now") from gone

    def _summands(self, riddle: str) -> tuple[int, int]:
        first, second = _drawn(riddle, self.key)[:2]
        span = MOST - LEAST + 1
        return LEAST + first % span, LEAST + second % span


def signs_of(riddle: str, key: bytes) -> str:
    """What the picture of a riddle shows: for whoever paints it, and for nobody else."""
    return "".join(SIGNS[byte % len(SIGNS)] for byte in _drawn(riddle, key)[:LENGTH])


def signs_of_draw(draw: str, key: bytes) -> str:
    """What the picture of a riddle will show that has this draw, whenever it is posed."""
    return signs_of(f"{PICTURE}-0-{draw}", key)


def _drawn(riddle: str, key: bytes) -> bytes:
    kind, _, draw = riddle.split("-")
    return hmac.new(key, f"{kind}-{draw}".encode(), hashlib.sha256).digest()


def _number(answer: str) -> str:
    """The digits that were typed, whatever stands between them; also 十二; "" for other words."""
    said = plain(answer)
    if said in NUMERALS:
        return str(NUMERALS[said])
    kept = "".join(sign for sign in unicodedata.normalize("NFKC", said) if sign not in "是等于得=-.")
    return kept if kept.isascii() and kept.isdecimal() else ""
