"""The last look before a family order. Everything is computed anew; what became impossible is told by name and reason.

Only 确认缴费 opens the order, for exactly the lines and amounts that were shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dialogs.said import Said
from dialogs.step import Answer, Ask, End, Go, Json, Knowledge, Known, Option, Step, Wrong
from dialogs.steps.family_bill import Bill, Item, Left, bill, table, total
from dialogs.steps.family_lines import described, shown
from dialogs.steps.owed import clock_time, order_refused, shorter
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import World

SHEET_BYTES = 900  # of lines shown at once, so that the question with its options is one message
PAY_WORDS = ("确认", "确定", "是", "好", "好的", "对", "对的", "可以")
CHANGE_WORDS = ("改", "改一下", "不对", "有错", "去掉", "修改")
SERVICE = "pay.family"


class FamilyConfirm(Step):
    """请核对: every line with its institution, and the sum."""

    name = "family_confirm"
    needs = ("members", "changing", "places", "tiers", "lines")
    gives = ("order",)
    acts = ("pay", "more", "change")
    offers = True
    binding = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        found = bill(known, world)
        if changed := _changed(known, found):
            return changed
        items = _shown(known, found)
        sheets = _sheets(items)
        sheet = min(_sheet(known), len(sheets) - 1)
        text = "\n".join([say("family_confirm.ask", count=len(items), amount=yuan(total(items))), *sheets[sheet]])
        if sheet + 1 < len(sheets):
            first = Option(say("family_confirm.more"), act="more", also=("后面", "往后", "下一页", "继续看"))
        else:
            first = Option(say("confirm.pay"), act="pay", also=PAY_WORDS)
        return Ask(text, [first, Option(say("family_confirm.change"), act="change", also=CHANGE_WORDS)])

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """Words that are none of the options."""
        last = _sheet(known) + 1 >= len(_sheets(_shown(known, bill(known, world))))
        return Wrong(say("family_confirm.wrong" if last else "family_confirm.wrong_more"))

    def on_pay(self, known: Knowledge, world: World) -> Answer:
        """Open the order, of what is owed now: all lines that were shown, or none."""
        found = bill(known, world)
        if changed := _changed(known, found):
            return changed
        opening = world.cashier.open(world.payer, SERVICE, [one.payable for one in _shown(known, found)])
        if opening.order:
            return Known({"order": opening.order.no}, shorter(opening))
        if refused := order_refused(opening):
            return refused
        return _changed(known, bill(known, world)) or End(say("family_confirm.gone"))  # somebody was quicker, or late

    def on_more(self, known: Knowledge, world: World) -> Answer:
        """The lines that come after."""
        return Go("", {**known, "sheet": _sheet(known) + 1})

    def on_change(self, known: Knowledge, world: World) -> Answer:
        """Back to the lines."""
        return Go("", {name: value for name, value in known.items() if name not in ("lines", "sheet")})


def _sheet(known: Knowledge) -> int:
    sheet = known.get("sheet", 0)
    return sheet if isinstance(sheet, int) else 0


def _shown(known: Knowledge, found: Bill) -> list[Item]:
    return [one for one in found.items if one.id in table(known["lines"])]


def _changed(known: Knowledge, found: Bill) -> Answer | None:
    """What is not as it was shown, told before anything is paid; the rest is looked over again."""
    lines = table(known["lines"])
    now = {one.id: one for one in found.items if one.id in lines}
    left = {one.id: one for one in found.left if one.id in lines}
    told = [*_told(lines, now, left)]
    if not told and now:
        return None
    mine = next((one.obstacle.held for one in left.values() if one.obstacle and one.obstacle.held), None)
    if not now and mine and mine.mine:  # the order is there already: 确认缴费 was heard twice
        return Go("my.orders", {"order": mine.order_no}, say("owed.mine"))
    if not now:
        again = Option(say("family_lines.again"), go="pay.family")
        return End("\n".join([*told, say("family_confirm.none_left")]), [again])
    known_now: dict[str, Json] = {name: value for name, value in known.items() if name != "sheet"}
    known_now["lines"] = shown(list(now.values()))
    rest = say("family_confirm.again" if len(now) == len(lines) else "family_confirm.rest")
    return Go("", known_now, "\n".join([*told, rest]))


def _told(lines: Mapping[str, Json], now: Mapping[str, Item], left: Mapping[str, Left]) -> Iterator[str]:
    for line, before in lines.items():
        amount, place = before if isinstance(before, list) else (before, "")
        if line in now and now[line].payable.amount != amount:
            yield say("family_confirm.amount", what=described(now[line]))
        elif line in now and now[line].payable.institution_code != place:
            institution = now[line].payable.institution_name
            yield say("family_confirm.moved", what=described(now[line]), institution=institution)
        elif line in left:
            yield _why(left[line])
        elif line not in now:
            yield say("family_confirm.line_gone")


def _why(one: Left) -> str:
    """By name and reason."""
    short = say(f"insurance.{one.insurance}_short")
    if one.obstacle and one.obstacle.payment:
        return say("family_confirm.line_paid", who=one.who, year=one.obstacle.year, insurance=short)
    if one.obstacle and one.obstacle.held:
        time = clock_time(one.obstacle.held.opened_at)
        return say("family_confirm.line_other", who=one.who, year=one.obstacle.year, insurance=short, time=time)
    return say("family_confirm.line_closed", who=one.who, insurance=short)


def _sheets(items: Sequence[Item]) -> list[list[str]]:
    """The lines under their institutions, in sheets of so many bytes; an institution is named again on each."""
    sheets: list[list[str]] = [[]]
    size = 0
    for where in dict.fromkeys(one.payable.institution_name for one in items):
        heading = say("family_confirm.place", institution=where)
        named = False
        for one in (one for one in items if one.payable.institution_name == where):
            line = say("family_confirm.line", what=described(one))
            cost = len(line.encode()) + (0 if named else len(heading.encode()))
            if sheets[-1] and size + cost > SHEET_BYTES:
                sheets.append([])
                size, named = 0, False
            if not named:
                sheets[-1].append(heading)
                size += len(heading.encode())
                named = True
            sheets[-1].append(line)
            size += len(line.encode())
    return sheets
