"""News for a citizen: written in the transaction of the fact that causes it, unique by its reason, delivered later.

A body is JSON: `lines`, and `options` as [id, label]; a picture's body names the attempt or the riddle it is of.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, insert, select, update

from dialogs.said import Reply, Shown
from dialogs.steps.order_words import account_words
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import OrderState
from storage.database import table_of
from storage.lookup import Lookup
from storage.tables import NoticeRow

NOTICE = table_of(NoticeRow)
CARD, CAPTCHA, PAGE = "card", "captcha", "page"
PICTURES = (CARD, CAPTCHA, PAGE)  # cannot stand in a reply
_WAITING = Lookup(  # in every turn
    select(NOTICE.c.id, NOTICE.c.reason, NOTICE.c.openid, NOTICE.c.kind, NOTICE.c.body, NOTICE.c.made_at)
    .add_columns(NOTICE.c.expires_at, NOTICE.c.leased_until)
    .where(NOTICE.c.openid == bindparam("of"), NOTICE.c.delivered_at.is_(None))
    .order_by(NOTICE.c.id)
)
_DUE = Lookup(  # every second, in every worker
    select(NOTICE)
    .where(NOTICE.c.due_at <= bindparam("now"), NOTICE.c.delivered_at.is_(None))
    .where(NOTICE.c.leased_until <= bindparam("now"))
    .order_by(NOTICE.c.id)
    .limit(100)
)

_WRITTEN = select(NOTICE.c.id).where(NOTICE.c.reason == bindparam("which"))
_STILL_DUE = (
    select(NOTICE.c.id).where(NOTICE.c.id == bindparam("which"), NOTICE.c.due_at <= bindparam("now")).with_for_update()
)
_CHANGE = update(NOTICE).where(NOTICE.c.id == bindparam("which"), NOTICE.c.delivered_at.is_(None))
_LEASE = _CHANGE.where(NOTICE.c.leased_until <= bindparam("now"))


@dataclass(frozen=True, slots=True)
class Notice:
    """One piece of news. `reason` makes it unique: the same fact is told once."""

    reason: str
    openid: str
    kind: str
    body: dict[str, Any]
    made_at: int
    expires_at: int | None = None

    @property
    def reply(self) -> Reply:
        """The news as a reply."""
        options = tuple(Shown(tap_id, label) for tap_id, label in self.body.get("options", ()))
        return Reply(tuple(self.body.get("lines", ())), options)


def write_notice(connection: Connection, notice: Notice | None) -> None:
    """Keep it for delivery; nothing where the same reason was written before."""
    if notice is None or connection.execute(_WRITTEN, {"which": notice.reason}).first():
        return
    row = {
        "reason": notice.reason,
        "openid": notice.openid,
        "kind": notice.kind,
        "body": json.dumps(notice.body, ensure_ascii=False),
        "made_at": notice.made_at,
        "due_at": notice.made_at,
        "expires_at": notice.expires_at,
    }
    connection.execute(insert(NOTICE), row)


def waiting_for(where: Engine | Connection, openid: str, now: int) -> list[tuple[int, Notice]]:
    """Undelivered news of one citizen that nobody is delivering just now, oldest first, with their row ids."""
    return news_for(where, openid, now)[0]


def news_for(where: Engine | Connection, openid: str, now: int) -> tuple[list[tuple[int, Notice]], bool]:
    """As `waiting_for`, and whether other news is being delivered just now: refused, it waits a moment later."""
    alive = [row for row in _WAITING.rows(where, of=openid) if row.expires_at is None or row.expires_at > now]
    waiting = [(row.id, notice_of(row)) for row in alive if row.leased_until <= now]
    return waiting, len(waiting) < len(alive)


def due(engine: Engine, now: int) -> list[tuple[int, int, Notice]]:
    """News to be tried now: row id, tries so far, notice. Raises DatabaseUnavailable."""
    return [(row.id, row.tries, notice_of(row)) for row in _DUE.rows(engine, now=now)]


def lease(connection: Connection, notice_id: int, now: int, seconds: int) -> bool:
    """Take one to push it or to say it in a reply; False where another has it or it was delivered meanwhile."""
    bound = {"which": notice_id, "now": now, "leased_until": now + seconds}
    return bool(connection.execute(_LEASE, bound).rowcount)


def lease_due(connection: Connection, notice_id: int, now: int, seconds: int) -> bool:
    """As `lease`, and only while it is still due: another worker may have tried it and put it off since it was read."""
    if connection.execute(_STILL_DUE, {"which": notice_id, "now": now}).first() is None:
        return False
    return lease(connection, notice_id, now, seconds)


def delivered(connection: Connection, notice_id: int, by: str, now: int) -> bool:
    """WeChat took it (`by` push or template), or it stands in a reply; False where it had been delivered."""
    changes = {"delivered_at": now, "delivered_by": by, "due_at": None, "leased_until": 0}
    return bool(connection.execute(_CHANGE, {"which": notice_id, **changes}).rowcount)


def put_off(connection: Connection, notice_id: int, tries: int, due_at: int | None) -> None:
    """Not delivered: to be tried again then, or (None) only with the next reply."""
    connection.execute(_CHANGE, {"which": notice_id, "tries": tries, "due_at": due_at, "leased_until": 0})


def notice_of(row: Row[Any]) -> Notice:
    """A stored notice."""
    return Notice(row.reason, row.openid, row.kind, json.loads(row.body), row.made_at, row.expires_at)


# -- the news there are


def paid_notice(order: Row[Any], lines: Sequence[Row[Any]], now: int) -> Notice:
    """缴费成功, a line for each payable that was settled."""
    if len(lines) == 1:
        texts = [say("notice.paid", **_line(lines[0]))]
    else:
        total = yuan(sum(line.amount for line in lines))
        texts = [say("notice.paid_several", count=len(lines), amount=total)]
        texts += [say("notice.line", **_line(line)) for line in lines]
    texts += [say(f"notice.later_{insurance}") for insurance in dict.fromkeys(line.insurance for line in lines)]
    options = [["go:query.certificate", say("notice.certificate")]]
    return Notice(f"paid:{order.no}", order.payer, "paid", {"lines": texts, "options": options}, now)


def closed_notice(order: Row[Any], zone: tzinfo, now: int) -> Notice | None:
    """The order ended without payment. One who cancelled in the chat and was told there is not told again."""
    keys = {reason: f"notice.{reason}" for reason in ("expired", "refused", "taken_over")}
    keys["cancelling"] = "notice.cancelled"
    if order.close_reason not in keys:
        return None
    opened = datetime.fromtimestamp(order.opened_at, zone)
    content: dict[str, Any] = {
        "lines": [say(keys[order.close_reason], time=f"{opened:%H:%M}", amount=yuan(order.amount))]
    }
    if order.close_reason == "taken_over":
        content["options"] = [["go:my.orders", say("service.my.orders")]]
    return Notice(f"closed:{order.no}", order.payer, "closed", content, now)


def refund_due_notice(
    order: Row[Any], attempt: Row[Any], amount: int, now: int, lines: Sequence[Row[Any]] = ()
) -> Notice:
    """Money settled nothing, or came a second time: it goes back by itself. `lines` are those it was not needed for."""
    twice = order.state in (OrderState.PAID, OrderState.REFUNDING, OrderState.REFUNDED)
    key = "double" if twice else "lines" if amount < attempt.amount else "due"
    texts = [say(f"notice.refund_{key}", amount=yuan(amount))]
    texts += [say("notice.line", **_line(line)) for line in lines]
    return Notice(f"refund_due:{attempt.out_trade_no}", order.payer, "refunded", {"lines": texts}, now)


def asked_refund_notice(
    order: Row[Any], lines: Sequence[Row[Any]], refunds: Sequence[Row[Any]], now: int
) -> Notice | None:
    """An operator has payments given back, a line for each; of a second try the payer was told before."""
    first = {refund.line_no: refund for refund in refunds if refund.line_no is not None and refund.replaces is None}
    texts = [
        say(
            "notice.refund_asked",
            name=line.masked_name,
            year=line.cover_year,
            insurance=say(f"insurance.{line.insurance}_short"),
            amount=yuan(line.amount),
        )
        for line in lines
        if line.line_no in first
    ]
    if not texts:
        return None
    reason = f"refund_asked:{min(refund.out_refund_no for refund in first.values())}"
    return Notice(reason, order.payer, "refunded", {"lines": [*texts, say("notice.refund_when")]}, now)


def refunded_notice(order: Row[Any], refund: Row[Any], account: str, now: int, line: Row[Any] | None = None) -> Notice:
    """The money is back: of this line, where it was one's; `account` is where, in WeChat Pay's words."""
    what = say("notice.line", **_line(line)) if line else yuan(refund.amount)
    text = _refunded_text(what, account)
    which = refund.out_trade_no if refund.line_no is None else f"{refund.out_trade_no}:{refund.line_no}"
    return Notice(f"refunded:{which}", order.payer, "refunded", {"lines": [text]}, now)


def refunded_elsewhere_notice(
    order: Row[Any], refund: Row[Any], amount: int, lines: Sequence[Row[Any]], now: int
) -> Notice:
    """Money of this order was given back by a refund that did not begin here; `lines` may be paid again."""
    if len(lines) == 1:
        texts = [_refunded_text(say("notice.line", **_line(lines[0])), refund.account)]
    else:
        texts = [_refunded_text(yuan(amount), refund.account)]
        texts += [say("notice.line", **_line(line)) for line in lines]
    texts += [say("notice.refunded_pay_again")] if lines else []
    return Notice(f"refunded:{refund.out_refund_no}", order.payer, "refunded", {"lines": texts}, now)


def partly_refunded_notice(order: Row[Any], refund: Row[Any], now: int) -> Notice:
    """A part of an order's money was given back, and a person has still to say of which payment."""
    text = say("notice.refunded_partly", amount=yuan(refund.amount))
    return Notice(f"refunded:{refund.out_refund_no}", order.payer, "refunded", {"lines": [text]}, now)


