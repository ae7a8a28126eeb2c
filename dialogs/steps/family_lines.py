"""The lines of a family order: what is owed for each, to be taken out, put in again and changed."""

from __future__ import annotations

from collections.abc import Sequence

from dialogs.choices import numbers_of
from dialogs.said import Said
from dialogs.step import Answer, Ask, End, Go, Json, Knowledge, Known, Option, Step, Wrong
from dialogs.steps.family_bill import Item, bill, can_declare, table, total
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import MOST_AMOUNT, MOST_LINES, World

CHECK_WORDS = ("核对", "选好了", "好了", "就这些", "确认", "确定", "对", "是", "好", "好的", "缴费")
ALL_WORDS = ("全部", "都要", "全选", "所有", "都缴")
PENSION_WORDS = ("加养老", "加养老保险", "养老保险", "养老", "改档次", "换档次", "缴养老")
PLACE_WORDS = ("改地方", "换参保机构", "换地方")


class FamilyLines(Step):
    """缴哪几项. What was taken out is known as `out`; the lines are taken with their amounts."""

    name = "family_lines"
    needs = ("members", "changing", "places", "tiers")
    gives = ("lines",)
    acts = ("check", "all", "pension", "place")
    typed = True
    offers = True
    several = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        items = bill(known, world).items
        chosen = _chosen(known, items)
        declaring = bool(can_declare(known, world))
        if not items and not declaring and not table(known["places"]):
            return End(say("family_lines.nothing"), [Option(say("family_lines.again"), go="pay.family")])
        options = [_option(one, marked=one in chosen) for one in items]
        if chosen:
            label = say("family_lines.check", count=len(chosen), amount=yuan(total(chosen)))
            options.append(Option(label, act="check", numbered=False, also=CHECK_WORDS))
        if len(chosen) < len(items):
            options.append(Option(say("family_lines.all"), act="all", numbered=False, also=ALL_WORDS))
        if declaring:
            options.append(Option(say("family_lines.pension"), act="pension", numbered=False, also=PENSION_WORDS))
        if table(known["places"]):
            options.append(Option(say("family_lines.place"), act="place", numbered=False, also=PLACE_WORDS))
        if not items:
            return Ask(say("family_lines.no_lines"), options)
        key = "family_lines.ask" if chosen else "family_lines.ask_none"
        return Ask(say(key, count=len(chosen), amount=yuan(total(chosen))), options)

    def mark(self, value: Json, known: Knowledge, world: World) -> Answer:
        """Take a line out, or put it in again."""
        items = bill(known, world).items
        chosen = _chosen(known, items)
        return _without(known, [one.id for one in items if (one in chosen) == (one.id == value)])

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """Several numbers: exactly these are paid."""
        items = bill(known, world).items
        numbers = numbers_of(said.text, len(items))
        if not numbers:
            return Wrong(say("family_lines.wrong"))
        return _without(known, [one.id for number, one in enumerate(items, 1) if number not in numbers])

    def on_check(self, known: Knowledge, world: World) -> Answer:
        """To be looked over, with the amounts that were shown."""
        chosen = _chosen(known, bill(known, world).items)
        if len(chosen) > MOST_LINES:
            return Wrong(say("family_lines.too_many", most=MOST_LINES, count=len(chosen)))
        if total(chosen) > MOST_AMOUNT:
            return Wrong(say("family_lines.too_much", most=yuan(MOST_AMOUNT)))
        return Known({"lines": shown(chosen)})

    def on_all(self, known: Knowledge, world: World) -> Answer:
        """Every line."""
        return _without(known, [])

    def on_pension(self, known: Knowledge, world: World) -> Answer:
        """Add somebody's pension, or change its tier."""
        return Go("", {**_forgetting(known, "changing", "places", "tiers"), "kept": known["tiers"]})

    def on_place(self, known: Knowledge, world: World) -> Answer:
        """Choose the institutions again."""
        return Go("", {**_forgetting(known, "placed", "places", "tiers"), "changing": "", "kept": known["tiers"]})


def shown(items: Sequence[Item]) -> dict[str, Json]:
    """What was shown of these lines, and has to be told anew where it is not so any more: how much, and where to."""
    return {one.id: [one.payable.amount, one.payable.institution_code] for one in items}


def described(one: Item) -> str:
    """母亲 李*二 2027 年医疗保险 400元."""
    owed = one.payable
    return say(
        "family_lines.label",
        who=one.who,
        year=owed.cover_year,
        insurance=say(f"insurance.{owed.insurance}_short"),
        amount=yuan(owed.amount),
    )


def _chosen(known: Knowledge, items: Sequence[Item]) -> list[Item]:
    out = known.get("out")
    return [one for one in items if not (isinstance(out, list) and one.id in out)]


def _without(known: Knowledge, out: list[Json]) -> Go:
    return Go("", {**known, "out": out})


def _forgetting(known: Knowledge, *names: str) -> dict[str, Json]:
    return {name: value for name, value in known.items() if name not in names}


def _option(one: Item, *, marked: bool) -> Option:
    text = described(one)
    return Option(say("family_lines.marked" if marked else "family_lines.unmarked", what=text), value=one.id)
