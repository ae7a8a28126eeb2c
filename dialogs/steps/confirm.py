"""The last look before an order: who, what, which year, where to, how much. Only 确认缴费 opens an order."""

from __future__ import annotations

from dialogs.choices import plain
from dialogs.said import Said
from dialogs.step import Answer, Ask, End, Go, Json, Knowledge, Known, Option, Step, Wrong
from dialogs.steps.owed import already_paid, being_paid, order_refused, payable, shorter
from dialogs.terms.insurance import Insurance, Payable, PayKind
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import World

OF_THE_INSURED = ("insured", "number", "name")
ANSWERS = ("insured", "institution", "tier", "standard", "assessment")
SHOWN = "shown"  # known besides the answers: what the question on the screen said
AMOUNT_WORDS = ("改成", "元", "块", "金额", "少", "多", "便宜")


class Confirm(Step):
    """请核对. Everything on it can be changed from here but the amount, which follows from the rest."""

    name = "confirm"
    needs = ("insured", "number", "name")
    gives = ("order",)
    may_give = (SHOWN,)
    acts = ("pay", "tier", "institution", "assessment", "insured")
    binding = True

    def __init__(self, insurance: Insurance, service: str) -> None:
        self.insurance = insurance
        self.service = service

    def ask(self, known: Knowledge, world: World) -> Answer:
        owed = payable(known, world, self.insurance)
        if owed is None:
            return End(say("confirm.gone"))
        if known.get(SHOWN) != _shown(known, owed):
            return Go("", {**known, SHOWN: _shown(known, owed)}, _change(known, owed))
        options = [
            Option(say("confirm.pay"), act="pay", also=("确认", "确定", "是", "好", "好的", "对", "对的", "可以"))
        ]
        if _several(known, "tiers"):
            options.append(Option(say("confirm.tier"), act="tier", also=("换档次", "改金额")))
        if _several(known, "institutions"):
            options.append(Option(say("confirm.institution"), act="institution", also=("换参保机构", "改地方")))
        if _several(known, "assessments"):
            options.append(Option(say("confirm.assessment"), act="assessment"))
        also = ("改证件号", "改身份证号", "改参保人", "换人", "证件号不对", "人不对")
        options.append(Option(say("confirm.insured"), act="insured", also=also))
        return Ask(_summary(known, owed), options)

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        words = plain(said.text)
        if "名" in words and any(word in words for word in ("改", "换", "错", "不对")):
            return Go("", _without(known, "name"))
        if any(word in words for word in AMOUNT_WORDS) or any(sign.isdecimal() for sign in words):
            if _several(known, "tiers"):
                return Wrong(say("confirm.amount_by_tier"))
            return Wrong(say("confirm.amount_assessed" if "assessment" in known else "confirm.amount"))
        return Wrong(say("confirm.wrong"))

    def on_pay(self, known: Knowledge, world: World) -> Answer:
        """Open the order for exactly what was shown; what has changed since is shown again first."""
        owed = payable(known, world, self.insurance)
        if owed is None:
            return End(say("confirm.gone"))
        if known.get(SHOWN) != _shown(known, owed):
            return self.ask(known, world)  # which says what changed
        opening = world.cashier.open(world.payer, self.service, [owed])
        if opening.order:
            return Known({"order": opening.order.no}, shorter(opening))
        if refused := order_refused(opening):
            return refused
        if opening.paid:
            return already_paid(known, world, opening.paid)
        return being_paid(known, world, owed.key, self.service) or End(say("confirm.gone"))

    def on_tier(self, known: Knowledge, world: World) -> Answer:
        """Another tier."""
        return Go("", _without(known, "tier", "tiers"))

    def on_institution(self, known: Knowledge, world: World) -> Answer:
        """Another institution; the tier follows from it."""
        return Go("", _without(known, "institution", "institutions", "tier", "tiers", "standard"))

    def on_assessment(self, known: Knowledge, world: World) -> Answer:
        """Another assessment."""
        return Go("", _without(known, "assessment", "assessments"))

    def on_insured(self, known: Knowledge, world: World) -> Answer:
        """Another insured: nothing that was known holds any more."""
        return Go("", {})


def _shown(known: Knowledge, owed: Payable) -> dict[str, Json]:
    """What the question says, apart from the person; `choice` is what was answered to get there."""
    choice: list[Json] = [str(known[name]) for name in ANSWERS if name in known]
    return {
        "choice": choice,
        "amount": owed.amount,
        "institution": owed.institution_name,
        "what": f"{owed.insurance} {owed.cover_year} {owed.pay_kind}",
    }


def _change(known: Knowledge, owed: Payable) -> str:
    """What changed although the answers did not; "" where the question is new or the answers changed it."""
    before, now = known.get(SHOWN), _shown(known, owed)
    if not isinstance(before, dict) or before.get("choice") != now["choice"]:
        return ""
    changes = []
    if before.get("amount") != owed.amount:
        changes.append(
            say("confirm.amount_changed", before=yuan(int(str(before.get("amount")))), now=yuan(owed.amount))
        )
    if before.get("institution") != owed.institution_name:
        changes.append(say("confirm.institution_changed", institution=owed.institution_name))
    return "\n".join([*(changes or [say("confirm.changed")]), say("confirm.look_again")])


def _several(known: Knowledge, count: str) -> bool:
    number = known.get(count)
    return isinstance(number, int) and number > 1


def _without(known: Knowledge, *names: str) -> Knowledge:
    return {name: value for name, value in known.items() if name not in (*names, SHOWN)}


def _summary(known: Knowledge, owed: Payable) -> str:
    kind = owed.pay_kind
    year = say(
        f"confirm.year_{owed.insurance}" if kind not in (PayKind.BACK, PayKind.DIFFERENCE) else f"confirm.year_{kind}",
        year=owed.cover_year,
    )
    return say(
        "confirm.ask",
        name=known["name"],
        number=known["number"],
        insurance=say(f"insurance.{owed.insurance}"),
        year=year,
        institution=owed.institution_name,
        amount=yuan(owed.amount),
    )
