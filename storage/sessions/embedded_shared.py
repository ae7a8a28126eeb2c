"""The store of shared values on SQLite: each call is one statement."""

from sqlalchemy import Engine

from storage.sessions.embedded_tables import create_tables, reading, writing

_GET = "SELECT content FROM session_shared WHERE kind = 'value' AND name = ? AND until > ?"
_PUT = """
INSERT INTO session_shared (kind, name, content, until) VALUES ('value', ?, ?, ?)
ON CONFLICT (kind, name) DO UPDATE SET content = excluded.content, until = excluded.until"""
_LEASE = """
INSERT INTO session_shared (kind, name, content, until) VALUES ('lease', ?1, ?2, ?3)
ON CONFLICT (kind, name) DO UPDATE SET content = excluded.content, until = excluded.until
WHERE content = excluded.content OR until <= ?4"""
_FREE = "DELETE FROM session_shared WHERE kind = 'lease' AND name = ? AND content = ?"
_COUNT = """
INSERT INTO session_shared (kind, name, hits, until) VALUES ('count', ?1, 1, ?2)
ON CONFLICT (kind, name) DO UPDATE SET hits = iif(until > ?3, hits + 1, 1), until = iif(until > ?3, until, ?2)
RETURNING hits"""
_WAIT = "SELECT until FROM session_shared WHERE kind = 'count' AND name = ?"
_SWEEP = """
DELETE FROM session_shared WHERE (kind, name) IN (SELECT kind, name FROM session_shared WHERE until <= ? LIMIT 20)"""


class EmbeddedSharedStore:
    """A `SharedStore` in the database file `engine` opens; safe over threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self) -> None:
        """Create the tables where they are missing."""
        create_tables(self._engine)

    def get(self, name: str, now: float) -> str | None:
        with reading(self._engine) as cursor:
            row = cursor.execute(_GET, (name, now)).fetchone()
        return None if row is None else str(row[0])

    def put(self, name: str, value: str, seconds: float, now: float) -> None:
        with writing(self._engine) as cursor:
            cursor.execute(_PUT, (name, value, now + seconds))

    def lease(self, name: str, owner: str, seconds: float, now: float) -> bool:
        with writing(self._engine) as cursor:
            cursor.execute(_LEASE, (name, owner, now + seconds, now))
            return cursor.rowcount == 1

    def free(self, name: str, owner: str) -> None:
        with writing(self._engine) as cursor:
            cursor.execute(_FREE, (name, owner))

    def count(self, name: str, seconds: float, now: float) -> int:
        with writing(self._engine) as cursor:
            (hits,) = cursor.execute(_COUNT, (name, now + seconds, now)).fetchone()
            if hits == 1:  # a new window began: a good time to sweep away a few that ended
                cursor.execute(_SWEEP, (now,))
        return int(hits)

    def wait_left(self, name: str, now: float) -> float:
        with reading(self._engine) as cursor:
            (until,) = cursor.execute(_WAIT, (name,)).fetchone() or (now,)
        return max(0.0, float(until) - now)
