"""One message, one turn, one reply."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.turns.answering import Answer, Outlets, Patience, TurnResult, Turns, TurnTexts
from dialogs.said import Reply, Said, Shown
from storage.sessions.contract import Claim, PushWindow, StoreUnavailable, TurnStore
from tests.bot.wechat_side import NOW
from tests.storage.backends import Embedded

TEXTS = TurnTexts(busy="请稍等", failed="出错了 {id}", unavailable="暂时无法办理")
HOUR = 3600.0


@dataclass
class World:
    """A machine under the test's thumb: it repeats what was said, waits at gates, and keeps account."""

    ran: list[tuple[str, str]] = field(default_factory=list)
    late: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    more: list[tuple[str, ...]] = field(default_factory=list)
    pushed: list[tuple[object, ...]] = field(default_factory=list)
    gates: dict[str, threading.Event] = field(default_factory=dict)
    running: dict[str, threading.Event] = field(default_factory=dict)
    delivered: threading.Event = field(default_factory=threading.Event)
    reply: Callable[[Said], Reply] = lambda said: Reply((f"好：{said.text}",))
    keeping: Callable[[], object] = lambda: None  # while a late reply is being kept

    def gate(self, text: str) -> threading.Event:
        """Hold the turn of this text until the event is set; `running[text]` tells that it has begun."""
        self.running[text] = threading.Event()
        self.gates[text] = threading.Event()
        return self.gates[text]

    def run(self, openid: str, session: bytes | None, said: Said, now: float, look: bool) -> TurnResult:
        self.ran.append((openid, said.text))
        if gate := self.gates.get(said.text):
            self.running[said.text].set()
            assert gate.wait(30)
        count = int(session or b"0") + 1
        return TurnResult(str(count).encode(), self.reply(said), ("card",) if said.text == "card" else ())

    @property
    def outlets(self) -> Outlets:
        def late(openid: str, reply: Reply, message: str) -> None:
            self.keeping()
            self.late.append((message, reply.text))
            self.delivered.set()

        return Outlets(late, lambda _, texts: self.more.append(texts), lambda _, things: self.pushed.append(things))


