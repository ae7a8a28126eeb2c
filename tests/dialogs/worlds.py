"""A small town in memory: what a dialog may ask of the world, with the meaning of `dialogs/world/` and no tables.

A test gives the people, tariffs and assessments; the town keeps orders and payments, and writes down each opening.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from bot.turns.people_limits import LimitSettings, StoredPeopleLimits
from dialogs.terms.contact import MOST_CONTACTS, Contact, Keeping, Relation
from dialogs.terms.identity import Document, mask_name, mask_number, read_document, same_name
from dialogs.terms.insurance import Assessment, Enrolment, Insurance, Payable, Person, Standing, TariffRow
from dialogs.world import (
    TAKE_OVER_SECONDS,
    Cancelling,
    Certifiable,
    CertifiedPayment,
    Guess,
    Held,
    Issued,
    Opening,
    Order,
    OrderLine,
    OrderState,
    Payment,
    Record,
    Taken,
    TakingOver,
    Unavailable,
    Verified,
    World,
)

ORDER_MINUTES = 30
RIDDLE_SECONDS, CONFIRMED = 600, timedelta(minutes=30)
SIGNS, SUM = "2345", "7 + 5 = ？"
GUESSES, GUESS_SECONDS = 5, 600  # wrong ones before one has to wait
NOT_OVER = (OrderState.OPEN, OrderState.CLOSING, OrderState.PAID, OrderState.REFUNDING)


class SharedValues:
    """`SharedStore` in memory, for one thread."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[str, float]] = {}

    def get(self, name: str, now: float) -> str | None:
        value, until = self._values.get(name, ("", now))
        return value if until > now else None

    def put(self, name: str, value: str, seconds: float, now: float) -> None:
        self._values[name] = value, now + seconds

    def count(self, name: str, seconds: float, now: float) -> int:
        hits, until = self._values.get(name, ("0", 0.0))
        until, hits = (until, hits) if until > now else (now + seconds, "0")
        self._values[name] = str(int(hits) + 1), until
        return int(hits) + 1

    def lease(self, name: str, owner: str, seconds: float, now: float) -> bool:
        raise NotImplementedError

    def free(self, name: str, owner: str) -> None:
        raise NotImplementedError

    def wait_left(self, name: str, now: float) -> float:
        raise NotImplementedError


@dataclass(frozen=True)
class Resident:
    """Somebody in the town's books, with the full number and name that no session and no reply may show."""

    number: str
    name: str
    enrolments: tuple[Enrolment, ...] = ()
    assessments: tuple[Assessment, ...] = ()

    @property
    def key(self) -> str:
        """The look-up key."""
        return key_of(self.number)


def key_of(number: str) -> str:
    """Stands for the HMAC of an ID number."""
    return hashlib.sha256(number.encode()).hexdigest()[:16]


