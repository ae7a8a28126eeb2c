"""缴费查询: the payments of one insured, newest first, and each in full."""

from __future__ import annotations

from collections.abc import Sequence

from dialogs.step import Answer, Ask, End, Go, Json, Knowledge, Option, Step
from dialogs.steps.owed import day_of
from dialogs.terms.insurance import Insurance, PayKind
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import Record, RecordState, World

BOTH = "both"
OF_CERTIFICATES = (RecordState.PAID, RecordState.BOOKED)


class WhichInsurance(Step):
    """险种: one of the two, or both."""

    name = "which_insurance"
    gives = ("insurance",)
    offers = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        options = [Option(say(f"insurance.{insurance}_short"), value=insurance.value) for insurance in Insurance]
        options.append(Option(say("which_insurance.both"), value=BOTH, also=("两种", "两个", "都看", "都要", "全部")))
        return Ask(say("which_insurance.ask"), options)


class Payments(Step):
    """缴费记录, by year; choosing one shows it in full."""

    name = "payments"
    needs = ("insurance", "insured", "number", "name", "checked")
    gives = ("payment",)
    offers = True
    final = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        records = _records(known, world)
        if not records:
            key = "none" if known["insurance"] == BOTH else f"none_{Insurance(str(known['insurance']))}"
            return End(say(f"payments.{key}", name=known["name"]), [_enrolments(known)])
        options = [Option(_label(record), value=record.ref) for record in records]
        return Ask(say("payments.ask", name=known["name"], count=len(records)), options)


class PaymentDetail(Step):
    """One payment in full; names and numbers masked."""

    name = "payment_detail"
    needs = ("insurance", "insured", "number", "name", "checked", "payment")
    acts = ("list",)
    final = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        found = next((one for one in _records(known, world) if one.ref == known["payment"]), None)
        if found is None:  # an order that was closed meanwhile
            return Go("", _without_payment(known), say("payment_detail.gone"))
        options = [Option(say("payment_detail.list"), act="list", numbered=False, also=("返回列表", "看别的"))]
        if found.payment and found.state in OF_CERTIFICATES:
            options.append(_certificate(known, found.payment))
        if found.state is RecordState.WAITING:
            order: Json = {"order": found.order_no}
            options.append(Option(say("payment_detail.order"), value=order, go="my.orders", numbered=False))
        return Ask(_full(found, known), options)

    def on_list(self, known: Knowledge, world: World) -> Answer:
        """Back to the list."""
        return Go("", _without_payment(known))


def _records(known: Knowledge, world: World) -> Sequence[Record]:
    chosen = known["insurance"]
    found = world.history.records(world.payer, str(known["insured"]))
    return [one for one in found if chosen in (BOTH, one.insurance.value)]


def _without_payment(known: Knowledge) -> dict[str, Json]:
    return {name: value for name, value in known.items() if name != "payment"}


def _enrolments(known: Knowledge) -> Option:
    """The other look-up, where what is known need not be asked again; whether a code is needed, it asks itself."""
    person: dict[str, Json] = {name: known[name] for name in ("insured", "number", "name", "fits")}
    return Option(say("payments.enrolments"), value=person, go="query.enrolments", numbered=False)


def _certificate(known: Knowledge, payment: int) -> Option:
    """A certificate of this payment: it is marked already, and others of the insured may be marked besides."""
    marked: dict[str, Json] = {name: known[name] for name in ("insured", "number", "name", "fits")}
    marked |= {"marked": [payment]}
    return Option(say("payment_detail.certificate"), value=marked, go="query.certificate_of", numbered=False)


def _label(record: Record) -> str:
    return say(
        "payments.label",
        year=record.cover_year,
        insurance=say(f"insurance.{record.insurance}_short"),
        kind=_kind(record),
        amount=yuan(record.amount),
        state=_state(record),
    )


def _full(record: Record, known: Knowledge) -> str:
    lines = [
        say(
            "payment_detail.ask",
            name=known["name"],
            number=known["number"],
            insurance=say(f"insurance.{record.insurance}"),
            year=record.cover_year,
            kind=_kind(record),
            institution=record.institution,
            amount=yuan(record.amount),
            state=_state(record),
        )
    ]
    if record.state is RecordState.WAITING:
        lines.append(say("payment_detail.opened", day=day_of(record.at.date())))
    else:
        lines.append(say("payment_detail.paid", day=day_of(record.at.date())))
    if record.channel and not record.mine:
        lines.append(say("payment_detail.channel", channel=record.channel))
    if record.receipt_no and (record.mine or record.channel):  # another payer's transaction is not told
        lines.append(say("payment_detail.receipt", receipt=record.receipt_no))
    if record.state is RecordState.REFUNDING:
        lines.append(say("payment_detail.refunding"))
    return "\n".join(lines)


def _kind(record: Record) -> str:
    """The tier where the tariff names one; else what kind of payment it is."""
    if record.pay_kind is PayKind.NORMAL and record.tier:
        return record.tier
    return say(f"payments.kind_{record.pay_kind.value}")


def _state(record: Record) -> str:
    return say(f"payments.{record.state.value}")
