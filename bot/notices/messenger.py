"""Notices on their way: customer-service message, template message where configured, else the top of the next reply.

A notice counts as delivered only when WeChat said so, or when it stands in a reply that was saved. The bot keeps count
of what may be pushed and does not try what must fail (design, section 6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import structlog
from sqlalchemy import Engine, Row

from bot.notices.card import CardLines, CardPainter
from bot.wechat.account_client import BUSY
from bot.wechat.account_errors import AccountError, AccountTrouble, AccountUnreachable, PushRefused
from bot.wechat.official_account import OfficialAccount
from bot.wire.render import reply_texts
from dialogs.said import Reply
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import Unavailable
from storage import notices
from storage.database import reading, writing
from storage.notices import CARD, PAGE, PICTURES, Notice
from storage.orders.columns import PLACED
from storage.orders.reading import moment
from storage.orders.rows import attempt_of, lines_of, the_attempt, the_order
from storage.sessions.contract import StoreUnavailable, TurnStore

LEASE_SECONDS = 30
TEMPLATE_CHARACTERS = 20  # of a template's field of kind `thing`
FORGOTTEN_MEDIA = 40007  # WeChat's code for a picture that it does not know, or not any more
TRY_AFTER = (5, 30, 120, 600, 3600)  # seconds after a push of unknown outcome; then only with the next reply

LOG = structlog.get_logger("messenger")


@dataclass(frozen=True)
class Messenger:
    """Delivers notices; safe in many processes, each notice leased by one."""

    engine: Engine
    store: TurnStore
    account: OfficialAccount
    painter: CardPainter
    zone: tzinfo
    clock: Callable[[], float]
    template_id: str = ""
    captcha: Callable[[str], bytes] | None = None  # paints the picture of a riddle
    page: Callable[[str, str, int], bytes | None] | None = None  # of an openid's own certificate: number and page

    def deliver_due(self) -> int:
        """Try what is due; returns how many were tried. Raises DatabaseUnavailable."""
        tried = 0
        for notice_id, tries, notice in notices.due(self.engine, self._now()):
            with writing(self.engine) as connection:
                mine = notices.lease_due(connection, notice_id, self._now(), LEASE_SECONDS)
            if mine:
                self._deliver(notice_id, tries, notice)
                tried += 1
        return tried

    def send_more(self, openid: str, texts: tuple[str, ...]) -> None:
        """Further pages of a long reply, in order; what may not be pushed is dropped: the first page was shown."""
        for text in texts:
            if not self._may_push(openid):
                return
            try:
                self.account.send_text(openid, text)
            except PushRefused:
                self.store.give_push_up(openid, self.clock())
                return
            except AccountTrouble as trouble:
                LOG.warning("a further page was not sent", why=str(trouble)[:200])
                return

    def waiting(self, openid: str) -> list[tuple[int, Notice]]:
        """What stands at the top of this citizen's next reply, leased to it: nobody pushes it meanwhile.

        A reply that is never saved leaves it waiting: the lease runs out. Pictures cannot stand in a reply; the word
        that is being answered has opened the way for them, so they become due again.
        """
        return self.news(openid)[0]

    def news(self, openid: str) -> tuple[list[tuple[int, Notice]], bool]:
        """As `waiting`, and whether there is no other news: none that somebody is pushing just now."""
        now = self._now()
        found, under_way = notices.news_for(self.engine, openid, now)
        mine = []
        for notice_id, notice in found:
            with writing(self.engine) as connection:
                if notice.kind in PICTURES:
                    notices.put_off(connection, notice_id, 0, now)
                elif notices.lease(connection, notice_id, now, LEASE_SECONDS):
                    mine.append((notice_id, notice))
        return mine, not under_way and len(mine) == len(found)

    def told(self, notice_ids: tuple[int, ...]) -> None:
        """They stood in a reply that was saved."""
        with writing(self.engine) as connection:
            for notice_id in notice_ids:
                notices.delivered(connection, notice_id, "reply", self._now())

    def _deliver(self, notice_id: int, tries: int, notice: Notice) -> None:
        try:
            if self._is_stale(notice):
                told = None
            elif self._may_push(notice.openid):
                told = self._pushed(notice)
            else:
                told = self._by_template(notice)
        except PushRefused as refused:  # not even by template
            LOG.info("a template message was refused", kind=notice.kind, code=refused.code)
            self._put_off(notice.openid, notice_id, tries, None)
        except (AccountUnreachable, AccountError, StoreUnavailable) as trouble:
            LOG.warning("a push was not answered", kind=notice.kind, why=str(trouble)[:200])
            again = self._now() + TRY_AFTER[tries] if tries < len(TRY_AFTER) else None
            self._put_off(notice.openid, notice_id, tries + 1, again)
        except Unavailable:
            raise
        except Exception as wrong:  # one that cannot be told does not keep the others waiting
            LOG.error("a notice cannot be told", kind=notice.kind, error=type(wrong).__name__)
            self._put_off(notice.openid, notice_id, tries, None)
        else:
            if told is None:
                self._put_off(notice.openid, notice_id, tries, None)
            else:
                self._done(notice_id, told)

    def _pushed(self, notice: Notice) -> str | None:
        """How WeChat has taken the whole of it: "push", or by template where it refuses the push; None: it has not.

        Raises AccountTrouble where it is to be tried again.
        """
        try:
            self._push(notice)
        except PushRefused as refused:
            LOG.info("a push was refused", kind=notice.kind, code=refused.code)
            self.store.give_push_up(notice.openid, self.clock())
            return self._by_template(notice)
        except AccountError as refused:  # the account may not push, or not any more today: 48001, 45009
            if refused.code == BUSY or not self._may_template(notice):
                raise
            LOG.warning("a push was refused", kind=notice.kind, why=str(refused)[:200])
            return self._by_template(notice)
        return "push"

    def _push(self, notice: Notice) -> None:
        if notice.kind in PICTURES:
            if not self._push_uploaded(notice):
                self.account.send_image(notice.openid, self.account.upload_image(self._picture(notice)))
            return
        texts = reply_texts(notice.reply)
        self.account.send_text(notice.openid, texts[0])
        self.send_more(notice.openid, tuple(texts[1:]))

    def _push_uploaded(self, notice: Notice) -> bool:
        """Send the picture that was uploaded before, where there is one that WeChat still knows."""
        media_id = notice.body.get("media")
        if not media_id:
            return False
        try:
            self.account.send_image(notice.openid, str(media_id))
        except AccountError as refused:
            if refused.code != FORGOTTEN_MEDIA:
                raise
            return False
        return True

    def _may_template(self, notice: Notice) -> bool:
        return bool(self.template_id) and notice.kind not in PICTURES

    def _by_template(self, notice: Notice) -> str | None:
        """A template message's twenty characters; None where they, or none, were not the whole of the news.

        What was cut off stands at the top of the next reply.
        """
        if not self._may_template(notice):
            return None
        text = " ".join(" ".join(notice.reply.text).split())
        whole = len(text) <= TEMPLATE_CHARACTERS and not notice.reply.options
        shown = text if len(text) <= TEMPLATE_CHARACTERS else f"{text[: TEMPLATE_CHARACTERS - 1]}…"
        self.account.send_template(notice.openid, self.template_id, {"thing1": shown})
        return "template" if whole else None

    def _is_stale(self, notice: Notice) -> bool:
        """Whether it would mislead by now: a card whose code nobody can pay any more, an old riddle."""
        if notice.expires_at is not None and notice.expires_at <= self._now():
            return True
        if notice.kind != CARD:
            return False
        with reading(self.engine) as connection:
            attempt = attempt_of(connection, str(notice.body["attempt"]))
        return attempt is None or attempt.state != PLACED or attempt.code_url is None

    def _picture(self, notice: Notice) -> bytes:
        if notice.kind == CARD:
            return self._card(str(notice.body["attempt"]))
        if notice.kind == PAGE:
            assert self.page is not None, "nobody draws certificates"
            picture = self.page(notice.openid, str(notice.body["certificate"]), int(notice.body["page"]))
            assert picture is not None, "no certificate of this openid"
            return picture
        assert self.captcha is not None, "nobody paints riddles"
        return self.captcha(str(notice.body["riddle"]))

    def _card(self, out_trade_no: str) -> bytes:
        """The picture of an attempt's code."""
        with reading(self.engine) as connection:
            attempt = the_attempt(connection, out_trade_no)
            order = the_order(connection, attempt.order_no)
            lines = lines_of(connection, order.no)
        expires = moment(attempt.expires_at, self.zone)
        card = CardLines(
            title=say("card.title"),
            amount=yuan(attempt.amount),
            rows=(*_card_rows(lines), say("card.expiry", time=f"{expires:%H:%M}")),
            hint=say("card.hint"),
        )
        return self.painter.paint(attempt.code_url, card)

    def _may_push(self, openid: str) -> bool:
        return self.store.take_push(openid, self.clock())

    def _done(self, notice_id: int, by: str) -> None:
        with writing(self.engine) as connection:
            notices.delivered(connection, notice_id, by, self._now())

    def _put_off(self, openid: str, notice_id: int, tries: int, due_at: int | None) -> None:
        with writing(self.engine) as connection:
            notices.put_off(connection, notice_id, tries, due_at)
        try:
            self.store.news(openid)
        except StoreUnavailable:  # the next turns look by themselves, some seconds later
            LOG.info("a turn could not be told of news")

    def _now(self) -> int:
        return int(self.clock())


def _card_rows(lines: Sequence[Row[Any]]) -> tuple[str, str]:
    """Whom and what it pays for; of several lines how many: another phone's owner need not read who."""
    if len(lines) > 1:
        people = len({line.person for line in lines})
        return say("card.people", people=people), say("card.lines", count=len(lines))
    insurance = say(f"insurance.{lines[0].insurance}_short")
    return (
        say("card.insured", name=lines[0].masked_name),
        say("card.insurance", insurance=insurance, year=lines[0].cover_year),
    )


def on_top(waiting: list[tuple[int, Notice]], reply: Reply) -> Reply:
    """A reply with the news that could not be told before above it, and what can be done about it below."""
    if not waiting:
        return reply
    shown = {option.label for option in reply.options}
    more = [option for _, notice in waiting for option in notice.reply.options if option.label not in shown]
    return Reply((*_lines(waiting), *reply.text), (*reply.options, *more), reply.after)


def _lines(waiting: list[tuple[int, Notice]]) -> Iterator[str]:
    for _, notice in waiting:
        yield from notice.reply.text
