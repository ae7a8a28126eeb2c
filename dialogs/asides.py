"""Questions about the conversation itself: before typed answers are thrown away, and after a long pause."""

from __future__ import annotations

from dialogs.step import Ask, End, Go, Known, Option
from dialogs.texts import say
from dialogs.walk import HOME, STRIKES, Walk, values_of


class Asides(Walk):
    """A walk that can be interrupted: 继续, or leave what was begun."""

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
        steps = self.services[self.session.flow].flow.named
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
                values = [values_of(step, option) for option in answer.options if option.value is not None]
                offered = any(all(before.get(name) == value[name] for name in value) for value in values)
                if values and not offered and not step.typed:  # what is typed is none of the options
                    break
            if isinstance(answer, Known) and dict(answer.values) != mine:
                break
            if not step.holds(before, self.world):
                break
            self.session.known |= mine | {name: before[name] for name in step.may_give if name in before}
        self._keep_trail(flow)
        self._walk()

    def _show_again(self) -> None:
        """The present question once more."""
        if self.session.aside:
            self._ask_aside(self.session.aside)
        else:
            super()._show_again()

    def _turn_page(self, by: int) -> None:
        if self.session.aside:
            self._show_again()
        else:
            super()._turn_page(by)
