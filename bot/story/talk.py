"""What citizens said and were answered, from the journal; their certificates and consents."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, select

from bot.story.entry import Entry
from dialogs.flows import SERVICES
from dialogs.terms.money import yuan
from storage.certificates import CERTIFICATE
from storage.consents import CONSENT
from storage.journal import Spoken, turns_of
from storage.orders.columns import PAYMENT
from storage.sealing import FieldSeal

CITIZEN, BOT, PAPERS, ELSEWHERE = "市民", "回答", "证明", "其他渠道"
DONE = {
    "subscribe": "关注",
    "unsubscribe": "取消关注",
    "scan": "扫码",
    "image": "图片",
    "video": "视频",
    "link": "链接",
    "withdraw": "注销微信或收回授权",
}
DONE |= {"location": "位置", "unknown": "认不出的消息"}


def of_talk(engine: Engine, seal: FieldSeal, openid: str, since: int, until: int | None) -> Iterator[Entry]:
    """One citizen's turns of that time."""
    for one in turns_of(engine, seal, openid, since, until):
        spoken = one.spoken
        yield Entry(one.at, 0, CITIZEN, f"{did(spoken)}{_where(spoken)}")
        if spoken.failed:
            yield Entry(one.at, 0, BOT, f"出错（{spoken.failed}），市民得到一个编号，日志里有")
        for line in spoken.lines:
            yield Entry(one.at, 0, BOT, line)


def did(spoken: Spoken) -> str:
    """What a citizen did, as a transcript writes it."""
    match spoken.kind:
        case "text":
            return spoken.said
        case "tap":
            return f"[{'点旧' if spoken.stale else '点'}] {spoken.said}"
        case "menu":
            return f"[菜单] {SERVICES[spoken.said].label}" if spoken.said in SERVICES else "[菜单]"
        case "voice":
            return f"[语音] {spoken.said}".rstrip()
        case other:
            return f"[{DONE.get(other, other)}]"


def _where(spoken: Spoken) -> str:
    """The step it answered and what the step made of it."""
    visited = [one for one in spoken.visited if one.startswith(f"{spoken.asked}:")]
    return f"　（{spoken.asked}：{visited[0].partition(':')[2]}）" if spoken.asked and visited else ""


def of_papers(connection: Connection, openid: str, number: str) -> Iterator[Entry]:
    """Certificates issued to a citizen, or the one of this number; and given or withdrawn consents."""
    mine = CERTIFICATE.c.payer == openid if openid else CERTIFICATE.c.number == number
    for one in connection.execute(select(CERTIFICATE).where(mine).order_by(CERTIFICATE.c.issued_at)):
        yield Entry(one.issued_at, 6, PAPERS, f"开具缴费证明 {one.number}")
    for one in connection.execute(select(CONSENT).where(CONSENT.c.payer == openid).order_by(CONSENT.c.id)):
        yield Entry(one.given_at, 6, CITIZEN, f"同意告知书 {one.version}")
        if one.withdrawn_at:
            yield Entry(one.withdrawn_at, 6, CITIZEN, f"撤回同意 {one.version}，此前说过的话已删")


def of_other_channels(connection: Connection, person: str) -> Iterator[Entry]:
    """What windows and banks took for an insured."""
    where = (PAYMENT.c.person == person) & (PAYMENT.c.order_no.is_(None))
    for one in connection.execute(select(PAYMENT).where(where).order_by(PAYMENT.c.id)):
        what = (
            f"{one.channel} 收 {one.cover_year} 年 {one.insurance} {yuan(one.amount)}，{one.status}，{one.receipt_no}"
        )
        yield Entry(one.paid_at, 6, ELSEWHERE, what)
