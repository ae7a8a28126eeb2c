"""The certificates, issued: number, code, and the link to each."""

from __future__ import annotations

from dialogs.step import Answer, End, Json, Knowledge, Option, Step
from dialogs.steps.owed import day_of
from dialogs.terms.certificate import shown_code
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import Issued, World


class CertificateIssued(Step):
    """证明开好了. Asked for again with the same payments, it is the same certificate with a fresh link."""

    name = "certificate_issued"
    needs = ("payments",)

    def ask(self, known: Knowledge, world: World) -> Answer:
        payments = [one for one in _list(known["payments"]) if isinstance(one, int)]
        again = Option(say("certificate_issued.again"), go="query.certificate", numbered=False)
        if not world.certificates.printable(world.payer, payments):
            return End(say("certificate_issued.unprintable"))
        issued = world.certificates.issue(world.payer, payments)
        if not issued:
            return End(say("certificate_issued.gone"), [again])
        lines = [_said(one) for one in issued]
        lines.append(say("certificate_issued.valid", day=day_of(issued[0].valid_until.date())))
        links = [Option(say("certificate_issued.open", name=one.name), url=one.url, numbered=False) for one in issued]
        return End("\n".join(lines), [*links, again])


def _said(one: Issued) -> str:
    return say(
        "certificate_issued.ask",
        name=one.name,
        count=one.count,
        amount=yuan(one.amount),
        number=one.number,
        code=shown_code(one.code),
    )


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