def transferred_notice(order: Row[Any], refund: Row[Any], now: int, line: Row[Any] | None = None) -> Notice:
    """The money was given back outside WeChat Pay: of this line, where it was one's."""
    text = say("notice.transferred", what=say("notice.line", **_line(line)) if line else yuan(refund.amount))
    return Notice(f"transferred:{refund.out_refund_no}", order.payer, "refunded", {"lines": [text]}, now)


def _refunded_text(what: str, account: str) -> str:
    if account:
        return say("notice.refunded_to", what=what, account=account_words(account))
    return say("notice.refunded", what=what)


def _line(line: Row[Any]) -> dict[str, object]:
    """What a text says of one line."""
    return {
        "name": line.masked_name,
        "year": line.cover_year,
        "insurance": say(f"insurance.{line.insurance}_short"),
        "amount": yuan(line.amount),
    }


def card_notice(openid: str, out_trade_no: str, expires_at: int, now: int) -> Notice:
    """A payment card to be painted and sent, for the attempt's code."""
    return Notice(f"card:{out_trade_no}:{now}", openid, CARD, {"attempt": out_trade_no}, now, expires_at)


def captcha_notice(openid: str, riddle: str, media_id: str, expires_at: int, now: int) -> Notice:
    """The picture of a riddle, to be sent; `media_id` "": to be painted and uploaded first."""
    return Notice(f"captcha:{riddle}", openid, CAPTCHA, {"riddle": riddle, "media": media_id}, now, expires_at)


def page_notice(openid: str, number: str, page: int, expires_at: int, now: int) -> Notice:
    """A page of a certificate, to be drawn and sent as a picture."""
    return Notice(f"page:{number}:{page}:{now}", openid, PAGE, {"certificate": number, "page": page}, now, expires_at)


def drop_captchas(connection: Connection, openid: str, now: int) -> None:
    """Pictures of riddles that were not sent yet are not sent any more: another riddle is asked."""
    where = (NOTICE.c.openid == openid) & NOTICE.c.delivered_at.is_(None) & (NOTICE.c.kind == CAPTCHA)
    connection.execute(update(NOTICE).where(where).values(due_at=None, expires_at=now))


def text_notice(reason: str, openid: str, lines: Sequence[str], options: Sequence[Shown], now: int) -> Notice:
    """A reply that came too late to be given as one."""
    shown = [[option.id, option.line] for option in options]
    return Notice(reason, openid, "late", {"lines": list(lines), "options": shown}, now)
