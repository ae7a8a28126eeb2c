"""Whatever is typed, tapped, clicked, sent or waited for: properties of the pure machine over the in-memory town."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.wire.render import LONGEST, reply_texts
from dialogs.choices import exactly, plain
from dialogs.flows import SERVICES
from dialogs.machine import Turn, turn
from dialogs.said import Said, Shown
from dialogs.session import Session
from dialogs.step import Option
from dialogs.terms.contact import Relation
from dialogs.vocabulary import ATTACHMENTS, COMMANDS
from dialogs.world import OrderState
from tests.dialogs.townspeople import RESIDENTS, record, town
from tests.dialogs.worlds import SIGNS, Resident
from tests.examples import examples

PAYING = [key for key in SERVICES if key.startswith("pay.")]
TYPED = {"document", "insured", "lookup_number", "lookup_name"}
LOOKING_UP = ["query.payments", "query.enrolments"]
SECRETS = [secret for one in RESIDENTS for secret in (one.number, one.name)]
WORDS = st.one_of(
    st.sampled_from([*SECRETS, "36990119700521002１", "369901700521002", "无此人", "440308199901101512"]),
    st.sampled_from(sorted(word for words in COMMANDS.values() for word in words)),
    st.sampled_from(
        ["500", "500元", "1", "2", "十一", "第二个", "确认缴费", "确认", "好", "是", "继续", "换", "付好了"]
    ),
    st.sampled_from(
        ["改姓名", "改档次", "改成300", "给我妈交医保", "养老核定", "我的订单", "怎么办理", "不缴了", "东湖区"]
    ),
    st.sampled_from(
        ["加一个人", "常用联系人", "本人", "母亲", "我妈", "是我本人", "不是我", "删掉这一位", "删掉", "不删"]
    ),
    st.sampled_from(["同意", "不同意", "撤回同意", "换一种", "换一张", SIGNS, "12", "9999"]),
    st.text(max_size=8),
    st.text(alphabet="0123456789０１２３一二三xX元第个返回", max_size=20),
)
KINDS = st.sampled_from(["scan", "subscribe", "unsubscribe", "quiet", *ATTACHMENTS])


def place(session: Session) -> dict[str, object]:
    """A session apart from what only counts turns."""
    return {
        name: getattr(session, name)
        for name in ("flow", "shape", "known", "trail", "asked", "aside", "page", "wrong", "options")
    }


class Conversation(RuleBasedStateMachine):
    """One citizen who does whatever comes to mind; other people's orders stand in the town as well."""

    def begin(self) -> None:
        self.town = town()
        self.town.records = {one.key: [record(number) for number in range(12)] for one in RESIDENTS[:2]}
        self.session = Session()
        self.shown: tuple[Shown, ...] = ()
        self.seen: list[str] = ["1.0", "go:pay.medical"]

    def hear(self, said: Said) -> Turn:
        """One turn, with what must hold of every turn."""
        before, opened = self.session, len(self.town.opened)
        done = self.look(said)
        if said.kind in ("quiet", "unsubscribe"):
            assert not done.reply
        else:
            assert done.reply.lines
            assert any(line.strip() for line in done.reply.lines)
        for _, payables in self.town.opened[opened:]:
            assert self.confirms(before, said), f"an order was opened by {said} to {before}"
            assert all(one.amount > 0 for one in payables)
        assert len(self.town.opened) - opened <= 1
        self.session, self.shown = done.session, done.reply.options
        self.seen += [one.id for one in self.shown]
        return done

    def look(self, said: Said, session: Session | None = None) -> Turn:
        """What would come of it, with the session saved and read back."""
        stored = Session.from_json((session or self.session).to_json())
        assert stored == (session or self.session)
        done = turn(stored, said, self.town.world(), SERVICES)
        told = "\n".join(done.reply.lines) + done.session.to_json().decode()
        assert not [secret for secret in SECRETS if secret in told]
        assert all(len(text.encode()) <= LONGEST for text in reply_texts(done.reply))
        assert len(reply_texts(done.reply)) <= 2
        return done

    def confirms(self, session: Session, said: Said) -> bool:
        """Whether this is the confirm option of the question shown, and nothing else."""
        if session.asked not in ("confirm", "family_confirm") or session.aside:
            return False
        options = session.options
        confirm = next(index for index, option in enumerate(options) if option.act == "pay")
        if said.kind == "tap":
            return said.option == f"{session.revision}.{confirm}"
        meant = plain(said.text)
        return exactly(said.text, options) == options[confirm] or (
            len(meant) > 1 and [meant in plain(one.label) for one in options].count(True) == 1 and meant in "确认缴费"
        )

    @rule(text=WORDS)
    def types(self, text: str) -> None:
        self.hear(Said("text", text))

    @initialize(who=st.sampled_from(RESIDENTS), service=st.sampled_from(PAYING + LOOKING_UP), steps=st.integers(2, 8))
    def is_somewhere_in_the_middle(self, who: Resident, service: str, steps: int) -> None:
        self.begin()
        self.hear(Said("menu", key=service))
        self.goes_on(who, steps)

    @rule(who=st.sampled_from(RESIDENTS), steps=st.integers(1, 5))
    def goes_on(self, who: Resident, steps: int) -> None:
        """The answers that lead on."""
        for _ in range(steps):
            if self.session.asked in ("insured", "lookup_name") and not self.session.aside:
                who = next((one for one in RESIDENTS if one.key == self.session.known["insured"]), who)
            answers = {"document": who.number, "insured": who.name, "captcha": SIGNS}
            answers |= {"lookup_number": who.number, "lookup_name": who.name}
            self.hear(Said("text", answers.get(self.session.asked, "1")))

    @rule(who=st.sampled_from(RESIDENTS), service=st.sampled_from(LOOKING_UP))
    def looks_somebody_up(self, who: Resident, service: str) -> None:
        self.hear(Said("text", "取消"))
        self.hear(Said("menu", key=service))
        self.goes_on(who, 6)

    @rule(who=st.sampled_from(RESIDENTS), service=st.sampled_from(PAYING))
    def comes_to_the_last_look(self, who: Resident, service: str) -> None:
        self.hear(Said("text", "取消"))
        self.hear(Said("menu", key=service))
        for _ in range(6):
            if self.session.asked not in ("confirm", "checkout", "services", ""):
                self.goes_on(who, 1)

    @precondition(lambda self: self.shown)
    @rule(data=st.data())
    def taps_what_is_shown(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.shown))
        self.hear(Said("tap", one.label, one.id))

    @rule(data=st.data())
    def taps_something_older_or_foreign(self, data: st.DataObject) -> None:
        old = data.draw(st.sampled_from(self.seen) | st.text(alphabet="0123456789.gonext:", max_size=14))
        self.hear(Said("tap", data.draw(st.sampled_from(["确认缴费", "500元", "x"])), old))

    @precondition(lambda self: self.shown)
    @rule(data=st.data())
    def taps_twice(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.shown))
        said = Said("tap", one.label, one.id)
        self.hear(said)
        orders = len(self.town.books)
        self.hear(said)
        assert len(self.town.books) == orders, "an order was opened by a doubled tap"

    @rule(key=st.sampled_from([*SERVICES, "no.such.service", ""]))
    def clicks_the_menu(self, key: str) -> None:
        known, typed = self.session.known, set(self.session.trail) & TYPED
        standing = self.session.asked in ("checkout", "payments", "payment_detail")
        self.hear(Said("menu", key=key))
        if typed and not standing and key in SERVICES:
            assert self.session.known == known, "a menu click threw away what was typed"

    @rule(kind=KINDS)
    def sends_something_else(self, kind: str) -> None:
        self.hear(Said(kind))  # type: ignore[arg-type]

    @rule(minutes=st.sampled_from([1, 10, 31, 60 * 5, 60 * 24 * 40, 60 * 24 * 120]))
    def waits(self, minutes: int) -> None:
        self.town.wait(minutes=minutes)

    @rule(kind=st.sampled_from(list(OrderState)), data=st.data())
    def an_order_changes(self, kind: OrderState, data: st.DataObject) -> None:
        waiting = [one.no for one in self.town.books.values() if one.state is OrderState.OPEN]
        if not waiting:
            return
        no = data.draw(st.sampled_from(waiting))
        if kind is OrderState.PAID:
            self.town.pay(no)
        else:
            self.town.become(no, kind)

    @rule(who=st.sampled_from(RESIDENTS), relation=st.sampled_from(Relation))
    def a_contact_comes(self, who: Resident, relation: Relation) -> None:
        self.town.world().contacts.add("me", who.key, relation)

    @rule(who=st.sampled_from(RESIDENTS))
    def a_contact_goes(self, who: Resident) -> None:
        self.town.world().contacts.remove("me", who.key)

    @rule(said=WORDS)
    def the_world_does_not_answer(self, said: str) -> None:
        self.town.down = True
        try:
            self.hear(Said("text", said))
        finally:
            self.town.down = False

    @precondition(lambda self: self.session.trail and not self.session.aside)
    @rule()
    def goes_back_and_gives_the_same_answer(self) -> None:
        """返回 and the same answer again is the same state."""
        here = self.look(Said("text", "返回")).session
        if here.aside or self.session.asked == "checkout":
            return
        last = self.session.trail[-1]
        assert last not in ("document", "insured") or here.asked == last, (
            f"返回 from {self.session.asked}: {here.asked}"
        )
        if not here.asked or here.asked == self.session.asked:
            return
        there = place(self.session)
        if here.asked in ("document", "insured") and self.session.known.get("insured") not in {
            one.key for one in RESIDENTS
        }:
            return  # a number that is nobody's here
        for option in here.options:
            if isinstance(option.value, dict) and all(self.session.known.get(k) == v for k, v in option.value.items()):
                index = here.options.index(option)
                again = self.look(Said("tap", option.label, f"{here.revision}.{index}"), here).session
                assert place(again) | {"wrong": 0, "page": 0} == there | {"wrong": 0, "page": 0}
        if here.asked == "document":
            who = next(one for one in RESIDENTS if one.key == self.session.known["insured"])
            again = self.look(Said("text", who.number), here).session
            assert again.asked == "insured"
            found = {name: self.session.known[name] for name in ("insured", "number", "code_given")}
            assert again.known == {**here.known, **found}
        if here.asked == "insured":
            who = next(one for one in RESIDENTS if one.key == self.session.known["insured"])
            again = self.look(Said("text", who.name), here).session
            assert {k: v for k, v in again.known.items() if k in self.session.known} == again.known

    @precondition(lambda self: self.shown)
    @rule()
    def an_option_is_the_same_by_tap_number_and_label(self) -> None:
        labels = [plain(one.label) for one in self.session.options]
        orders = len(self.town.books), dict(self.town.books), dict(self.town.owners), list(self.town.opened)
        friends = dict(self.town.friends.get("me", {}))
        for one in self.shown:
            if one.url or labels.count(plain(one.label)) > 1:
                continue
            words = [one.label] + ([str(one.number)] if one.number is not None else [])
            ways = [Said("tap", one.label, one.id), *(Said("text", word) for word in words)]
            reached = []
            for way in ways:
                self.town.books, self.town.owners = dict(orders[1]), dict(orders[2])
                self.town.opened, self.town.friends["me"] = list(orders[3]), dict(friends)
                reached.append(place(self.look(way).session))
            assert all(other == reached[0] for other in reached), f"{one.label} {ways}"
        self.town.books, self.town.owners, self.town.opened = dict(orders[1]), dict(orders[2]), list(orders[3])
        self.town.friends["me"] = friends

    @invariant()
    def what_waits_for_an_answer_has_a_way_on(self) -> None:
        if not hasattr(self, "session") or not self.session.asked:
            return
        steps = {step.name: step for step in SERVICES[self.session.flow].flow.steps}
        step = steps[self.session.asked]
        assert not step.offers or self.session.options, f"{step.name} asks and offers nothing"
        assert all(isinstance(one, Option) for one in self.session.options)

    @invariant()
    def there_is_one_self_at_most(self) -> None:
        if not hasattr(self, "town"):
            return
        relations = [one.relation for one in self.town.friends.get("me", {}).values()]
        assert relations.count(Relation.SELF) <= 1

    @invariant()
    def payments_are_listed_only_to_whom_the_code_was_told(self) -> None:
        if not hasattr(self, "session") or self.session.asked not in ("payments", "payment_detail"):
            return
        insured = self.session.known["insured"]
        assert self.session.known["fits"]
        assert ("me", insured) in self.town.told or any(f":{insured}:" in key for key in self.town.payments)

    @invariant()
    def nothing_is_held_twice(self) -> None:
        if not hasattr(self, "town"):
            return
        live = [
            line.payable_key
            for order in self.town.books.values()
            if order.state not in (OrderState.CLOSED, OrderState.REFUNDED)
            for line in order.lines
        ]
        assert len(live) == len(set(live))


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=examples(120), stateful_step_count=40, deadline=None)
