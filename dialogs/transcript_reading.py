"""Reads the `.chat` format. Errors are sentences, with the line's number, for the staff who write transcripts.

# a remark, anywhere                @时间 2026-11-23 09:00, @数据 demo: the setting
> typed, or [菜单] 养老保险费缴纳       < a line of the reply, << a line of a pushed notice; … at its end: and so on
"""

from __future__ import annotations

import re
from datetime import datetime

from dialogs.transcript import ACCOUNTS, CONSENTS, ME, TYPED, VERBS, Action, Exchange, Line, Mark, Scene, duration

SETTINGS = ("时间", "数据", "作为", "故障", "账号", "同意")
DATA = ("demo",)


class NotATranscript(ValueError):
    """A sentence with the number of the line that cannot be read."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"第 {number} 行：{why}")
        self.number = number


def read(text: str) -> Scene:
    """The scene of a file's text. Raises NotATranscript."""
    reader = _Reader(tuple(text.split("\n")))
    return reader.scene()


class _Reader:
    def __init__(self, lines: tuple[str, ...]) -> None:
        self.lines = lines
        self.at: datetime | None = None
        self.person = ME
        self.account = ACCOUNTS[0]
        self.agreed = True
        self.faults: list[str] = []
        self.exchanges: list[Exchange] = []

    def scene(self) -> Scene:
        for number, raw in enumerate(self.lines, 1):
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("@"):
                self._setting(number, line)
            elif line.startswith(">"):
                action = _action(number, raw.lstrip().removeprefix(">").removeprefix(" "))
                self.exchanges.append(Exchange(number, self.person, action, (), number))
            elif line.startswith("<"):
                self._expect(number, line)
            else:
                raise NotATranscript(number, f"每一行以 > < << @ # 开头，这一行是“{line}”")
        if self.at is None:
            raise NotATranscript(1, "缺少 @时间，比如 @时间 2026-11-23 09:00")
        if not self.exchanges:
            raise NotATranscript(len(self.lines), "没有一行以 > 开头，什么也没有发生")
        return Scene(self.lines, self.at, tuple(self.exchanges), tuple(self.faults), self.account, self.agreed)

    def _expect(self, number: int, line: str) -> None:
        if not self.exchanges:
            raise NotATranscript(number, "回复前面要有一行 >")
        mark: Mark = "<<" if line.startswith("<<") else "<"
        last = self.exchanges[-1]
        said = Line(mark, line.removeprefix(mark).strip())
        self.exchanges[-1] = Exchange(last.number, last.person, last.action, (*last.expected, said), number)

    def _setting(self, number: int, line: str) -> None:
        name, _, value = line.removeprefix("@").partition(" ")
        value = value.strip()
        if name not in SETTINGS:
            raise NotATranscript(number, f"不认识 @{name}，可以写的有 {'、'.join('@' + one for one in SETTINGS)}")
        if not value:
            raise NotATranscript(number, f"@{name} 后面少了内容")
        if name == "作为":
            self.person = value
            return
        if self.exchanges:
            raise NotATranscript(number, f"@{name} 要写在第一个 > 前面")
        if name == "时间":
            self.at = _moment(number, value)
        elif name == "数据" and value not in DATA:
            raise NotATranscript(number, f"没有叫“{value}”的数据，有的是 {'、'.join(DATA)}")
        elif name == "账号":
            if value not in ACCOUNTS:
                raise NotATranscript(number, f"@账号 只能是 {'、'.join(ACCOUNTS)}")
            self.account = value
        elif name == "同意":
            if value not in CONSENTS:
                raise NotATranscript(number, f"@同意 只能是 {'、'.join(CONSENTS)}")
            self.agreed = value == CONSENTS[0]
        elif name == "故障":
            self.faults.append(value)


def _moment(number: int, value: str) -> datetime:
    try:
        return datetime.strptime(value, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the bureau's, whose zone the bot knows
    except ValueError:
        raise NotATranscript(number, f"时间要写成 2026-11-23 09:00，这里是“{value}”") from None


def _action(number: int, text: str) -> Action:
    found = re.fullmatch(r"\[([^\s\]]+)(?:\s+([^\]]*))?\](.*)", text)
    if not found:
        if not text.strip():
            raise NotATranscript(number, "> 后面少了内容")
        return Action(TYPED, text)
    verb, words = found[1], f"{found[2] or ''} {found[3]}".strip()
    if verb not in VERBS:
        known = "、".join(f"[{one}]" for one in VERBS)
        raise NotATranscript(number, f"不认识 [{verb}]，可以写的有 {known}；真要打这几个字，写 [打字] {text}")
    if VERBS[verb] == "always" and not words:
        raise NotATranscript(number, f"[{verb}] 后面少了内容")
    if VERBS[verb] == "never" and words:
        raise NotATranscript(number, f"[{verb}] 后面不能有“{words}”")
    if verb in ("等待", "退款要") and duration(words) is None:
        raise NotATranscript(number, f"等待要写成 31分、2小时、3天，这里是“{words}”")
    return Action(verb, words)
