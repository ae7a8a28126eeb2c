"""A real conversation in the form of a transcript (design 10), masked, ready to be replayed and reviewed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from sqlalchemy import Connection, Engine, select

from bot.story.demo_people import name_of, number_of
from bot.story.talk import did
from dialogs.masking import CODE, NAME, NUMBER
from storage.consents import CONSENT
from storage.database import reading
from storage.journal import Turn, turns_of
from storage.notices import CAPTCHA, CARD, PAGE
from storage.orders.columns import ATTEMPT, NOTICE, ORDER
from storage.orders.reading import moment
from storage.sealing import FieldSeal

ONE_CONVERSATION = 24 * 3600  # seconds a session is kept: after a longer pause another conversation begins
PICTURES = {CARD: "[付款码]", CAPTCHA: "[验证码图片]", PAGE: "[证明图片]"}
PAYS = {"jsapi": "[付款]", "native": "[家人付款]"}
MINUTE = 60
MISTYPED = "369902198511030033"  # nobody's: its check digit is wrong
# What is another each time: times of the day, drawn numbers and codes, sums.
_FLEETING = re.compile(r"\d{1,2}:\d{2}|ZM\d{8}|查验码|\d+ \+ \d+ = ？|编号 [0-9a-f]{8}")
_SUM = re.compile(r"\d+ \+ \d+ = ？")
_HEAD = (
    "# 录下的一段对话：请把这一行改成一句话，说明它要说明什么",
    "# 〔〕里的号码和姓名没有记下来：请换成演示数据里的人",
)


@dataclass
class _Writer:
    """The lines so far, and where the replay's clock stands: each action takes a second there."""

    zone: tzinfo
    began: int
    clock: int = 0
    lines: list[str] = field(default_factory=list)
    number: str | None = None  # of the demo person spoken of
    asked_sum: bool = False

    def act(self, at: int, action: str) -> None:
        """One `>` line, and before it the wait that brings the clock there, in whole minutes."""
        self._wait((at - self.began - self.clock) // MINUTE)
        self.lines.append(f"> {action}")
        self.clock += 1

    def push(self, at: int, said: Sequence[str]) -> None:
        """What came by itself; if it took its time, the wait goes past it."""
        behind = at - self.began - self.clock
        if behind >= MINUTE:
            self._wait(-(-behind // MINUTE))
        self.answer("<<", said)

    def _wait(self, minutes: int) -> None:
        if minutes > 0:
            self.lines.append(f"> [等待] {minutes}分")
            self.clock += minutes * MINUTE + 1

    def answer(self, mark: str, said: Sequence[str]) -> None:
        """Lines of the bot's; one that is another each time ends where that begins."""
        for line in said:
            found = _FLEETING.search(line)
            self.lines.append(f"{mark} {line[: found.start()]}…" if found else f"{mark} {line}".rstrip())
            self.asked_sum = bool(_SUM.search(line)) or (self.asked_sum and mark == "<<")


def recorded(engine: Engine, seal: FieldSeal, openid: str, zone: tzinfo) -> str | None:
    """The last conversation of this citizen; None where none is kept. Raises DatabaseUnavailable."""
    turns = _last_conversation(turns_of(engine, seal, openid))
    if not turns:
        return None
    began = turns[0].at - turns[0].at % MINUTE
    writer = _Writer(zone, began)
    with reading(engine) as connection:
        mine = (CONSENT.c.payer == openid) & (CONSENT.c.given_at < turns[0].at)
        mine &= CONSENT.c.withdrawn_at.is_(None) | (CONSENT.c.withdrawn_at >= turns[0].at)
        agreed = connection.execute(select(CONSENT.c.id).where(mine)).first() is not None
        happened: list[tuple[int, int, Turn | str | tuple[str, ...]]] = [
            *((turn.at, 0, turn) for turn in turns),
            *_paid(connection, openid, began),
            *_pushed(connection, openid, began),
        ]
    for at, _, what in sorted(happened, key=lambda one: one[:2]):
        if isinstance(what, Turn):
            writer.act(at, _action(what, writer))
            writer.answer("<", what.spoken.lines)
        elif isinstance(what, str):
            writer.act(at, what)
        else:
            writer.push(at, what)
    placeholders = any("〔" in line for line in writer.lines)
    head = [*_HEAD[: 1 + placeholders], f"@时间 {moment(began, zone):%Y-%m-%d %H:%M}", "@数据 demo"]
    return "\n".join([*head, *([] if agreed else ["@同意 未"]), "", *writer.lines, ""])


def _last_conversation(turns: Sequence[Turn]) -> list[Turn]:
    found: list[Turn] = []
    for turn in reversed(turns):
        if found and found[-1].at - turn.at > ONE_CONVERSATION:
            break
        found.append(turn)
    return found[::-1]


def _paid(connection: Connection, openid: str, began: int) -> Iterator[tuple[int, int, str]]:
    """Payments of this citizen's orders, as actions."""
    query = select(ATTEMPT.c.paid_at, ATTEMPT.c.channel).join(ORDER, ORDER.c.no == ATTEMPT.c.order_no)
    for row in connection.execute(query.where((ORDER.c.payer == openid) & (ATTEMPT.c.paid_at >= began))):
        yield row.paid_at, 1, PAYS.get(row.channel, PAYS["jsapi"])


def _pushed(connection: Connection, openid: str, began: int) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    where = (NOTICE.c.openid == openid) & (NOTICE.c.delivered_by == "push") & (NOTICE.c.delivered_at >= began)
    for row in connection.execute(select(NOTICE).where(where).order_by(NOTICE.c.id)):
        body = json.loads(row.body)
        shown = [line for text in body.get("lines", ()) for line in text.split("\n")]
        shown += [label for _, label in body.get("options", ())]
        yield row.delivered_at, 2, (PICTURES[row.kind],) if row.kind in PICTURES else tuple(shown)


def _action(turn: Turn, writer: _Writer) -> str:
    """What the citizen did, demo people put in where they are meant, codes as what a reader does with them."""
    spoken = turn.spoken
    if spoken.asked == "captcha" and spoken.kind == "text" and f"{spoken.asked}:Known" in spoken.visited:
        return "[算]" if writer.asked_sum else "[看图]"
    if found := re.fullmatch("〔(.+?)(?: (.+))?〕", spoken.said):
        what, masked = found[1], found[2] or ""
        if what == NUMBER and (number := number_of(masked)):
            writer.number = number
            return number
        if what == NAME:
            fits = f"{spoken.asked}:Wrong" not in spoken.visited
            known = name_of(masked, writer.number) if fits else None
            return known or masked.replace("*", "某")  # a name that fits nobody
        if what == CODE:
            return "[照着打] 编号 查验码"
    if spoken.asked in ("document", "lookup_number") and re.fullmatch(r"[*\d\s]+", spoken.said):
        return _mistyped(len(spoken.said))
    typed = did(spoken)
    return f"[打字] {typed}" if spoken.kind == "text" and typed.startswith("[") else typed


def _mistyped(length: int) -> str:
    """A number as long as the one that was typed and read by nobody: its digits were not kept."""
    return MISTYPED if length == len(MISTYPED) else (MISTYPED * 3)[:length]
