"""Transcripts (design, section 10): what a citizen does and what the bot says to it, as values; and playing them.

Pure: who performs the actions is passed in. The file format is read in `transcript_reading.py`, held against what was
said and written anew in `transcript_differences.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

MORE = "…"
ME = "我"
TYPED = "打字"  # the verb of what is typed
ACCOUNTS = ("正式号", "测试号")  # a test account is sent no bizmsgmenuid
CONSENTS = ("已", "未")

UNITS = {"秒": 1, "分": 60, "分钟": 60, "小时": 3600, "天": 86400}

# What is done rather than typed, and whether words belong to it.
VERBS: dict[str, Literal["never", "maybe", "always"]] = {
    TYPED: "always",  # for a typed text that begins like an action: [打字] [微笑]
    "菜单": "always",
    "点": "always",  # an option, by its label or a part of it
    "点旧": "always",  # an option further up in the chat
    "关注": "maybe",  # by the account's QR code, where a scene is given
    "取消关注": "never",
    "注销微信": "never",
    "扫码": "always",
    "图片": "never",
    "语音": "maybe",  # the words WeChat recognised
    "视频": "never",
    "位置": "never",
    "链接": "never",
    "别的消息": "never",  # a name card, or whatever else is none of the above
    "付款": "maybe",  # by one's own phone: the pay link, the cashier, the password; 零钱 or 银行卡
    "收银台": "never",  # the cashier is opened and left open
    "输密码": "never",  # on the cashier that was left open
    "抄漏链接": "always",  # an address by its label, copied without its last sign
    "放弃付款": "never",  # the cashier is opened, the password is not given
    "家人付款": "maybe",  # another phone's camera; its name, where it matters
    "家人放弃付款": "maybe",
    "家人扫旧码": "maybe",  # the last payment code that came, whatever has happened since; then pays
    "打开": "always",  # a link that is no pay link, by its label: a certificate
    "看图": "never",  # type the digits of the picture that came last
    "算": "never",  # type what the sum that was asked last comes to
    "照着打": "always",  # what the bot wrote behind these words: 编号 查验码
    "别处缴费": "always",  # a bank's file comes in: 李测二 2027 医疗保险 400
    "退款": "maybe",  # an operator gives the order back that was paid last, or these lines of it: 1 3
    "退款要": "always",  # from now on WeChat Pay takes so long over a refund: 2天
    "退款不说去处": "never",  # from now on WeChat Pay does not tell where refunds went
    "来文件": "always",  # an agency's file: demo rows with other cells: enrolments 钱演五 medical status=paused
    "验证过": "always",  # number, name and code of these ID numbers were right just before
    "入库": "never",  # the agency has booked yesterday's payments
    "等待": "always",
    "故障": "always",  # bot/sandbox/faults.py: pay.jsapi drop_after 1; or 清除
    "重启": "never",  # the bot's process ends and starts again on the same storage
    "更新": "never",  # the same, as a release whose questions have changed
}

Mark = Literal["<", "<<", "!"]


class CannotPerform(Exception):
    """The action cannot be done in this place: nothing to press says so, there is no bubble with a payment code."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a citizen does; `words` are the text typed, the label tapped, the time waited."""

    verb: str
    words: str = ""

    def __str__(self) -> str:
        return self.words if self.verb == TYPED else f"[{self.verb}] {self.words}".rstrip()


@dataclass(frozen=True, slots=True)
class Line:
    """One line from the bot: of a reply (`<`), pushed (`<<`); `!` is none of the bot's, but why there is none."""

    mark: Mark
    text: str

    def __str__(self) -> str:
        return f"{self.mark} {self.text}".rstrip()

    @property
    def open(self) -> bool:
        """Whether it stands for what follows too."""
        return self.text.endswith(MORE)

    def fits(self, said: Line) -> bool:
        """Whether the bot's line is the one that was written."""
        if self.open:
            return self.mark == said.mark and said.text.startswith(self.text.rstrip(MORE))
        return self == said


@dataclass(frozen=True, slots=True)
class Exchange:
    """An action of one person and the lines that are to come of it. Numbers of lines begin with 1."""

    number: int  # of the line with `>`
    person: str
    action: Action
    expected: tuple[Line, ...]
    last: int  # number of the last line that belongs to it


@dataclass(frozen=True, slots=True)
class Scene:
    """One transcript."""

    source: tuple[str, ...]  # the lines of the file
    at: datetime  # without a timezone: the bureau's
    exchanges: tuple[Exchange, ...]
    faults: tuple[str, ...] = ()
    account: str = ACCOUNTS[0]
    agreed: bool = True  # everybody in it has agreed before it begins that ID numbers are used


class Performer(Protocol):
    """Does what a citizen does, with a real bot behind it or without."""

    def perform(self, person: str, action: Action) -> Sequence[Line]:
        """Every line that came of it, in the order of arrival; raises CannotPerform."""
        ...


@dataclass(frozen=True, slots=True)
class Played:
    """What was said in each exchange; fewer than the scene has where one could not be performed."""

    said: tuple[tuple[Line, ...], ...]

    @property
    def broken(self) -> bool:
        """Whether something happened that no transcript may accept."""
        return any(line.mark == "!" for lines in self.said for line in lines)


def play(scene: Scene, performer: Performer) -> Played:
    """Perform every exchange in turn; what cannot be performed ends it with a line that says why."""
    said: list[tuple[Line, ...]] = []
    for exchange in scene.exchanges:
        try:
            lines = tuple(performer.perform(exchange.person, exchange.action))
        except CannotPerform as wrong:
            lines = (Line("!", str(wrong)),)
        said.append(lines)
        if any(line.mark == "!" for line in lines):
            break
    return Played(tuple(said))


def duration(words: str) -> timedelta | None:
    """31分, 2小时, 3天; None for anything else."""
    found = re.fullmatch(r"(\d+) ?(\D+)", words)
    return timedelta(seconds=int(found[1]) * UNITS[found[2]]) if found and found[2] in UNITS else None
