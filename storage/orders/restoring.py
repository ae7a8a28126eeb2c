"""Orders of which only WeChat Pay still knows, because the database was restored from a backup, are made anew.

What WeChat Pay gives back of an attempt (`attached.py`) says for whom and what; the agencies' data say the rest again.
The order is made anew as a closed one, without a payment: `settle` then books the money as it books any that comes
late, and gives back what is not free any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from dialogs.terms.insurance import (
    REPLACES_TARIFF,
    Enrolment,
    Insurance,
    Payable,
    TariffRow,
    assessed_payable,
    divisions_of,
    tariff_payable,
)
from dialogs.world import OrderState, Registry, Tariffs
from storage.database import reading, table_of, writing
from storage.orders.attached import Attached, Attachments, LineSign, Owed
from storage.orders.columns import ATTEMPT, CLOSED, DISCREPANCY, LINE, ORDER, PAYMENT
from storage.orders.opening import line_values
from storage.orders.rows import attempt_of, lines_of, order_of, the_attempt
from storage.tables import PersonRow

RESTORED = "restored"  # the order's close_reason
_NUMBER = re.compile(r"([0-9A-Z]{14})-[1-9][0-9]*")
_PERSON = table_of(PersonRow)


@dataclass(frozen=True, slots=True)
class Known:
    """What WeChat Pay knows of an attempt that was paid; amount in fen, time in unix seconds."""

    out_trade_no: str
    amount: int
    payer: str  # openid of who paid
    attach: str
    native: bool
    paid_at: int


@dataclass(frozen=True)
class Restorer:
    """Makes orders anew; safe to repeat, and to run in many processes."""

    engine: Engine
    registry: Registry
    tariffs: Tariffs
    attachments: Attachments

    def attach(self, out_trade_no: str) -> str:
        """What WeChat Pay is to keep beside this attempt; always the same for the same attempt."""
        with reading(self.engine) as connection:
            attempt = the_attempt(connection, out_trade_no)
            rows = lines_of(connection, attempt.order_no)
        owed = [Owed(r.person, r.payable_key, r.institution, r.person_no, r.tier_code, r.amount) for r in rows]
        payer = attempt.openid if attempt.channel == "native" else ""  # for jsapi WeChat Pay says who paid
        return self.attachments.write(out_trade_no, attempt.amount, payer, owed)

    def is_known(self, out_trade_no: str) -> bool:
        """Whether the attempt is in the database."""
        with reading(self.engine) as connection:
            return attempt_of(connection, out_trade_no) is not None

    def restore(self, known: Known, now: int, *, back: int = 0) -> bool:
        """Make order and attempt anew; False where they are not ours, or the agencies' data do not say the lines yet.

        `back` (fen) is what WeChat Pay has given back already because it settled nothing: the lines it was for are left
        out, and so are lines that did not fit into the attachment. `settle` gives back what no line takes.
        Raises DatabaseUnavailable.
        """
        number = _NUMBER.fullmatch(known.out_trade_no)
        said = self.attachments.read(known.attach, known.out_trade_no, known.amount)
        if number is None or said is None or not (said.payer or known.payer):
            return False
        paid = self._lines(said) if back < known.amount else ()
        if paid is None or (paid and sum(line.amount for line in paid) != known.amount):
            return False
        lines = self._without(dict(enumerate(paid, 1)), back)
        if lines is None:
            return False
        try:
            with writing(self.engine) as connection:
                self._insert(connection, number[1], said.payer or known.payer, known, lines, now)
        except IntegrityError:  # somebody else was quicker
            return self.is_known(known.out_trade_no)
        return True

    def _insert(
        self, connection: Connection, no: str, payer: str, known: Known, lines: Mapping[int, Payable], now: int
    ) -> None:
        channel = "native" if known.native else "jsapi"
        if order_of(connection, no) is None:
            order = {
                "no": no,
                "payer": payer,
                "service": _service(list(lines.values())),
                "state": OrderState.CLOSED,
                "channel": channel,
                "amount": known.amount,
                "opened_at": known.paid_at,
                "expires_at": known.paid_at,
                "closed_at": now,
                "close_reason": RESTORED,
            }
            connection.execute(insert(ORDER), order)
            for line_no, line in lines.items():
                person = self.registry.person(line.insured)
                values = line_values(no, line_no, line, person.name if person else "")
                connection.execute(insert(LINE), values | {"holds": None})
        attempt = {
            "out_trade_no": known.out_trade_no,
            "order_no": no,
            "channel": channel,
            "state": CLOSED,
            "openid": payer,
            "amount": known.amount,
            "description": "",
            "expires_at": known.paid_at,
            "made_at": known.paid_at,
            "called_at": known.paid_at,
        }
        connection.execute(insert(ATTEMPT), attempt)
        unknown = (DISCREPANCY.c.out_trade_no == known.out_trade_no) & (DISCREPANCY.c.kind == "unknown_number")
        closed = {"state": "closed", "closed_at": now, "closed_why": "缴费单已按微信支付的记录恢复"}
        connection.execute(update(DISCREPANCY).where(unknown & (DISCREPANCY.c.state != "closed")).values(closed))

    def _without(self, lines: Mapping[int, Payable], back: int) -> Mapping[int, Payable] | None:
        """The lines, by number, but those whose money is back; None where it is not certain which these are.

        It is those that another payment settled; where that leaves a choice (equal amounts), it is a person's.
        """
        if not lines or not back:
            return lines
        ways = [
            some
            for count in range(1, len(lines))
            for some in combinations(lines, count)
            if sum(lines[number].amount for number in some) == back
        ]
        if len(ways) > 1:
            with reading(self.engine) as connection:
                keys = select(PAYMENT.c.settles).where(PAYMENT.c.settles.in_([one.key for one in lines.values()]))
                settled = set(connection.execute(keys).scalars())
            ways = [some for some in ways if all(lines[number].key in settled for number in some)]
        if len(ways) != 1:
            return None
        return {number: line for number, line in lines.items() if number not in ways[0]}

    def _lines(self, said: Attached) -> tuple[Payable, ...] | None:
        """What each line was for; None where one cannot be told."""
        found = [self._line(sign) for sign in said.lines]
        if None in found:
            return None
        return tuple(line for line in found if line is not None)

    def _line(self, sign: LineSign) -> Payable | None:
        """The one payable of this sign; None where there is none, or (one in ten million) more than one."""
        fitting = {
            one.key + one.institution_code + one.person_no: one
            for person in self._people(sign.person)
            for one in self._payables(person)
            if self.attachments.sign(_owed(one)) == sign
        }
        return next(iter(fitting.values())) if len(fitting) == 1 else None

    def _people(self, beginning: str) -> Sequence[str]:
        where = (_PERSON.c.key >= beginning) & (_PERSON.c.key < beginning + "g")  # after every hexadecimal digit
        with reading(self.engine) as connection:
            return connection.execute(select(_PERSON.c.key).where(where)).scalars().all()

    def _payables(self, person: str) -> Iterator[Payable]:
        """Everything this person can ever have owed, in or out of its window; later ones win where two are alike."""
        for insurance in Insurance:
            rows = self.tariffs.rows(insurance)
            standing = self.registry.standing(person, insurance)
            for enrolment in standing.enrolments:
                yield from (tariff_payable(person, enrolment, row) for row in _applying(rows, enrolment))
            yield from (assessed_payable(person, one) for one in standing.assessments)


def _applying(rows: Sequence[TariffRow], enrolment: Enrolment) -> list[TariffRow]:
    """The rows of an enrolment's divisions, the most specific division and the insured's own group last."""
    places = divisions_of(enrolment.institution.division)
    mine = [row for row in rows if row.division in places and row.group in ("*", enrolment.group)]
    return sorted(mine, key=lambda row: (-places.index(row.division), row.group != "*"))


def _owed(one: Payable) -> Owed:
    return Owed(one.insured, one.key, one.institution_code, one.person_no, one.tier_code, one.amount)


def _service(lines: Sequence[Payable]) -> str:
    """The service in which such an order is opened."""
    if len(lines) != 1:
        return "pay.family"
    is_assessed = lines[0].pay_kind not in REPLACES_TARIFF
    return f"pay.{lines[0].insurance}{'_assessed' if is_assessed else ''}"
