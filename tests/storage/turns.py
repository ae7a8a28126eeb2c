"""Turns as the tests of the turn stores take them."""

from storage.sessions.contract import Claimed, PushWindow, TurnStore

NOW = 1_795_000_000.25
HOUR = 3600.0
WHO = "oExample-1"


def claimed(
    store: TurnStore, message: str, now: float = NOW, who: str = WHO, opens: PushWindow | None = None
) -> Claimed:
    claim = store.claim(who, message, now, ticket=f"ticket of {message} at {now}", opens=opens)
    assert isinstance(claim, Claimed), claim
    return claim


def answer(store: TurnStore, message: str, now: float = NOW, session: bytes | None = b"session") -> int:
    claim = claimed(store, message, now)
    assert store.save(WHO, message, claim.fence, session, f"reply to {message}".encode(), now)
    return claim.fence
