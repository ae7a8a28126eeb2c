"""The store of turns on SQLite: one write transaction for a claim, one for a save."""

import json
from itertools import count

from sqlalchemy import Engine

from storage.sessions.contract import (
    DEFAULT_LIMITS,
    Answered,
    Claim,
    Claimed,
    Full,
    Limits,
    PushWindow,
    Running,
    Waiting,
)
from storage.sessions.embedded_tables import create_tables, reading, writing
from storage.sessions.waiting_line import ask, open_window, take_one

_LOAD = """
SELECT a.reply, t.session, t.session_until, t.fence, t.running, t.ticket, t.running_until, t.line, t.windows, t.expires,
t.no_news_until FROM session_turns t LEFT JOIN session_answers a ON a.openid = t.openid AND a.message = ?
WHERE t.openid = ?"""
_NOBODY = (None, None, 0.0, 0, None, None, 0.0, "[]", "[]", 0.0, 0.0)
_CLAIM = """
INSERT INTO session_turns (openid, fence, running, ticket, running_until, line, windows, expires)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (openid) DO UPDATE SET fence = excluded.fence, running = excluded.running,
ticket = excluded.ticket, running_until = excluded.running_until, line = excluded.line, windows = excluded.windows,
expires = excluded.expires"""
_SAVE = """
UPDATE session_turns SET session = ?, session_until = ?, running = NULL, ticket = NULL, expires = max(expires, ?),
no_news_until = coalesce(?, no_news_until) WHERE openid = ? AND running = ? AND fence = ?"""
_ANSWER = "INSERT OR REPLACE INTO session_answers (openid, message, fence, answered_at, reply) VALUES (?, ?, ?, ?, ?)"
_DROP_OLD_ANSWERS = """
DELETE FROM session_answers WHERE openid = ?1 AND (answered_at <= ?2 OR fence <= (
SELECT fence FROM session_answers WHERE openid = ?1 ORDER BY fence DESC LIMIT 1 OFFSET ?3))"""
_SAVED_BEFORE = "SELECT 1 FROM session_answers WHERE openid = ? AND message = ? AND fence = ?"
_RELEASE = "UPDATE session_turns SET running = NULL, ticket = NULL WHERE openid = ? AND running = ? AND fence = ?"
_PEEK = "SELECT session, session_until FROM session_turns WHERE openid = ?"
_FORGET = "UPDATE session_turns SET session = NULL, session_until = 0, windows = '[]' WHERE openid = ?"
_WINDOWS = "SELECT windows FROM session_turns WHERE openid = ?"
_SET_WINDOWS = "UPDATE session_turns SET windows = ? WHERE openid = ?"
_NO_WINDOW = "UPDATE session_turns SET windows = '[]', no_news_until = 0 WHERE openid = ?"
_NEWS = "UPDATE session_turns SET no_news_until = 0 WHERE openid = ?"
_EXPIRED = "SELECT openid FROM session_turns WHERE expires <= ? LIMIT 100"
_SWEEP_EVERY = 50  # saves of one process; 100 rows each time is more than can be written in between


class EmbeddedTurnStore:
    """A `TurnStore` in the database file `engine` opens; safe over threads and processes."""

    def __init__(self, engine: Engine, limits: Limits = DEFAULT_LIMITS) -> None:
        self._engine = engine
        self._limits = limits
        self._saves = count(1)

    def create(self) -> None:
        """Create the tables where they are missing."""
        create_tables(self._engine)

    def claim(self, openid: str, message: str, now: float, *, ticket: str, opens: PushWindow | None = None) -> Claim:
        with writing(self._engine) as cursor:
            row = cursor.execute(_LOAD, (message, openid)).fetchone() or _NOBODY
            reply, session, session_until, fence, running, owner, running_until, line, windows, expires, quiet = row
            if reply is not None:
                return Answered(reply)
            if session_until <= now:
                session = None
            busy = running is not None and running_until > now
            if busy and running == message:
                return Claimed(session, fence, quiet > now) if owner == ticket else Running()
            place = ask([(m, seen) for m, seen in json.loads(line)], message, busy, now, self._limits)
            if place.arrived and opens is not None:
                opened = open_window([(s, u, n) for s, u, n in json.loads(windows)], opens, now)
                windows, expires = json.dumps(opened), max(expires, now + opens.seconds)
            if place.runs:
                # Never a number given before, even by a store that has lost its memory: so it follows the clock.
                fence = max(fence + 1, int(now * 1000))
                running, owner, running_until = message, ticket, now + self._limits.lease
            expires = max(expires, now + self._limits.session)
            state = (openid, fence, running, owner, running_until, json.dumps(place.line), windows, expires)
            cursor.execute(_CLAIM, state)
        if place.runs:
            return Claimed(session, fence, quiet > now)
        return Waiting() if place.waits else Full()

    def save(
        self,
        openid: str,
        message: str,
        fence: int,
        session: bytes | None,
        reply: bytes,
        now: float,
        no_news_until: float | None = None,
    ) -> bool:
        limits = self._limits
        until = now + limits.session
        with writing(self._engine) as cursor:
            ends = 0.0 if session is None else until
            cursor.execute(_SAVE, (session, ends, until, no_news_until, openid, message, fence))
            if cursor.rowcount == 0:
                return cursor.execute(_SAVED_BEFORE, (openid, message, fence)).fetchone() is not None
            cursor.execute(_ANSWER, (openid, message, fence, now, reply))
            cursor.execute(_DROP_OLD_ANSWERS, (openid, now - limits.answered_for, limits.answers))
            if next(self._saves) % _SWEEP_EVERY == 0:
                gone = cursor.execute(_EXPIRED, (now,)).fetchall()
                cursor.executemany("DELETE FROM session_answers WHERE openid = ?", gone)
                cursor.executemany("DELETE FROM session_turns WHERE openid = ?", gone)
        return True

    def release(self, openid: str, message: str, fence: int, now: float) -> None:
        with writing(self._engine) as cursor:
            cursor.execute(_RELEASE, (openid, message, fence))

    def peek(self, openid: str, now: float | None = None) -> bytes | None:
        with reading(self._engine) as cursor:
            session, until = cursor.execute(_PEEK, (openid,)).fetchone() or (None, 0.0)
        expired = now is not None and until <= now
        return None if expired or session is None else bytes(session)

    def forget(self, openid: str) -> None:
        with writing(self._engine) as cursor:
            cursor.execute(_FORGET, (openid,))

    def take_push(self, openid: str, now: float) -> bool:
        with writing(self._engine) as cursor:
            (windows,) = cursor.execute(_WINDOWS, (openid,)).fetchone() or ("[]",)
            left = take_one([(s, u, n) for s, u, n in json.loads(windows)], now)
            if left is None:
                cursor.execute(_NEWS, (openid,))
            else:
                cursor.execute(_SET_WINDOWS, (json.dumps(left), openid))
        return left is not None

    def give_push_up(self, openid: str, now: float) -> None:
        with writing(self._engine) as cursor:
            cursor.execute(_NO_WINDOW, (openid,))

    def news(self, openid: str) -> None:
        with writing(self._engine) as cursor:
            cursor.execute(_NEWS, (openid,))