@dataclass
class Watched:
    """A store that tells what was claimed."""

    inner: TurnStore
    broken: set[str] = field(default_factory=set)
    opened: list[PushWindow | None] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def claim(self, openid: str, message: str, now: float, *, ticket: str, opens: PushWindow | None = None) -> Claim:
        self._may("claim")
        claim = self.inner.claim(openid, message, now, ticket=ticket, opens=opens)
        with self.changed:
            self.opened.append(opens)
            self.seen[message] = type(claim).__name__
            self.changed.notify_all()
        return claim

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
        self._may("save")
        return self.inner.save(openid, message, fence, session, reply, now, no_news_until)

    def release(self, openid: str, message: str, fence: int, now: float) -> None:
        self.inner.release(openid, message, fence, now)

    def peek(self, openid: str, now: float | None = None) -> bytes | None:
        return self.inner.peek(openid, now)

    def forget(self, openid: str) -> None:
        self._may("forget")
        self.inner.forget(openid)

    def take_push(self, openid: str, now: float) -> bool:
        return self.inner.take_push(openid, now)

    def give_push_up(self, openid: str, now: float) -> None:
        self.inner.give_push_up(openid, now)

    def news(self, openid: str) -> None:
        self.inner.news(openid)

    def until(self, message: str, state: str) -> None:
        """Wait until the last claim of this message came out like this."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.seen.get(message) == state, 30), self.seen

    def _may(self, what: str) -> None:
        if what in self.broken:
            raise StoreUnavailable("down")


@pytest.fixture
def store(tmp_path: Path) -> Watched:
    return Watched(Embedded(tmp_path / "sessions.db").turn_store())


@pytest.fixture
def world() -> World:
    return World()


Maker = Callable[..., Turns]


@pytest.fixture
def make(store: Watched, world: World) -> Iterator[Maker]:
    made: list[Turns] = []

    def turns(**patience: float) -> Turns:
        values = {"budget": 30.0, "grace": 30.0, **patience}
        made.append(Turns(store, world.run, TEXTS, world.outlets, lambda: NOW, Patience(**values)))  # type: ignore[arg-type]
        return made[-1]

    yield turns
    for each in made:
        each.close()


@pytest.fixture
def requests() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as pool:
        yield pool


def text(words: str) -> Said:
    return Said("text", words)


def test_a_message_is_run_and_its_session_kept(make: Maker, store: Watched) -> None:
    turns = make()
    assert turns.handle("o1", "m1", text("甲")) == Answer("好：甲", "answered")
    assert turns.handle("o1", "m2", text("乙")) == Answer("好：乙", "answered")
    assert store.peek("o1") == b"2"


def test_a_resend_gets_the_same_answer_and_runs_nothing(make: Maker, world: World) -> None:
    turns = make()
    first = turns.handle("o1", "m1", text("甲"))
    again = turns.handle("o1", "m1", text("甲"))
    assert (again.text, again.outcome) == (first.text, "again")
    assert len(world.ran) == 1


def test_further_texts_are_pushed_once_and_in_order(make: Maker, world: World) -> None:
    turns = make()
    world.reply = lambda said: Reply(("甲" * 600, "乙" * 600, "丙" * 600))
    assert turns.handle("o1", "m1", text("长")).text == "甲" * 600
    assert turns.handle("o1", "m1", text("长")).text == "甲" * 600
    turns.close()
    assert world.more == [("乙" * 600, "丙" * 600)]


def test_what_the_turn_wants_pushed_is_pushed_after_it(make: Maker, world: World) -> None:
    turns = make()
    turns.handle("o1", "m1", text("card"))
    turns.close()
    assert world.pushed == [("card",)]


def test_typing_opens_a_longer_push_window_than_a_tap(make: Maker, store: Watched) -> None:
    turns = make()
    turns.handle("o1", "m1", Said("image"))
    for n, kind in enumerate(("tap", "menu", "subscribe", "scan")):
        turns.handle("o1", f"n{n}", Said(kind))  # type: ignore[arg-type]
    windows = [(window.seconds, window.messages) for window in store.opened if window]
    assert windows == [(172_800, 5), *[(60, 3)] * 4]


def test_a_turn_that_overruns_is_answered_success_and_becomes_a_notice(make: Maker, world: World) -> None:
    turns = make(budget=0.01)
    gate = world.gate("慢")
    assert turns.handle("o1", "m1", text("慢")) == Answer("", "late")
    assert world.late == []
    gate.set()
    assert world.delivered.wait(30)
    turns.close()
    assert world.late == [("m1", ("好：慢",))]


def test_a_late_reply_is_not_given_again_to_a_retry(make: Maker, world: World) -> None:
    turns = make(budget=0.01)
    gate = world.gate("慢")
    assert turns.handle("o1", "m1", text("慢")).text == ""
    gate.set()
    assert world.delivered.wait(30)
    other = make()
    assert other.handle("o1", "m1", text("慢")) == Answer("", "again")
    assert len(world.ran) == len(world.late) == 1


def test_the_same_message_three_times_while_the_first_is_slow_is_one_turn_and_one_reply(
    make: Maker, world: World, requests: ThreadPoolExecutor
) -> None:
    """WeChat's three deliveries at 0, 5 and 10 s; the first two are given up before the turn ends."""
    turns = make(budget=0.01)
    gate = world.gate("慢")
    assert turns.handle("o1", "m1", text("慢")).text == ""
    assert turns.handle("o1", "m1", text("慢")).text == ""
    turns._patience = Patience(budget=30.0)
    third = requests.submit(turns.handle, "o1", "m1", text("慢"))
    while not turns._jobs["m1"].listeners:
        threading.Event().wait(0.001)
    gate.set()
    assert third.result(30) == Answer("好：慢", "answered")
    turns.close()
    assert world.ran == [("o1", "慢")]
    assert world.late == []


