"""The machine: one turn of a conversation, from what was said to the reply. No side effect of its own.

The walk asks the first step whose answer is not known, so the place in a flow is derived from what is known. Everything
that holds for every step at once is here: 返回, 取消, 帮助, 首页, paging, stale taps, three wrong answers, the question
before typed answers are thrown away, and the question after a long pause.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dialogs.choices import exactly, is_several, pages, partly, plain, show
from dialogs.said import Reply, Said, Shown
from dialogs.session import Session, stored_options
from dialogs.step import Answer, Ask, End, Flow, Go, Json, Known, Option, Service, Step, Wrong
from dialogs.texts import say, sentences
from dialogs.world import Unavailable, World

IDLE_SECONDS = 30 * 60
STRIKES = 3
STEPS_AT_ONCE = 60  # more than any flow has; a flow that hands over in a circle is an error, not a hang
PAST_LABELS = 40

HOME = "home"
HELP = "help"
COMMANDS: Mapping[str, frozenset[str]] = {
    "back": frozenset({"返回", "返回上一步", "上一步", "后退", "退回", "0"}),
    "cancel": frozenset({"取消", "退出", "算了", "不办了", "不缴了", "不交了", "不要了"}),
    "help": frozenset({"帮助", "帮忙", "help", "人工", "客服", "怎么办", "不会", "不懂", "电话"}),
    "home": frozenset({"首页", "主页", "菜单", "目录", "回首页", "返回首页", "全部服务", "重来", "重新来"}),
    "next": frozenset({"下一页", "后一页", "更多", "往后"}),
    "before": frozenset({"上一页", "前一页", "往前"}),
}
GREETINGS = frozenset(
    {"你好", "您好", "你好啊", "在吗", "在不在", "有人吗", "早上好", "下午好", "晚上好", "hi", "hello"}
)
THANKS = frozenset({"谢谢", "谢谢您", "谢谢你", "多谢", "好的谢谢", "辛苦了", "感谢"})
ATTACHMENTS: Mapping[str, str] = {
    "voice": "machine.voice",
    "image": "machine.image",
    "video": "machine.video",
    "location": "machine.location",
    "link": "machine.link",
    "unknown": "machine.unknown",
}


@dataclass(frozen=True)
class Turn:
    """The session after a turn, what is said, and which steps and outcomes were visited."""

    session: Session
    reply: Reply
    visited: tuple[str, ...] = ()


def turn(session: Session, said: Said, world: World, services: Mapping[str, Service]) -> Turn:
    """One turn. Always a reply, except to an event that wants none; `Unavailable` leaves the session where it was."""
    if said.kind in ("quiet", "unsubscribe"):
        return Turn(Session() if said.kind == "unsubscribe" else session, Reply())
    try:
        return _Conversation(session.copy(), said, world, services).run()
    except Unavailable:
        return Turn(session, Reply((say("machine.unavailable"),)), ("machine:Unavailable",))


class _Conversation:
    """One turn under way: a session that changes, and what is being said."""

    def __init__(self, session: Session, said: Said, world: World, services: Mapping[str, Service]) -> None:
        self.session = session
        self.said = said
        self.world = world
        self.services = services
        self.text: list[str] = []
        self.shown: tuple[Shown, ...] = ()
        self.after: list[str] = []
        self.visited: list[str] = []

    # -- the turn

    def run(self) -> Turn:
        now = int(self.world.clock.now().timestamp())
        idle = now - self.session.at if self.session.at else 0
        if not self.session.at:  # an option of a conversation that is forgotten must not fit this one's questions
            self.session.revision = max(self.session.revision, now)
        self.session.at = now
        self._forget_unknown_flow()
        self._dispatch(idle)
        assert self.text or self.shown, "a turn without a reply"
        return Turn(self.session, Reply(tuple(self.text), self.shown, tuple(self.after)), tuple(self.visited))

    def _dispatch(self, idle: int) -> None:
        kind = self.said.kind
        if kind == "subscribe":
            self._say("machine.welcome")
            self._start(HOME)
        elif kind == "scan":
            self._click(HOME)
        elif kind == "menu":
            self._click(self.said.key)
        elif kind == "tap" and self.said.option.startswith("go:"):
            self._click(self.said.option.removeprefix("go:"))
        elif idle > IDLE_SECONDS and self._would_lose_typing() and not self.session.aside:
            self._ask_aside("idle")
        elif kind == "tap":
            self._tap()
        elif kind in ATTACHMENTS and not self.said.typed:
            self._say(ATTACHMENTS[kind])
            self._show_again()
        else:
            self._words()

    def _forget_unknown_flow(self) -> None:
        """A session of an older release whose flow is gone or has changed starts again politely."""
        service = self.services.get(self.session.flow)
        _, _, there = self.session.aside.partition(":")
        if (there and there not in self.services) or not self._asked():
            self.session.aside = ""
        if not self.session.flow or (service and service.flow.shape == self.session.shape):
            return
        self._say("machine.changed")
        revision = self.session.revision
        self.session = Session(at=self.session.at, revision=revision + 1)
        self.said = Said("menu", key=service.key if service else HOME)

    # -- what was said

    def _tap(self) -> None:
        revision, _, which = self.said.option.partition(".")
        options = {str(index): option for index, option in enumerate(self.session.shown_options())}
        if revision != str(self.session.revision):
            self._stale()
        elif which in ("next", "before"):
            self._turn_page(1 if which == "next" else -1)
        elif which in options:
            self._chosen(options[which])
        else:
            self._stale()

    def _words(self) -> None:
        said = plain(self.said.text)
        options = self.session.shown_options()
        if (several := self._asked()) and several.several and is_several(self.said.text) and not self.session.aside:
            self._take(several, several.take(self.said, self.session.known, self.world))
        elif option := exactly(self.said.text, options):
            self._chosen(option)
        elif command := next((name for name, words in COMMANDS.items() if said in words), ""):
            self._command(command)
        elif service := self._service_named(said):
            self._click(service.key)
        elif option := partly(self.said.text, options):
            self._chosen(option)
        elif said in self.session.past:
            self._stale()
        elif self.session.aside:
            self._unclear_aside()
        elif said in GREETINGS or said in THANKS:
            self._say("machine.hello" if said in GREETINGS else "machine.thanks")
            self._show_again()
        elif step := self._asked():
            elsewhere = self._may_mean_another(step, said)
            service = self._service_meant(said) if elsewhere else None
            if service and not (service.key == HELP and step.final):
                self._begin(service)
            elif service:
                self._command("help")
            else:
                self._take(step, step.take(self.said, self.session.known, self.world))
        elif service := self._service_meant(said):
            self._begin(service)
        else:
            self._say("machine.unclear")
            self._start(HOME)

    def _may_mean_another(self, step: Step, said: str) -> bool:
        """Whether words that are no answer may name a service: where nothing was typed yet that could be lost."""
        if step.final:
            return not any(word in said for word in step.own_words)
        nothing_yet = step.typed and not self.session.trail and not any(sign.isdecimal() for sign in said)
        return self.session.flow == HOME or nothing_yet

    def _begin(self, service: Service) -> None:
        self._say(f"starting.{service.key}")
        self._start(service.key)

    def _chosen(self, option: Option) -> None:
        if option.go and isinstance(option.value, dict):
            self._go(Go(option.go, option.value))
            self._walk()
        elif option.go:
            self._click(option.go)
        elif self.session.aside:
            self._decide(option.act)
        elif option.url:
            self._show_again()
        elif (step := self._asked()) is None:
            self._start(HOME)
        elif option.act and option.act not in step.acts:  # of an older release
            self._show_again()
        elif option.act:
            self._take(step, getattr(step, f"on_{option.act}")(self.session.known, self.world))
        elif step.several:
            self._take(step, step.mark(option.value, self.session.known, self.world))
        else:
            self._take(step, Known(_values(step, option)))

    def _command(self, command: str) -> None:
        if command in ("next", "before"):
            self._turn_page(1 if command == "next" else -1)
        elif command == "home":
            self._click(HOME)
        elif command == "help":
            step = self._asked()
            if step is None or self.session.flow in (HOME, HELP):
                self._start(HELP)
            else:
                key = f"{step.name}.help"
                self._say(key if key in sentences() else "machine.help")
                self._show_again()
        elif command == "cancel":
            self._cancel()
        else:
            self._back()

    def _cancel(self) -> None:
        step = self._asked()
        if step is None or self.session.flow in (HOME, HELP):
            self._say("machine.nothing_to_cancel")
            self._start(HOME)
        elif self._stands(step):
            self._take(step, step.take(self.said, self.session.known, self.world))
        else:
            service = self.services[self.session.flow]
            self._end(End(say("machine.cancelled", service=service.label)))

    def _back(self) -> None:
        step = self._asked()
        if self.session.aside:
            self._decide("stay")
        elif step is None:
            self._start(HOME)
        elif not self.session.trail:
            self._say("machine.no_back")
            self._show_again()
        elif self._stands(step) and self._binds(self.session.trail[-1]):
            self._say(f"{step.name}.no_back")
            self._show_again()
        else:
            flow = self.services[self.session.flow].flow
            last = self.session.trail.pop()
            self._forget_from(flow, last)
            self._walk()

    def _click(self, key: str) -> None:
        """A service is asked for by the menu or by its name: nothing typed is thrown away without a question."""
        service = self.services.get(key)
        if service is None:
            self._say("machine.unclear")
            self._start(HOME)
        elif self._would_lose_typing():
            self._ask_aside(f"switch:{service.key}")
        else:
            self._start(service.key)

    # -- questions about the conversation itself

    def _ask_aside(self, aside: str) -> None:
        self.session.aside = aside
        here = self.services[self.session.flow].label
        kind, _, to = aside.partition(":")
        there = self.services[to].label if to else ""
        switch = kind == "switch" and to != self.session.flow
        if switch:
            self._say("machine.switch", here=here, there=there)
        else:
            self._say("machine.idle" if kind == "idle" else "machine.again", here=here)
        leave = say("machine.leave_switch", there=there) if switch else say("machine.restart")
        self._show(
            [
                Option(say("machine.stay"), act="stay", also=("继续办", "接着办", "是", "好")),
                Option(leave, act="leave", also=("重新开始", "重来", "换", "否")),
            ]
        )

    def _decide(self, act: str) -> None:
        _, _, to = self.session.aside.partition(":")
        self.session.aside = ""
        if act == "leave":
            self._start(to or self.session.flow)
        else:  # time has passed, perhaps much
            self._check_again()

    def _unclear_aside(self) -> None:
        self.session.wrong += 1
        self._say("machine.help" if self.session.wrong % STRIKES == 0 else "machine.unclear")
        self._show_again()

    def _would_lose_typing(self) -> bool:
        """Whether leaving would throw away something the citizen typed."""
        step = self._asked()
        if step is None or step.final:
            return False
        steps = {one.name: one for one in self.services[self.session.flow].flow.steps}
        return any(steps[name].typed for name in self.session.trail if name in steps)

    def _check_again(self) -> None:
        """After a pause what was known is asked of the world once more; what no longer holds is forgotten."""
        flow = self.services[self.session.flow].flow
        before, self.session.known = self.session.known, {}
        for step in flow.steps:
            if not step.gives or not all(name in before for name in step.gives):
                break
            mine = {name: before[name] for name in step.gives}
            answer = step.ask(self.session.known, self.world)
            if isinstance(answer, End | Go):
                self._take(step, answer)
                return
            if isinstance(answer, Ask):
                values = [_values(step, option) for option in answer.options if option.value is not None]
                if values and mine not in values:
                    break
            if isinstance(answer, Known) and dict(answer.values) != mine:
                break
            self.session.known |= mine
        self._keep_trail(flow)
        self._walk()

    # -- the walk

    def _start(self, key: str) -> None:
        service = self.services[key]
        self._leave()
        self.session.flow, self.session.shape = service.key, service.flow.shape
        self._walk()

    def _leave(self) -> None:
        kept = self.session
        self.session = Session(revision=kept.revision, stamp=kept.stamp, past=kept.past, at=kept.at)

    def _walk(self, *, again: bool = False) -> None:
        for _ in range(STEPS_AT_ONCE):
            flow = self.services[self.session.flow].flow
            step = next(
                one for one in flow.steps if not one.gives or any(g not in self.session.known for g in one.gives)
            )
            answer = step.ask(self.session.known, self.world)
            self._visit(step, answer)
            if not self._follow(step, answer, again=again):
                return
        raise RuntimeError(f"{self.session.flow} goes round in a circle")

    def _follow(self, step: Step, answer: Answer, *, again: bool) -> bool:
        """Do what a step answered; True where the walk goes on."""
        if isinstance(answer, Known):
            self._learn(step, answer)
            return True
        if isinstance(answer, Go):
            self._go(answer)
            return True
        if isinstance(answer, End):
            self._end(answer)
        elif isinstance(answer, Ask):
            self._ask(step, answer, again=again)
        else:
            raise TypeError(f"{step.name} asked with {type(answer).__name__}")
        return False

    def _take(self, step: Step, answer: Answer) -> None:
        """Do what a step made of the citizen's words."""
        self._visit(step, answer)
        if isinstance(answer, Wrong):
            self._wrong(step, answer)
            return
        if isinstance(answer, Known):
            self.session.trail = [name for name in self.session.trail if name != step.name] + [step.name]
        if self._follow(step, answer, again=False):
            self._walk()

    def _learn(self, step: Step, answer: Known) -> None:
        missing = set(step.gives) ^ set(answer.values)
        assert not missing, f"{step.name} gives {step.gives}, not {sorted(answer.values)}"
        self.session.known |= dict(answer.values)
        if answer.text:
            self.text.append(answer.text)

    def _go(self, answer: Go) -> None:
        if answer.text:
            self.text.append(answer.text)
        if answer.service:
            self._leave()
            service = self.services[answer.service]
            self.session.flow, self.session.shape = service.key, service.flow.shape
        self.session.known = dict(answer.known)
        self._keep_trail(self.services[self.session.flow].flow)

    def _end(self, answer: End) -> None:
        self.text.append(answer.text)
        self._leave()
        self._show(answer.options)

    def _ask(self, step: Step, answer: Ask, *, again: bool) -> None:
        same = self.session.asked == step.name
        self.text.append(answer.again if again and answer.again else answer.text)
        if not same:
            self.session.page = self.session.wrong = 0
        self.session.asked = step.name
        self._show(answer.options)
        if answer.after and not again:
            self.after.append(answer.after)

    def _wrong(self, step: Step, answer: Wrong) -> None:
        self.session.wrong += 1
        self.text.append(answer.text)
        if self.session.wrong % STRIKES == 0:
            self._say(f"{step.name}.stuck")
        if answer.options:
            self._show(answer.options)
        elif self.session.options:
            self._show_again()

    def _stale(self) -> None:
        step = self._asked()
        if step is None:
            self._say("machine.stale_over")
            self._start(HOME)
            return
        key = f"{step.name}.stale"
        self._say(key if key in sentences() else "machine.stale")
        self._show_again()

    # -- what is shown

    def _show_again(self) -> None:
        """The present question once more."""
        if self.session.aside:
            self._ask_aside(self.session.aside)
        elif self._asked() is None:
            if not self.text:
                self._say("machine.unclear")
            self._start(HOME)
        else:
            self._walk(again=True)

    def _turn_page(self, by: int) -> None:
        if self.session.aside or self._asked() is None:
            self._show_again()
            return
        self.session.page = max(0, self.session.page + by)
        self._walk(again=True)

    def _show(self, options: Sequence[Option]) -> None:
        stored = stored_options(options)
        stamp = _stamp(self.session, stored)
        if stamp != self.session.stamp:
            labels = [plain(str(one["label"])) for one in self.session.options if one.get("act")]
            self.session.past = [*(one for one in self.session.past if one not in labels), *labels][-PAST_LABELS:]
            self.session.revision += 1
            self.session.stamp = stamp
        self.session.options = stored
        last = max(0, len(pages(options)) - 1)
        self.session.page = min(self.session.page, last)
        self.shown = show(
            options, self.session.page, self.session.revision, say("machine.next_page"), say("machine.page_before")
        )

    def _say(self, key: str, /, **values: object) -> None:
        self.text.append(say(key, **values))

    # -- small questions

    def _asked(self) -> Step | None:
        """The step whose question is shown; none where a release left it without what it needs."""
        service = self.services.get(self.session.flow)
        step = next((one for one in service.flow.steps if one.name == self.session.asked), None) if service else None
        return step if step and all(need in self.session.known for need in step.needs) else None

    def _stands(self, step: Step) -> bool:
        """Whether something stands that is given up only by the step's own option: an order that may still be paid."""
        return step.final and any(option.act == "cancel" for option in self.session.shown_options())

    def _binds(self, name: str) -> bool:
        """Whether the step of this name gave an answer that cannot be taken back."""
        return any(step.binding for step in self.services[self.session.flow].flow.steps if step.name == name)

    def _service_named(self, said: str) -> Service | None:
        return next((one for one in self.services.values() if plain(one.label) == said), None)

    def _service_meant(self, said: str) -> Service | None:
        """The service that the words speak of: the one more of whose words occur."""
        found = [
            (sum(map(len, words)), one)
            for one in self.services.values()
            for words in one.words
            if all(word in said for word in words)
        ]
        return max(found, key=lambda one: one[0], default=(0, None))[1]

    def _forget_from(self, flow: Flow, name: str) -> None:
        names = [step.name for step in flow.steps]
        for step in flow.steps[names.index(name) :]:
            for given in step.gives:
                self.session.known.pop(given, None)
        self._keep_trail(flow)

    def _keep_trail(self, flow: Flow) -> None:
        steps = {step.name: step for step in flow.steps}
        self.session.trail = [
            name
            for name in self.session.trail
            if name in steps and all(given in self.session.known for given in steps[name].gives)
        ]

    def _visit(self, step: Step, answer: Answer) -> None:
        self.visited.append(f"{step.name}:{type(answer).__name__}")


def _values(step: Step, option: Option) -> dict[str, Json]:
    """What choosing an option makes known: its value, or one value for each name the step gives."""
    return dict(option.value) if isinstance(option.value, dict) else {step.gives[0]: option.value}


def _stamp(session: Session, options: list[dict[str, Json]]) -> str:
    content = json.dumps([session.flow, session.asked, session.aside, session.known, options], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:8]
