"""The services themselves: what can be done here (首页), and how (帮助)."""

from __future__ import annotations

from collections.abc import Sequence

from dialogs.step import Answer, Ask, End, Knowledge, Option, Step
from dialogs.texts import say
from dialogs.world import World


class Services(Step):
    """全部服务: every service as an option."""

    name = "services"
    offers = True

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)

    def ask(self, known: Knowledge, world: World) -> Answer:
        return Ask(say("services.ask"), [Option(say(f"service.{key}"), go=key) for key in self.keys])


class Help(Step):
    """帮助: whom to call, what to say."""

    name = "help"

    def ask(self, known: Knowledge, world: World) -> Answer:
        return End(say("help.ask"), [Option(say("help.services"), go="home", numbered=False)])
