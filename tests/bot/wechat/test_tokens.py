"""Who renews the access token, when, and what the others do meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from bot.wechat.account_errors import AccountError, AccountTrouble, AccountUnreachable
from bot.wechat.tokens import FreshToken, TokenStore
from storage.sessions.contract import SharedStore, StoreUnavailable


@dataclass
class Memory:
    """The part of a shared store that tokens use."""

    values: dict[str, tuple[str, float]] = field(default_factory=dict)
    leases: dict[str, tuple[str, float]] = field(default_factory=dict)
    down: bool = False

    def get(self, name: str, now: float) -> str | None:
        if self.down:
            raise StoreUnavailable
        text, until = self.values.get(name, ("", 0.0))
        return text if now < until else None

    def put(self, name: str, value: str, seconds: float, now: float) -> None:
        self.values[name] = (value, now + seconds)

    def lease(self, name: str, owner: str, seconds: float, now: float) -> bool:
        holder, until = self.leases.get(name, (owner, 0.0))
        if holder != owner and now < until:
            return False
        self.leases[name] = (owner, now + seconds)
        return True

    def free(self, name: str, owner: str) -> None:
        if self.leases.get(name, ("", 0))[0] == owner:
            del self.leases[name]

    def count(self, name: str, seconds: float, now: float) -> int:
        raise NotImplementedError

    def wait_left(self, name: str, now: float) -> float:
        raise NotImplementedError


class WeChat:
    """Gives tokens T1, T2, ... or fails as it is told."""

    def __init__(self, seconds: int = 7200) -> None:
        self.seconds = seconds
        self.given = 0
        self.fails: AccountTrouble | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self) -> FreshToken:
        if self.fails:
            raise self.fails
        self.given += 1
        token = FreshToken(f"T{self.given}", self.seconds)
        self.meanwhile()
        return token


class Process:
    """One process's token store, on a clock of its own that pauses move on."""

    def __init__(self, store: SharedStore, now: float = 1000.0) -> None:
        self.now = now
        self.paused = 0
        self.while_paused: Callable[[], object] = lambda: None
        self.tokens = TokenStore(store, "wxapp", clock=lambda: self.now, pause=self._pause)

    def _pause(self, seconds: float) -> None:
        self.now += seconds
        self.paused += 1
        self.while_paused()


def test_one_fetched_token_serves_every_process_until_its_margin() -> None:
    store, wechat = Memory(), WeChat()
    first, second = Process(store), Process(store, now=1000 + 7200 - 301)
    assert first.tokens.current(wechat) == "T1"
    assert second.tokens.current(wechat) == "T1"
    assert wechat.given == 1


@pytest.mark.parametrize(("seconds", "margin"), [(7200, 300), (1500, 300), (1000, 200), (300, 60)])
def test_the_background_work_renews_a_token_early_by_a_margin_that_fits_its_life(seconds: int, margin: int) -> None:
    process, wechat = Process(Memory()), WeChat(seconds)
    process.tokens.current(wechat)
    renew_at = process.now + seconds - margin
    process.now = renew_at - 1
    assert (process.tokens.renewed(wechat), wechat.given) == (renew_at, 1)
    process.now = renew_at
    assert process.tokens.current(wechat) == "T1"  # whoever needs one does not wait for another yet
    assert process.tokens.renewed(wechat) == renew_at + seconds - margin
    assert (process.tokens.current(wechat), wechat.given) == ("T2", 2)


@pytest.mark.parametrize(("seconds", "margin"), [(7200, 150), (1500, 150), (1000, 100), (300, 30)])
def test_where_nobody_renewed_it_who_needs_one_does(seconds: int, margin: int) -> None:
    process, wechat = Process(Memory()), WeChat(seconds)
    process.tokens.current(wechat)
    process.now += seconds - margin - 1
    assert process.tokens.current(wechat) == "T1"
    process.now += 1
    assert process.tokens.current(wechat) == "T2"


def test_the_background_work_fetches_the_first_token_and_one_that_was_lost() -> None:
    store, wechat = Memory(), WeChat()
    process = Process(store)
    process.tokens.renewed(wechat)
    store.values.clear()
    process.tokens.renewed(wechat)
    assert (process.tokens.current(wechat), wechat.given) == ("T2", 2)