@dataclass
class Town:
    """Everybody and everything; it is Registry, Tariffs, Ledger, Cashier and Clock of the payers' worlds."""

    moment: datetime
    residents: Sequence[Resident] = ()
    rows_of_tariff: Sequence[TariffRow] = ()
    down: bool = False  # every call is Unavailable
    books: dict[str, Order] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)  # order → payer
    payments: dict[str, Payment] = field(default_factory=dict)  # by payable key
    opened: list[tuple[str, tuple[Payable, ...]]] = field(default_factory=list)  # payer and payables of each call
    cards: int = 0
    certifiable: Sequence[Certifiable] = ()  # of every payer alike
    certifiable_of: dict[str, Sequence[Certifiable]] = field(default_factory=dict)  # of each insured
    papers: dict[str, tuple[str, Issued]] = field(default_factory=dict)  # number → whose openid, and what was issued
    paper_pages: int = 1  # of every certificate
    shown: list[tuple[str, str, int]] = field(default_factory=list)  # openid, number, page of each picture
    issued: dict[tuple[str, str], Verified] = field(default_factory=dict)  # by number and code
    misses: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)
    friends: dict[str, dict[str, Contact]] = field(default_factory=dict)  # of each payer, by look-up key

    records: dict[str, list[Record]] = field(default_factory=dict)  # by look-up key
    agreed: dict[str, set[str]] = field(default_factory=dict)  # versions by payer
    confirmed: dict[tuple[str, str], datetime] = field(default_factory=dict)  # payer and look-up key
    told: set[tuple[str, str]] = field(default_factory=set)  # as `confirmed`, ever
    posed: list[str] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)  # names that were held against a number
    shared: SharedValues = field(default_factory=SharedValues)

    def world(self, payer: str = "me") -> World:
        """The town as this payer's dialogs see it."""
        return World(
            payer,
            registry=self,
            tariffs=self,
            ledger=self,
            cashier=_Cashier(self),
            certificates=_Desk(self),
            contacts=_Contacts(self),
            history=_History(self),
            consents=_Consents(self),
            captchas=_Captchas(self),
            guesses=_Guesses(self),
            limits=StoredPeopleLimits(self.shared, LimitSettings(), lambda: self.moment.timestamp()),
            clock=self,
        )

    # -- clock

    def now(self) -> datetime:
        return self.moment

    def wait(self, **long: float) -> None:
        """Let time pass: `minutes=31`."""
        self.moment += timedelta(**long)

    # -- registry

    def key(self, document: Document) -> str:
        self._up()
        return key_of(document.number)

    def confirm(self, key: str, name: str) -> Person | None:
        self._up()
        self.compared.append(name)
        found = self._resident(key)
        return self.person(key) if found and same_name(found.name, name) else None

    def person(self, key: str) -> Person | None:
        self._up()
        found = self._resident(key)
        if found is None:
            return None
        born = read_document(found.number, date.max).born
        return Person(key, mask_name(found.name), mask_number(found.number), born)

    def standing(self, key: str, insurance: Insurance) -> Standing:
        self._up()
        found = self._resident(key)
        if found is None:
            return Standing((), ())
        return Standing(
            tuple(one for one in found.enrolments if one.insurance is insurance),
            tuple(one for one in found.assessments if one.insurance is insurance),
        )

    # -- tariffs

    def rows(self, insurance: Insurance) -> Sequence[TariffRow]:
        self._up()
        return [row for row in self.rows_of_tariff if row.insurance is insurance]

    # -- ledger

    def taken(self, payer: str, payable_key: str) -> Taken:
        self._up()
        held = None
        for order in self.books.values():
            if order.state in NOT_OVER and any(line.payable_key == payable_key for line in order.lines):
                held = Held(order.no, self.owners[order.no] == payer, order.opened_at)
        return Taken(self.payments.get(payable_key), held)

    # -- what the test does

    def pay(self, no: str) -> None:
        """WeChat took the money of an open order."""
        order = self.books[no]
        assert order.state is OrderState.OPEN
        self.books[no] = replace(order, state=OrderState.PAID, paid_at=self.moment)
        for line in order.lines:
            self.payments[line.payable_key] = Payment(line.insurance, line.cover_year, line.amount, self.moment)

    def become(self, no: str, state: OrderState) -> None:
        """The order's state from now on."""
        self.books[no] = replace(self.books[no], state=state)

    def _up(self) -> None:
        if self.down:
            raise Unavailable

    def _resident(self, key: str) -> Resident | None:
        return next((one for one in self.residents if one.key == key), None)