def test_a_retry_that_reaches_another_process_waits_for_the_turn_there(
    make: Maker, store: Watched, world: World, requests: ThreadPoolExecutor
) -> None:
    one, two = make(), make()
    gate = world.gate("慢")
    first = requests.submit(one.handle, "o1", "m1", text("慢"))
    assert world.running["慢"].wait(30)
    retry = requests.submit(two.handle, "o1", "m1", text("慢"))
    store.until("m1", "Running")
    gate.set()
    assert first.result(30).text == retry.result(30).text == "好：慢"
    assert retry.result().outcome == "again"
    assert len(world.ran) == 1


def test_a_retry_in_another_process_gives_up_in_time_and_leaves_nothing_behind(make: Maker, world: World) -> None:
    one, two = make(budget=0.01), make(budget=0.05)
    gate = world.gate("慢")
    assert one.handle("o1", "m1", text("慢")).text == ""
    assert two.handle("o1", "m1", text("慢")).text == ""
    two.close()
    gate.set()
    one.close()
    assert (len(world.ran), len(world.late)) == (1, 1)


def test_twenty_messages_at_once_are_taken_in_order_three_waiting_the_rest_told_to_wait(
    make: Maker, store: Watched, world: World, requests: ThreadPoolExecutor
) -> None:
    turns = make()
    gate = world.gate("1")
    asked: list[Future[Answer]] = [requests.submit(turns.handle, "o1", "m1", text("1"))]
    assert world.running["1"].wait(30)
    for n in range(2, 5):
        asked.append(requests.submit(turns.handle, "o1", f"m{n}", text(str(n))))
        store.until(f"m{n}", "Waiting")
    rest = [requests.submit(turns.handle, "o1", f"m{n}", text(str(n))) for n in range(5, 21)]
    assert {each.result(30) for each in rest} == {Answer("请稍等", "busy")}
    others = [requests.submit(turns.handle, f"other{n}", f"x{n}", text("快")) for n in range(10)]
    assert {each.result(30).text for each in others} == {"好：快"}  # while o1 still stands
    assert not any(each.done() for each in asked)
    gate.set()
    assert [each.result(30).text for each in asked] == [f"好：{n}" for n in range(1, 5)]
    assert [words for openid, words in world.ran if openid == "o1"] == ["1", "2", "3", "4"]


def test_twenty_messages_of_one_openid_over_two_processes_never_run_twice_nor_side_by_side(
    make: Maker, store: Watched, world: World, requests: ThreadPoolExecutor
) -> None:
    at_once, inside, lock = [0], [0], threading.Lock()

    def alone(said: Said) -> Reply:
        with lock:
            inside[0] += 1
            at_once[0] = max(at_once[0], inside[0])
        with lock:
            inside[0] -= 1
        return Reply((said.text,))

    world.reply = alone
    both = (make(), make())
    asked = [requests.submit(both[n % 2].handle, "o1", f"m{n % 10}", text(str(n % 10))) for n in range(20)]
    answers = [each.result(30) for each in asked]
    assert at_once == [1]
    assert len({words for _, words in world.ran}) == len(world.ran)
    assert all(answer.text in (str(n % 10), "请稍等") for n, answer in enumerate(answers))
    assert store.peek("o1") == str(len(world.ran)).encode()


def test_a_message_that_waits_longer_than_the_budget_is_taken_in_its_turn_and_becomes_a_notice(
    make: Maker, store: Watched, world: World, requests: ThreadPoolExecutor
) -> None:
    turns = make(budget=0.1)
    gate = world.gate("1")
    asked = requests.submit(turns.handle, "o1", "m1", text("1"))
    assert world.running["1"].wait(30)
    assert turns.handle("o1", "m2", text("2")) == Answer("", "late")
    assert asked.result(30) == Answer("", "late")
    gate.set()
    turns.close()
    assert world.late == [("m1", ("好：1",)), ("m2", ("好：2",))]


def test_a_late_reply_is_kept_before_the_next_turn_of_its_openid_begins(
    make: Maker, world: World, requests: ThreadPoolExecutor
) -> None:
    turns = make(budget=0.1)
    first, second = world.gate("1"), world.gate("2")
    second.set()
    asked = requests.submit(turns.handle, "o1", "m1", text("1"))
    assert world.running["1"].wait(30)
    assert turns.handle("o1", "m2", text("2")) == Answer("", "late")
    assert asked.result(30) == Answer("", "late")
    begun_before = []
    world.keeping = lambda: begun_before.append(world.running["2"].wait(0.3))
    first.set()
    turns.close()
    assert begun_before == [False, True]


