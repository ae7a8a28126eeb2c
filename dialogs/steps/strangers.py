"""What may be asked and told of somebody whom the citizen has not proved to know.

Known people are those this openid paid for, has as a contact, or named rightly within thirty days: no limit applies.
Details (past payments, reasons) need more: an own payment, or number, name and code within the last half hour. A
contact alone is not enough for them, because number and name are enough to add one.
"""

from __future__ import annotations

from datetime import datetime

from dialogs.step import End, Json, Knowledge, Option
from dialogs.texts import say
from dialogs.world import PersonLimit, World


def may_hear_details(world: World, insured: str) -> bool:
    """Whether past payments and reasons may be told to this citizen."""
    return world.captchas.acquainted(world.payer, insured)


def is_known(world: World, insured: str) -> bool:
    """Whether no limit applies to this citizen's asking about this insured."""
    return (
        world.limits.has_met(world.payer, insured)
        or any(one.insured == insured for one in world.contacts.list(world.payer))
        or may_hear_details(world, insured)
    )


def limit_reached(world: World, insured: str) -> End | None:
    """The kind end at a limit, the same words whether the number exists or not; None where one may go on."""
    if is_known(world, insured):
        return None
    found = world.limits.reached(world.payer, insured)
    return _told(found, world) if found else None


def count_miss(world: World, insured: str) -> End | None:
    """Count a number or name that does not fit, unless the insured is known; the end where that reaches a limit."""
    if is_known(world, insured):
        return None
    world.limits.missed(world.payer, insured)
    return limit_reached(world, insured)


def count_met(world: World, insured: str) -> None:
    """Count a new person, whose number and name fit; people this citizen knows already use up no limit."""
    if not is_known(world, insured):
        world.limits.met(world.payer, insured)


def needs_code_first(world: World, insured: str) -> bool:
    """Whether a code comes before the name is compared: many names were tried, and this citizen is not known."""
    return world.limits.wants_code(insured) and not is_known(world, insured)


def details_option(known: Knowledge, service: str, insurance: str) -> Option:
    """看详情: the look-up that tells the rest after a code; what is known is not asked again."""
    person: dict[str, Json] = {name: known[name] for name in ("insured", "number", "name") if name in known}
    person |= {"fits": True}
    if service == "query.payments":
        person |= {"insurance": insurance}
    return Option(say("strangers.details"), value=person, go=service)


def _told(limit: PersonLimit, world: World) -> End:
    now = world.clock.now()
    until = datetime.fromtimestamp(limit.until + 59, now.tzinfo)  # in whole minutes, and not too early
    if limit.of_one and (minutes := -(-int(limit.until - now.timestamp()) // 60)) < 60:
        return End(say("insured.wait", minutes=max(1, minutes)))
    if until.date() == now.date():
        when = say("strangers.today", hour=until.hour, minute=f"{until.minute:02}")
    elif (until.date() - now.date()).days == 1:
        when = say("strangers.tomorrow", hour=until.hour, minute=f"{until.minute:02}")
    else:
        when = say("strangers.later", month=until.month, day=until.day)
    return End(say("strangers.one" if limit.of_one else "strangers.many", when=when))
