"""The walk: the first step whose answer is not known is asked, so the place in a flow is derived from what is known.

There is no step number to break when a release adds a question: what a step gives is stored, and one walks on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from dialogs.choices import pages, plain_label, show
from dialogs.said import Said, Shown
from dialogs.session import Session
from dialogs.step import Answer, Ask, End, Flow, Go, Json, Known, Option, Service, Step, Wrong
from dialogs.texts import say
from dialogs.world import World

STRIKES = 3
STEPS_AT_ONCE = 60  # more than any flow has; a flow that hands over in a circle is an error, not a hang
PAST_LABELS = 40
HOME = "home"


class Walk:
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

    # -- from question to question

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
            step = self._first_unknown()
            answer = step.ask(self.session.known, self.world)
            self._visit(step, answer)
            if not self._follow(step, answer, again=again):
                return
        raise RuntimeError(f"{self.session.flow} goes round in a circle")

    def _first_unknown(self) -> Step:
        """The first step of the flow whose answer is not known; the last one gives none."""
        known = self.session.known
        for step in self.services[self.session.flow].flow.steps:
            if not step.gives:
                return step
            for name in step.gives:
                if name not in known:
                    return step
        raise RuntimeError(f"{self.session.flow} has no end")

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
        missing = set(step.gives) ^ (set(answer.values) - set(step.may_give))
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

    # -- what is shown

    def _show_again(self) -> None:
        """The present question once more."""
        if self._asked() is None:
            if not self.text:
                self._say("machine.unclear")
            self._start(HOME)
        else:
            self._walk(again=True)

    def _turn_page(self, by: int) -> None:
        if self._asked() is None:
            self._show_again()
            return
        self.session.page = max(0, self.session.page + by)
        self._walk(again=True)

    def _show(self, options: Sequence[Option]) -> None:
        stamp = _stamp(self.session, options)
        if stamp != self.session.stamp:
            labels = [plain_label(one.label) for one in self.session.options if one.act]
            self.session.past = [*(one for one in self.session.past if one not in labels), *labels][-PAST_LABELS:]
            self.session.revision += 1
            self.session.stamp = stamp
        self.session.options = list(options)
        sheets = pages(options)
        self.session.page = min(self.session.page, len(sheets) - 1)
        turning = say("machine.next_page"), say("machine.page_before")
        self.shown = show(options, sheets, self.session.page, self.session.revision, *turning)

    def _say(self, key: str, /, **values: object) -> None:
        self.text.append(say(key, **values))

    # -- small questions

    def _asked(self) -> Step | None:
        """The step whose question is shown; none where a release left it without what it needs."""
        service = self.services.get(self.session.flow)
        step = service.flow.named.get(self.session.asked) if service else None
        if step is None:
            return None
        for need in step.needs:
            if need not in self.session.known:
                return None
        return step

    def _forget_from(self, flow: Flow, name: str) -> None:
        names = [step.name for step in flow.steps]
        for step in flow.steps[names.index(name) if name in names else len(names) :]:
            for given in (*step.gives, *step.may_give):
                self.session.known.pop(given, None)
        self._keep_trail(flow)

    def _keep_trail(self, flow: Flow) -> None:
        self.session.trail = [
            name
            for name in self.session.trail
            if name in flow.named and all(given in self.session.known for given in flow.named[name].gives)
        ]

    def _visit(self, step: Step, answer: Answer) -> None:
        self.visited.append(f"{step.name}:{type(answer).__name__}")


def values_of(step: Step, option: Option) -> dict[str, Json]:
    """What choosing an option makes known: its value, or one value for each name the step gives."""
    return dict(option.value) if isinstance(option.value, dict) else {step.gives[0]: option.value}


def _stamp(session: Session, options: Sequence[Option]) -> str:
    content = msgspec.json.encode([session.flow, session.asked, session.aside, sorted(session.known.items()), options])
    return hashlib.blake2b(content, digest_size=4).hexdigest()