def test_an_unexpected_error_is_told_with_an_id_once_and_leaves_the_session_where_it_was(
    make: Maker, store: Watched, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = make()
    turns.handle("o1", "m1", text("甲"))

    def broken(said: Said) -> Reply:
        raise RuntimeError(said.text)

    world.reply = broken
    told = turns.handle("o1", "m2", text("36990219851103003X"))
    assert told.outcome == "failed"
    assert told.text.startswith("出错了 ")
    assert store.peek("o1") == b"1"
    logged = capsys.readouterr().out
    assert told.text.split()[1] in logged
    assert "36990219851103003X" not in logged
    assert turns.handle("o1", "m2", text("36990219851103003X")).text == told.text
    world.reply = lambda said: Reply(("好",))
    assert turns.handle("o1", "m3", text("丙")).text == "好"
    assert store.peek("o1") == b"2"


@pytest.mark.parametrize("what", ["claim", "save"])
def test_a_store_that_does_not_answer_is_told_politely(make: Maker, store: Watched, what: str) -> None:
    store.broken.add(what)
    assert make().handle("o1", "m1", text("甲")) == Answer("暂时无法办理", "unavailable")


def test_unsubscribing_forgets_the_session_and_is_answered_with_nothing(
    make: Maker, store: Watched, world: World
) -> None:
    turns = make()
    turns.handle("o1", "m1", text("甲"))
    assert turns.handle("o1", "m2", Said("unsubscribe")) == Answer("", "quiet")
    assert store.peek("o1", NOW) is None
    store.broken.add("forget")
    assert turns.handle("o1", "m3", Said("unsubscribe")) == Answer("", "quiet")
    assert len(world.ran) == 1


def test_a_quiet_event_claims_nothing(make: Maker, store: Watched) -> None:
    assert make().handle("o1", "m1", Said("quiet")) == Answer("", "quiet")
    assert store.seen == {}


def test_a_turn_with_nothing_to_say_is_answered_success(make: Maker, world: World) -> None:
    world.reply = lambda said: Reply()
    turns = make()
    assert turns.handle("o1", "m1", text("甲")) == Answer("", "answered")
    turns.close()
    assert world.late == []


def test_a_claim_lost_to_another_process_says_nothing(make: Maker, store: Watched, world: World) -> None:
    turns = make()

    def overtaken(said: Said) -> Reply:
        store.inner.claim("o1", "m9", NOW + HOUR, ticket="other")
        return Reply(("zu spät",))

    world.reply = overtaken
    assert turns.handle("o1", "m1", text("甲")) == Answer("", "lost")
    turns.close()
    assert world.late == []


def test_above_the_limit_of_turns_everybody_is_told_to_wait(
    make: Maker, world: World, requests: ThreadPoolExecutor
) -> None:
    turns = make(jobs=1)
    gate = world.gate("慢")
    first = requests.submit(turns.handle, "o1", "m1", text("慢"))
    assert world.running["慢"].wait(30)
    assert turns.handle("o2", "m2", text("快")) == Answer("请稍等", "busy")
    gate.set()
    assert first.result(30).outcome == "answered"


def test_closing_finishes_the_turns_there_are(make: Maker, world: World, requests: ThreadPoolExecutor) -> None:
    turns = make(budget=0.01)
    gate = world.gate("慢")
    turns.handle("o1", "m1", text("慢"))
    closing = requests.submit(turns.close)
    assert not closing.done()
    gate.set()
    closing.result(30)
    assert len(world.late) == 1
    assert turns.handle("o1", "m2", text("快")) == Answer("请稍等", "busy")


def test_options_are_kept_as_markup_for_the_retry(make: Maker, world: World) -> None:
    world.reply = lambda said: Reply(("选",), (Shown("1.1", "甲", 1),))
    turns = make()
    assert turns.handle("o1", "m1", text("a")).text == turns.handle("o1", "m1", text("a")).text
