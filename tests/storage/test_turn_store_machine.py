"""Random interleavings of claims, saves, releases and dying processes, checked against what was promised."""

from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from storage.sessions.contract import Answered, Claimed, Full, Running, TurnStore, Waiting
from tests.storage.turns import NOW

LEASE, PATIENCE, KEPT, SESSION = 15.0, 2.0, 60.0, 24 * 3600.0


@dataclass
class Held:
    """A claim somebody was given."""

    who: str
    message: str
    ticket: str
    fence: int
    until: float


@dataclass
class Citizen:
    """What an observer knows of one openid, from the answers of the store alone."""

    highest_fence: int = 0
    running: Held | None = None  # the claim given last, until it was saved or released
    asked: dict[str, float] = field(default_factory=dict)  # messages told to wait, and when last
    answered: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    session: bytes | None = None
    session_until: float = 0.0


class Turns(RuleBasedStateMachine):
    """Four messages and three requests each of two citizens; time only moves forward."""

    store: TurnStore
    runs = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        self.now = NOW
        self.citizens = {f"o{self.runs}.{name}": Citizen() for name in "ab"}
        self.held: list[Held] = []

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 2.5, 5.0, 14.9, 16.0, 61.0, SESSION]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(n=st.integers(0, 1), message=st.sampled_from("mnopqr"), ticket=st.sampled_from("123"))
    def claim(self, n: int, message: str, ticket: str) -> None:
        who = list(self.citizens)[n]
        citizen = self.citizens[who]
        claim = self.store.claim(who, message, self.now, ticket=ticket)
        alive = citizen.running if citizen.running and citizen.running.until > self.now else None
        waiting = [m for m, seen in citizen.asked.items() if self.now - seen <= PATIENCE]
        reply = citizen.answered.get(message)
        if reply is not None and self.now - reply[1] < KEPT:
            assert claim == Answered(reply[0]), "an answered message is answered again, never run again"
        match claim:
            case Claimed(session, fence):
                assert session == (citizen.session if citizen.session_until > self.now else None)
                if alive:
                    same = (alive.message, alive.ticket, alive.fence) == (message, ticket, fence)
                    assert same, "two live claims of one openid"
                    return
                assert fence > citizen.highest_fence
                assert not waiting or waiting[0] == message, "overtook one who waits"
                citizen.asked.pop(message, None)
                citizen.highest_fence = fence
                citizen.running = Held(who, message, ticket, fence, self.now + LEASE)
                self.held.append(citizen.running)
            case Answered(given):
                assert reply is not None
                assert given == reply[0]
            case Running():
                assert alive
                assert alive.message == message
                assert alive.ticket != ticket
            case Waiting():
                others = [m for m in waiting if m != message]
                assert (alive and alive.message != message) or others, "waits for nobody"
                assert message in waiting or len(waiting) < 3
                if message not in waiting:
                    citizen.asked.pop(message, None)  # it comes last now
                citizen.asked[message] = self.now
            case Full():
                assert len(waiting) == 3
                assert message not in waiting

    @rule(pick=st.integers(0, 7), session=st.sampled_from([None, b"", b"one", b"two"]))
    def save(self, pick: int, session: bytes | None) -> None:
        if not self.held:
            return
        held = self.held[-1 - pick % len(self.held)]  # also long lost ones, and ones saved before
        citizen = self.citizens[held.who]
        reply = b"reply %d" % held.fence
        saved = self.store.save(held.who, held.message, held.fence, session, reply, self.now)
        if held is citizen.running:
            assert saved
            citizen.running = None
            citizen.answered[held.message] = (reply, self.now)
            citizen.session = session
            citizen.session_until = self.now + SESSION
        elif saved:
            assert citizen.answered[held.message][0] == reply, "a lost claim saved"

    @rule(pick=st.integers(0, 7))
    def release(self, pick: int) -> None:
        if self.held:
            held = self.held[-1 - pick % len(self.held)]
            self.store.release(held.who, held.message, held.fence, self.now)
            if held is self.citizens[held.who].running:
                self.citizens[held.who].running = None


def test_no_interleaving_gives_two_live_claims_or_runs_an_answered_message_again(turn_store: TurnStore) -> None:
    class OnThisStore(Turns):
        store = turn_store

    run_state_machine_as_test(
        OnThisStore,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
