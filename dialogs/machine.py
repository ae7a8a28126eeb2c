"""The machine: one turn of a conversation, from what was said to the reply. No side effect of its own.

Everything that holds for every step at once is here, in `walk.py` and in `asides.py`: 返回, 取消, 帮助, 首页, paging,
stale taps, three wrong answers, the question before typed answers are thrown away, and the one after a long pause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dialogs.asides import Asides
from dialogs.choices import exactly, is_several, partly, plain, plain_label
from dialogs.said import Reply, Said
from dialogs.session import Session
from dialogs.step import End, Go, Known, Option, Service, Step, Wrong
from dialogs.steps.consent import withdraw_consent
from dialogs.terms.emoticons import without_emoticons
from dialogs.texts import say, sentences
from dialogs.vocabulary import ATTACHMENTS, GREETINGS, THANKS, command_of
from dialogs.walk import HOME, values_of
from dialogs.world import Unavailable, World

IDLE_SECONDS = 30 * 60
HELP = "help"


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
        if said.kind == "withdraw":
            withdraw_consent(world)
            return Turn(Session(), Reply())
        return _Conversation(session.copy(), said, world, services).run()
    except Unavailable:
        return Turn(session, Reply((say("machine.unavailable"),)), ("machine:Unavailable",))


class _Conversation(Asides):
    """What a citizen said, understood: a tap, a command, a service, an answer."""

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
        scanned = self._scanned() if kind in ("subscribe", "scan") else None
        if kind == "subscribe":
            self._say("machine.welcome")
        if scanned:
            self._answer_at_once(scanned, self.said.key.removeprefix(scanned.scene), idle)
        elif kind == "subscribe":
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
            self._say(self._cannot_read(kind))
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

    def _cannot_read(self, kind: str) -> str:
        """The text that says so; a photo where a number is asked for is most likely one of the ID card."""
        step = None if self.session.aside else self._asked()
        return "document.photo" if kind == "image" and step and step.asks_for_number else ATTACHMENTS[kind]

    def _scanned(self) -> Service | None:
        """The service whose first question is answered by the account's code that was scanned."""
        return next((one for one in self.services.values() if one.scene and self.said.key.startswith(one.scene)), None)

    def _pasted(self) -> Service | None:
        """Another service than the one under way whose first question is answered by these words, and no other is."""
        found = (one for one in self.services.values() if one.recognises and one.recognises(self.said.text))
        return next((one for one in found if one.key != self.session.flow), None)

    def _answer_at_once(self, service: Service, words: str, idle: int = 0) -> None:
        """Say at once what it comes to; a conversation about something else goes on below it."""
        step = service.flow.steps[0]
        answer = step.take(Said("text", words), {}, self.world)
        self._visit(step, answer)
        if self._asked() is None or self.session.flow in (HOME, HELP, service.key):
            self._leave()
            self.session.flow, self.session.shape = service.key, service.flow.shape
            if isinstance(answer, Wrong):
                self.text.append(answer.text)
                self._walk()
            elif self._follow(step, answer, again=False):
                self._walk()
            return
        if isinstance(answer, End | Wrong):
            self.text.append(answer.text)
        if idle > IDLE_SECONDS and self._would_lose_typing() and not self.session.aside:
            self._ask_aside("idle")
        else:
            self._show_again()

    def _tap(self) -> None:
        revision, _, which = self.said.option.partition(".")
        options = {str(index): option for index, option in enumerate(self.session.options)}
        if revision != str(self.session.revision):
            self._stale()
        elif which in ("next", "before"):
            self._turn_page(1 if which == "next" else -1)
        elif which in options:
            self._chosen(options[which])
        else:
            self._stale()

    def _words(self) -> None:
        self.said = replace(self.said, text=without_emoticons(self.said.text))
        said = plain(self.said.text)
        options = self.session.options
        if (several := self._asked()) and several.several and is_several(self.said.text) and not self.session.aside:
            self._take(several, several.take(self.said, self.session.known, self.world))
        elif option := exactly(self.said.text, options):
            self._chosen(option)
        elif command := command_of(said):
            self._command(command)
        elif pasted := self._pasted():
            self._answer_at_once(pasted, self.said.text)
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
        elif step.holds(values := values_of(step, option), self.world):
            self._take(step, Known(values))
        else:
            self._stale()

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

    def _stale(self) -> None:
        step = self._asked()
        if step is None:
            self._say("machine.stale_over")
            self._start(HOME)
            return
        key = f"{step.name}.stale"
        self._say(key if key in sentences() else "machine.stale")
        self._show_again()

    # -- small questions

    def _stands(self, step: Step) -> bool:
        """Whether something stands that is given up only by the step's own option: an order that may still be paid."""
        return step.final and any(option.act == "cancel" for option in self.session.options)

    def _binds(self, name: str) -> bool:
        """Whether the step of this name gave an answer that cannot be taken back."""
        step = self.services[self.session.flow].flow.named.get(name)
        return step is not None and step.binding

    def _service_named(self, said: str) -> Service | None:
        return next((one for one in self.services.values() if plain_label(one.label) == said), None)

    def _service_meant(self, said: str) -> Service | None:
        """The service that the words speak of: the one more of whose words occur."""
        found = [
            (sum(map(len, words)), one)
            for one in self.services.values()
            for words in one.words
            if all(word in said for word in words)
        ]
        return max(found, key=lambda one: one[0], default=(0, None))[1]
