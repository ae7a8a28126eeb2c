"""同意 before the first ID number: what it is used for, kept with version and time; and 撤回同意.

A look-up asks with a question of its own (`Consent`). Where a payment begins, the notice stands above the question for
the number (`document.py`), and sending the number agrees.
"""

from __future__ import annotations

from dialogs.step import Answer, Ask, End, Go, Knowledge, Known, Option, Step
from dialogs.texts import say
from dialogs.world import World

VERSION = "2026-11"  # of `consent.notice`; another wording that means more is asked for anew
NO_WORDS = ("不同意", "不", "否", "不要", "不行")
YES_WORDS = ("是", "好", "好的", "可以", "行")


def agreed(world: World) -> bool:
    """Whether this citizen agreed to the notice as it is now, and did not withdraw."""
    return world.consents.given(world.payer, VERSION)


def agree(world: World) -> None:
    """Keep that they did, by an act of theirs after the notice was shown; again is the same."""
    world.consents.give(world.payer, VERSION)


def refused() -> End:
    """Nothing is asked and nothing is kept."""
    return End(say("consent.refused"), [Option(say("help.services"), go="home", numbered=False)])


class Consent(Step):
    """同意 / 不同意; asked once for each version."""

    name = "consent"
    gives = ("consent",)
    acts = ("agree", "refuse")
    offers = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        if agreed(world):
            return Known({"consent": VERSION})
        yes = Option(say("consent.agree"), act="agree", also=YES_WORDS)
        no = Option(say("consent.refuse"), act="refuse", also=NO_WORDS)
        return Ask(say("consent.ask", notice=say("consent.notice")), [yes, no])

    def on_agree(self, known: Knowledge, world: World) -> Answer:
        """Kept by the world; it is no answer of this conversation that 返回 could take back."""
        agree(world)
        return Go("", known, say("consent.given"))

    def on_refuse(self, known: Knowledge, world: World) -> Answer:
        """It ends here."""
        return refused()


def withdraw_consent(world: World) -> None:
    """Take the consent back; contacts and what was confirmed go with it. Orders and payments are the bureau's books."""
    world.contacts.forget(world.payer)
    world.captchas.forget(world.payer)
    world.consents.withdraw(world.payer)


class ConsentWithdrawal(Step):
    """撤回同意: what follows from it, and only then."""

    name = "consent_withdrawal"
    acts = ("withdraw", "keep")
    offers = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        if not agreed(world) and not world.contacts.list(world.payer):
            return End(say("consent_withdrawal.none"))
        withdraw = Option(say("consent_withdrawal.withdraw"), act="withdraw", also=("撤回", *YES_WORDS))
        keep = Option(say("consent_withdrawal.keep"), act="keep", also=NO_WORDS)
        return Ask(say("consent_withdrawal.ask"), [withdraw, keep])

    def on_withdraw(self, known: Knowledge, world: World) -> Answer:
        """Contacts and what was confirmed go with it."""
        withdraw_consent(world)
        return End(say("consent_withdrawal.done"))

    def on_keep(self, known: Knowledge, world: World) -> Answer:
        """Everything stays."""
        return End(say("consent_withdrawal.kept"))