@dataclass(frozen=True)
class _Cashier:
    """The orders of a town."""

    town: Town

    def open(self, payer: str, service: str, payables: Sequence[Payable]) -> Opening:
        self.town._up()
        town, keys = self.town, [one.key for one in payables]
        town.opened.append((payer, tuple(payables)))
        for key in keys:
            taken = town.taken(payer, key)
            if taken.payment:
                return Opening(paid=taken.payment)
            held = taken.held
            if held and held.mine and [line.payable_key for line in town.books[held.order_no].lines] == keys:
                return Opening(order=town.books[held.order_no])
            if held:
                return Opening(held=held)
        no = f"O{len(town.books) + 1}"
        last = min(one.last_day for one in payables)
        end = datetime.combine(last + timedelta(days=1), time(), town.moment.tzinfo or UTC)
        lines = tuple(
            OrderLine(
                one.key,
                one.insurance,
                person.name if (person := town.person(one.insured)) else "",
                one.cover_year,
                one.pay_kind.value,
                one.amount,
                one.institution_name,
                one.insured,
            )
            for one in payables
        )
        order = Order(
            no=no,
            state=OrderState.OPEN,
            amount=sum(one.amount for one in payables),
            service=service,
            opened_at=town.moment,
            expires_at=min(town.moment + timedelta(minutes=ORDER_MINUTES), end),
            pay_url=f"https://pay.example/pay/{no}",
            family=False,
            lines=lines,
        )
        town.books[no], town.owners[no] = order, payer
        return Opening(order=order)

    def order(self, payer: str, no: str) -> Order | None:
        self.town._up()
        return self.town.books.get(no) if self.town.owners.get(no) == payer else None

    def orders(self, payer: str) -> Sequence[Order]:
        self.town._up()
        return [one for one in reversed(self.town.books.values()) if self.town.owners[one.no] == payer][:50]

    def check(self, payer: str, no: str) -> Order | None:
        return self.order(payer, no)

    def take_over(self, payer: str, payable_key: str) -> TakingOver:
        self.town._up()
        for no, order in self.town.books.items():
            if order.state is OrderState.OPEN and payable_key in [line.payable_key for line in order.lines]:
                if self.town.moment - order.opened_at < timedelta(seconds=TAKE_OVER_SECONDS):
                    return TakingOver.EARLY
                self.town.books[no] = replace(order, state=OrderState.CLOSED)
        return TakingOver.FREE

    def cancel(self, payer: str, no: str) -> Cancelling:
        order = self.order(payer, no)
        if order is None:
            return Cancelling.UNKNOWN
        if order.state is OrderState.OPEN:
            self.town.become(no, OrderState.CLOSED)
            return Cancelling.CLOSED
        over = {OrderState.CLOSED: Cancelling.CLOSED, OrderState.CLOSING: Cancelling.CLOSING}
        return over.get(order.state, Cancelling.PAID)

    def ask_card(self, payer: str, no: str) -> Order | None:
        return self._way(payer, no, family=True)

    def ask_link(self, payer: str, no: str) -> Order | None:
        return self._way(payer, no, family=False)

    def ask_new_link(self, payer: str, no: str) -> Order | None:
        return self.order(payer, no)

    def _way(self, payer: str, no: str, *, family: bool) -> Order | None:
        order = self.order(payer, no)
        if order and order.state is OrderState.OPEN:
            self.town.books[no] = replace(order, family=family)
            self.town.cards += family
        return self.town.books[no] if order else None


@dataclass(frozen=True)
class _Desk:
    """The certificates of a town."""

    town: Town

    def choosable(self, payer: str, insured: str = "") -> Sequence[Certifiable]:
        self.town._up()
        return self.town.certifiable_of.get(insured, ()) if insured else self.town.certifiable

    def printable(self, payer: str, payments: Sequence[int], insured: str = "") -> bool:
        return True

    def issue(self, payer: str, payments: Sequence[int], insured: str = "", *, apart: bool = False) -> Sequence[Issued]:
        chosen = [one for one in self.choosable(payer, insured) if one.id in payments]
        together = len({one.order_no for one in chosen}) == 1 and not apart
        groups = {"" if together else one.insured: 0 for one in chosen}
        return [self._issue(payer, [one for one in chosen if not who or one.insured == who]) for who in groups]

    def issued(self, payer: str, number: str) -> Issued | None:
        self.town._up()
        owner, paper = self.town.papers.get(number, ("", None))
        return paper if owner == payer else None

    def show(self, payer: str, number: str, page: int) -> int:
        if self.issued(payer, number) is None or page > self.town.paper_pages:
            return 0
        self.town.shown.append((payer, number, page))
        return self.town.paper_pages

    def verify(self, number: str, code: str) -> Verified | None:
        self.town._up()
        return self.town.issued.get((number, code))

    def _issue(self, payer: str, chosen: Sequence[Certifiable]) -> Issued:
        number, amount = f"C{'-'.join(str(one.id) for one in chosen)}", sum(one.amount for one in chosen)
        names = tuple(dict.fromkeys(one.name for one in chosen))
        lines = tuple(
            CertifiedPayment(one.insurance, one.pay_kind, one.cover_year, one.amount, False, names.index(one.name))
            for one in chosen
        )
        now = self.town.moment
        people = tuple((name, "****") for name in names)
        self.town.issued[number, "CODE"] = Verified(number, people, now.date(), "税务局", amount, lines)
        paper = Issued(number, "CODE", names, len(chosen), amount, f"https://pay.example/c/{number}", now)
        self.town.papers[number] = payer, paper
        return paper


