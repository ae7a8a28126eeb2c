"""Which assessment: amounts that the agency fixed, to choose from and to pay as they are."""

from __future__ import annotations

from dialogs.step import Answer, Ask, End, Json, Knowledge, Known, Option, Step
from dialogs.steps.owed import being_paid, day_of, not_owed, open_assessments
from dialogs.steps.strangers import details_option, may_hear_details
from dialogs.terms.insurance import Assessment, Insurance, PayKind, assessed_payable
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import Payment, World


class Assessed(Step):
    """核定的应缴 of one insurance."""

    name = "assessed"
    needs = ("insured", "name")
    gives = ("assessment", "assessments")
    offers = True

    def __init__(self, insurance: Insurance) -> None:
        self.insurance = insurance

    def ask(self, known: Knowledge, world: World) -> Answer:
        found = open_assessments(known, world, self.insurance)
        due = [one for one in found if one.amount > 0]
        name = known["name"]
        open_to = may_hear_details(world, str(known["insured"]))
        if not due:
            return self._nothing(known, world, free=found[0] if found else None)
        values: list[dict[str, Json]] = [{"assessment": one.no, "assessments": len(due)} for one in due]
        if len(due) == 1:
            held = being_paid(
                known, world, assessed_payable(str(known["insured"]), due[0]).key, f"pay.{self.insurance}_assessed"
            )
            return held or Known(
                values[0], say(f"assessed.one_{self.insurance}", name=name, what=_label(due[0], open_to))
            )
        options = [Option(_label(one, open_to), value=value) for one, value in zip(due, values, strict=True)]
        return Ask(say(f"assessed.ask_{self.insurance}", name=name, count=len(due)), options)

    def _nothing(self, known: Knowledge, world: World, free: Assessment | None) -> Answer:
        name = known["name"]
        open_to = may_hear_details(world, str(known["insured"]))
        if free and not open_to:
            return not_owed(known, self.insurance, free.cover_year)
        if free:
            return End(say(f"enrolled.free_{self.insurance}", name=name, year=free.cover_year))
        insured = str(known["insured"])
        every = world.registry.standing(insured, self.insurance).assessments
        taken = [world.ledger.taken(world.payer, assessed_payable(insured, one).key) for one in every]
        paid = [one.payment for one in taken if one.payment]
        if not open_to and every:
            text = say(f"assessed.{'settled' if paid else 'none'}_{self.insurance}", name=name)
            service = "query.payments" if paid else "query.enrolments"
            return End(text, [details_option(known, service, self.insurance)])
        if paid:
            return End(say(f"assessed.paid_{self.insurance}", name=name, what=_payment(paid[-1])))
        expired = bool(every)
        return End(say(f"assessed.{'expired' if expired else 'none'}_{self.insurance}", name=name))


def _payment(payment: Payment) -> str:
    return say(
        "assessed.payment",
        year=payment.cover_year,
        insurance=say(f"insurance.{payment.insurance}_short"),
        amount=yuan(payment.amount),
        day=day_of(payment.paid_at.date()),
    )


def _label(assessment: Assessment, open_to: bool) -> str:
    """What it is; that the government pays a part is told only to somebody acquainted with the insured."""
    pay_kind = assessment.pay_kind if open_to or assessment.pay_kind is not PayKind.AID else PayKind.NORMAL
    return say(
        f"assessed.label_{pay_kind.value}",
        year=assessment.cover_year,
        insurance=say(f"insurance.{assessment.insurance}_short"),
        amount=yuan(assessment.amount),
    )