def test_a_renewal_that_fails_is_told_and_leaves_the_old_token_and_no_lease() -> None:
    store, wechat = Memory(), WeChat()
    process = Process(store)
    process.tokens.current(wechat)
    process.now += 7200 - 299
    wechat.fails = AccountUnreachable("down")
    with pytest.raises(AccountUnreachable):
        process.tokens.renewed(wechat)
    assert (process.tokens.current(wechat), store.leases) == ("T1", {})
    with pytest.raises(StoreUnavailable):
        Process(Memory(down=True)).tokens.renewed(wechat)


def test_while_somebody_renews_it_the_background_work_does_not_and_comes_again() -> None:
    store, wechat = Memory(), WeChat()
    process = Process(store)
    store.lease("wechat_token_renewal:wxapp", "somebody", 10, process.now)
    assert (process.tokens.renewed(wechat), wechat.given) == (process.now + 10, 0)


def test_while_one_process_renews_the_others_use_the_old_token_without_waiting() -> None:
    store, wechat = Memory(), WeChat()
    one, other = Process(store), Process(store)
    one.tokens.current(wechat)
    one.now = other.now = 1000 + 7200 - 10
    seen: list[str] = []
    wechat.meanwhile = lambda: seen.append(other.tokens.current(wechat)) if not seen else None
    assert one.tokens.current(wechat) == "T2"
    assert seen == ["T1"]
    assert (wechat.given, other.paused) == (2, 0)


def test_where_no_token_lives_the_others_wait_for_the_one_who_fetches() -> None:
    store, wechat = Memory(), WeChat()
    waiting, fetching = Process(store), Process(store)
    store.lease("wechat_token_renewal:wxapp", "somebody", 10, 1000)

    def done() -> None:
        if waiting.paused == 3:
            store.free("wechat_token_renewal:wxapp", "somebody")
            fetching.tokens.current(wechat)

    waiting.while_paused = done
    assert waiting.tokens.current(wechat) == "T1"
    assert (waiting.paused, wechat.given) == (3, 1)


def test_waiting_ends_and_a_process_that_died_while_renewing_is_outlived() -> None:
    store, wechat = Memory(), WeChat()
    store.lease("wechat_token_renewal:wxapp", "the dead", 10, 1000)
    process = Process(store)
    with pytest.raises(AccountUnreachable):
        process.tokens.current(wechat)
    assert process.now < 1005
    process.now = 1010
    assert process.tokens.current(wechat) == "T1"


def test_a_failed_renewal_keeps_the_living_token_and_is_not_repeated_for_ten_seconds() -> None:
    process, wechat = Process(Memory()), WeChat()
    process.tokens.current(wechat)
    process.now += 7200 - 60
    tries: list[float] = []

    def failing() -> FreshToken:
        tries.append(process.now)
        raise AccountUnreachable("down")

    assert [process.tokens.current(failing) for _ in range(3)] == ["T1", "T1", "T1"]
    assert len(tries) == 1
    process.now += 10
    assert process.tokens.current(failing) == "T1"
    assert len(tries) == 2


def test_a_failed_fetch_without_a_living_token_is_told_and_can_be_tried_again_at_once() -> None:
    process, wechat = Process(Memory()), WeChat()
    wechat.fails = AccountError(40125, "invalid appsecret")
    with pytest.raises(AccountError):
        process.tokens.current(wechat)
    wechat.fails = None
    assert process.tokens.current(wechat) == "T1"


def test_a_refused_token_is_replaced_by_the_one_somebody_renewed_meanwhile() -> None:
    store, wechat = Memory(), WeChat()
    slow, quick = Process(store), Process(store)
    assert slow.tokens.current(wechat) == "T1"
    assert quick.tokens.instead_of("T1", wechat) == "T2"
    assert slow.tokens.instead_of("T1", wechat) == "T2"
    assert wechat.given == 2


def test_a_token_of_another_account_is_never_used() -> None:
    store, wechat = Memory(), WeChat()
    Process(store).tokens.current(wechat)
    other = TokenStore(store, "wxother", clock=lambda: 1000, pause=lambda seconds: None)
    assert other.current(wechat) == "T2"


def test_a_store_that_does_not_answer_is_told_as_unreachable() -> None:
    with pytest.raises(AccountUnreachable):
        Process(Memory(down=True)).tokens.current(WeChat())


def test_what_an_older_release_left_under_the_name_is_replaced() -> None:
    for left in ("plain-token", "{}", "[1]", '"x"', "5"):
        store = Memory({"wechat_token:wxapp": (left, 9e9)})
        assert Process(store).tokens.current(WeChat()) == "T1"


def test_no_representation_shows_a_token() -> None:
    assert "T1" not in repr(FreshToken("T1", 7200))