@dataclass(frozen=True)
class _Contacts:
    """Who pays for whom in a town."""

    town: Town

    def list(self, payer: str) -> Sequence[Contact]:
        mine = self._of(payer)
        used = [*mine, *(one.insured for who, payables in self.town.opened if who == payer for one in payables)]
        last = {insured: place for place, insured in enumerate(used)}
        return sorted(mine.values(), key=lambda one: (one.relation is not Relation.SELF, -last[one.insured]))

    def add(self, payer: str, insured: str, relation: Relation) -> Keeping:
        mine = self._of(payer)
        if insured in mine:
            return Keeping.ALREADY
        return Keeping.FULL if len(mine) >= MOST_CONTACTS else self._keep(payer, insured, relation)

    def relate(self, payer: str, insured: str, relation: Relation) -> Keeping:
        return self._keep(payer, insured, relation) if insured in self._of(payer) else Keeping.GONE

    def remove(self, payer: str, insured: str) -> None:
        self._of(payer).pop(insured, None)

    def forget(self, payer: str) -> None:
        self._of(payer).clear()

    def _of(self, payer: str) -> dict[str, Contact]:
        self.town._up()
        return self.town.friends.setdefault(payer, {})

    def _keep(self, payer: str, insured: str, relation: Relation) -> Keeping:
        mine = self._of(payer)
        if relation is Relation.SELF and any(
            one.relation is relation and one.insured != insured for one in mine.values()
        ):
            return Keeping.SELF_TAKEN
        mine[insured] = Contact(insured, relation)
        return Keeping.KEPT


@dataclass(frozen=True)
class _History:
    """What was paid in a town, as a test writes it down."""

    town: Town

    def records(self, payer: str, insured: str) -> Sequence[Record]:
        self.town._up()
        return self.town.records.get(insured, [])


@dataclass(frozen=True)
class _Consents:
    """Who agreed in a town."""

    town: Town

    def given(self, payer: str, version: str) -> bool:
        self.town._up()
        return version in self.town.agreed.get(payer, ())

    def give(self, payer: str, version: str) -> None:
        self.town._up()
        self.town.agreed.setdefault(payer, set()).add(version)

    def withdraw(self, payer: str) -> None:
        self.town._up()
        self.town.agreed.pop(payer, None)


@dataclass(frozen=True)
class _Captchas:
    """Riddles of a town: every picture shows 2345, every sum is 7 + 5; the same moment poses the same riddle."""

    town: Town

    def pose(self, payer: str, *, picture: bool) -> str:
        self.town._up()
        riddle = f"{'picture' if picture else 'sum'}-{int(self.town.moment.timestamp())}"
        self.town.posed.append(riddle)
        return riddle

    def question(self, riddle: str) -> str:
        return SUM if riddle.startswith("sum") else ""

    def guess(self, riddle: str, answer: str) -> Guess:
        self.town._up()
        kind, _, posed = riddle.partition("-")
        if self.town.moment.timestamp() - int(posed) > RIDDLE_SECONDS:
            return Guess.EXPIRED
        if not answer.isdecimal():
            return Guess.UNREADABLE
        return Guess.RIGHT if answer == (SIGNS if kind == "picture" else "12") else Guess.WRONG

    def acquainted(self, payer: str, insured: str) -> bool:
        self.town._up()
        mine = {no for no, who in self.town.owners.items() if who == payer}
        keys = {line.payable_key for no in mine for line in self.town.books[no].lines}
        paid = any(f":{insured}:" in key for key in keys & set(self.town.payments))
        since = self.town.confirmed.get((payer, insured))
        return paid or (since is not None and self.town.moment - since < CONFIRMED)

    def confirm(self, payer: str, insured: str) -> None:
        if not self.acquainted(payer, insured):
            self.town.confirmed[payer, insured] = self.town.moment
            self.town.told.add((payer, insured))

    def forget(self, payer: str) -> None:
        self.town._up()
        for pair in [pair for pair in self.town.confirmed if pair[0] == payer]:
            del self.town.confirmed[pair]


@dataclass(frozen=True)
class _Guesses:
    """Wrong guesses in a town."""

    town: Town

    def wait(self, payer: str, what: str) -> int:
        self.town._up()
        missed = self.town.misses.get((payer, what), [])[-GUESSES:]
        left = GUESS_SECONDS - int((self.town.moment - missed[0]).total_seconds()) if len(missed) == GUESSES else 0
        return max(0, left)

    def missed(self, payer: str, what: str) -> int:
        self.town._up()
        self.town.misses.setdefault((payer, what), []).append(self.town.moment)
        return self.wait(payer, what)
