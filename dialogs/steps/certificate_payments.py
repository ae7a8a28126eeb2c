"""Which payments a certificate is for: several may be marked, those just made are marked from the start."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from dialogs.choices import numbers_of
from dialogs.said import Said
from dialogs.step import Answer, Ask, End, Go, Json, Knowledge, Known, Option, Step, Wrong
from dialogs.steps.owed import day_of
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import Certifiable, World

ISSUE_WORDS = ("开", "开证明", "好了", "选好了", "确认", "确定", "就这些", "是", "好", "好的")
ALL_WORDS = ("全部", "都要", "全选", "所有", "都开")
ELSEWHERE_WORDS = ("别处缴的", "开别处缴的", "家里人的", "别人的", "开别人的", "换个人", "银行缴的")
JUST_NOW = timedelta(days=1)


class CertificatePayments(Step):
    """选缴费, of one's own orders. What is marked so far is known as `marked`, until it is taken for `payments`."""

    name = "certificate_payments"
    gives = ("payments",)
    acts = ("issue", "all", "none")
    offers = True
    several = True

    def choosable(self, known: Knowledge, world: World) -> Sequence[Certifiable]:
        """The payments to choose from."""
        return world.certificates.choosable(world.payer)

    def none(self, known: Knowledge) -> End:
        """There are none: what else there is."""
        return End(say("certificate_payments.none"), [elsewhere(), _home()])

    def further(self) -> Sequence[Option]:
        """What else is offered below the payments."""
        return (elsewhere(),)

    def ask(self, known: Knowledge, world: World) -> Answer:
        payments = self.choosable(known, world)
        if not payments:
            return self.none(known)
        if len(payments) == 1:
            return Known({"payments": [payments[0].id]}, say("certificate_payments.one", what=_label(payments[0])))
        marked = _marked(known, payments, world)
        options = [Option(_line(one, marked=one.id in marked), value=one.id) for one in payments]
        if marked:
            amount = sum(one.amount for one in payments if one.id in marked)
            label = say("certificate_payments.issue", count=len(marked), amount=yuan(amount))
            options.append(Option(label, act="issue", numbered=False, also=ISSUE_WORDS))
        if len(marked) < len(payments):
            options.append(Option(say("certificate_payments.all"), act="all", numbered=False, also=ALL_WORDS))
        else:
            options.append(Option(say("certificate_payments.none_marked"), act="none", numbered=False))
        key = "ask_marked" if marked else "ask"
        return Ask(say(f"certificate_payments.{key}", count=len(payments)), [*options, *self.further()])

    def mark(self, value: Json, known: Knowledge, world: World) -> Answer:
        """Mark a payment, or take its mark away."""
        payments = self.choosable(known, world)
        marked = _marked(known, payments, world)
        return _with(known, [one.id for one in payments if (one.id in marked) != (one.id == value)])

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """Several numbers: exactly these are marked."""
        payments = self.choosable(known, world)
        numbers = numbers_of(said.text, len(payments))
        if not numbers:
            return Wrong(say("certificate_payments.wrong", count=len(payments)))
        return _with(known, [payments[number - 1].id for number in numbers])

    def on_all(self, known: Knowledge, world: World) -> Answer:
        """Mark every payment."""
        return _with(known, [one.id for one in self.choosable(known, world)])

    def on_none(self, known: Knowledge, world: World) -> Answer:
        """Take every mark away."""
        return _with(known, [])

    def on_issue(self, known: Knowledge, world: World) -> Answer:
        """These it shall be."""
        return Known({"payments": list(_marked(known, self.choosable(known, world), world))})


class InsuredsPayments(CertificatePayments):
    """选缴费, of one insured whom the citizen may see: through whatever channel it was paid, and whoever paid it."""

    needs = ("insured", "number", "name", "fits", "checked")

    def choosable(self, known: Knowledge, world: World) -> Sequence[Certifiable]:
        """Every payment of the insured."""
        return world.certificates.choosable(world.payer, certified_insured(known))

    def none(self, known: Knowledge) -> End:
        """There are none of this insured."""
        return End(say("certificate_payments.none_of", name=known["name"]), [_home()])

    def further(self) -> Sequence[Option]:
        """Nothing: whoever wants somebody else's goes back."""
        return ()


def certified_insured(known: Knowledge) -> str:
    """Whose payments are certified: of the insured whose name and code were right; "" of one's own orders."""
    return str(known["insured"]) if known.get("checked") else ""


def elsewhere() -> Option:
    """To what was paid elsewhere or by somebody else: after consent, number, name and code."""
    label = say("certificate_payments.elsewhere")
    return Option(label, go="query.certificate_of", numbered=False, also=ELSEWHERE_WORDS)


def _home() -> Option:
    return Option(say("help.services"), go="home", numbered=False)


def _marked(known: Knowledge, payments: Sequence[Certifiable], world: World) -> list[Json]:
    """What is marked: what the citizen marked, else what was paid last, if that was just now."""
    marked = known.get("marked")
    if isinstance(marked, list):
        return [one.id for one in payments if one.id in marked]
    if not payments:  # given back since they were shown
        return []
    newest = payments[0]
    if not newest.order_no or world.clock.now() - newest.paid_at > JUST_NOW:
        return []
    return [one.id for one in payments if one.order_no == newest.order_no]


def _with(known: Knowledge, marked: list[Json]) -> Go:
    return Go("", {**known, "marked": marked})


def _line(payment: Certifiable, *, marked: bool) -> str:
    return say(f"certificate_payments.{'marked' if marked else 'unmarked'}", what=_label(payment))


def _label(payment: Certifiable) -> str:
    return say(
        "certificate_payments.label",
        name=payment.name,
        year=payment.cover_year,
        insurance=say(f"insurance.{payment.insurance}_short"),
        amount=yuan(payment.amount),
        day=day_of(payment.paid_at.date()),
    )
