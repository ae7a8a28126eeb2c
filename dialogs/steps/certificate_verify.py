"""证明查验: anybody with number and code learns whether a certificate is genuine, masked; guessing is limited."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from dialogs.said import Said
from dialogs.step import Answer, Ask, End, Go, Knowledge, Known, Option, Step, Wrong
from dialogs.steps.owed import day_of
from dialogs.terms.certificate import read_code, read_number
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import CertifiedPayment, Verified, World

WHAT = "certificate.verify"
LINES = 10  # of payments shown; a certificate may have many


class CertificateNumber(Step):
    """The number; with the code behind it, as the QR code says them, both at once."""

    name = "certificate_number"
    gives = ("certificate",)
    typed = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        return _stopped(world) or Ask(say("certificate_number.ask"))

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """A number of the right shape; whether there is such a certificate is told only with its code."""
        number = read_number(said.text)
        if number is None:
            return Wrong(say("certificate_number.wrong"))
        code = read_code(said.text)
        return _verified(number, code, world, ()) if code else Known({"certificate": number})


class CertificateCode(Step):
    """The verification code. It is looked at and not kept."""

    name = "certificate_code"
    needs = ("certificate",)
    acts = ("number",)
    typed = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        return _stopped(world) or Ask(say("certificate_code.ask"))

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """The code of the number given before, or number and code anew."""
        code = read_code(said.text)
        if code is None:
            return Wrong(say("certificate_code.wrong"))
        another = Option(say("certificate_code.number"), act="number", also=("换编号", "编号不对"))
        return _verified(read_number(said.text) or str(known["certificate"]), code, world, (another,))

    def on_number(self, known: Knowledge, world: World) -> Answer:
        """Another number."""
        return Go("", {})


def _verified(number: str, code: str, world: World, ways: Sequence[Option]) -> Answer:
    if stopped := _stopped(world):
        return stopped
    found = world.certificates.verify(number, code)
    if found:
        return End(genuine(found), [Option(say("certificate_code.another"), go="certificate.verify", numbered=False)])
    if seconds := world.guesses.missed(world.payer, WHAT):
        return _wait(seconds)
    return Wrong(say("certificate_code.differs"), ways)


def _stopped(world: World) -> End | None:
    seconds = world.guesses.wait(world.payer, WHAT)
    return _wait(seconds) if seconds else None


def _wait(seconds: int) -> End:
    return End(say("certificate_code.stopped", minutes=ceil(seconds / 60)))


def genuine(found: Verified) -> str:
    """What is told of a genuine certificate; what was refunded since is told too."""
    refunded = sum(one.amount for one in found.payments if one.refunded)
    lines = [
        say(
            "certificate_code.genuine",
            number=found.number,
            people="、".join(say("certificate_code.person", name=name, id_number=id) for name, id in found.people),
            day=day_of(found.issued_on),
            count=len(found.payments),
            amount=yuan(found.amount),
        ),
        *(_line(one, found) for one in found.payments[:LINES]),
    ]
    if len(found.payments) > LINES:
        lines.append(say("certificate_code.more", count=len(found.payments)))
    if refunded:
        lines.append(say("certificate_code.refunded", amount=yuan(refunded)))
    return "\n".join(lines)


def _line(one: CertifiedPayment, found: Verified) -> str:
    text = say(
        "certificate_code.line_refunded" if one.refunded else "certificate_code.line",
        year=one.cover_year,
        insurance=say(f"insurance.{one.insurance}_short"),
        amount=yuan(one.amount),
    )
    if len(found.people) == 1:
        return text
    return say("certificate_code.line_of", name=found.people[one.whose][0], what=text)
