"""The certificates, issued: number, code, the link to each, and the pictures of their pages where somebody asks."""

from __future__ import annotations

from collections.abc import Sequence

from dialogs.said import Said
from dialogs.step import Answer, Ask, End, Go, Json, Knowledge, Option, Step, Wrong
from dialogs.steps.certificate_payments import certified_insured, elsewhere
from dialogs.steps.owed import day_of
from dialogs.terms.certificate import shown_code
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import Issued, World

LOOK_WORDS = ("看一下", "看看", "看一看", "看图片", "发图片", "发给我看看", "打不开")
APART_WORDS = ("分开", "分开开", "一人一张", "每人一张", "各开各的")
PERSON = ("insured", "number", "name", "fits")


class CertificateIssued(Step):
    """证明开好了. They are issued once; shown again, they are the same with fresh links."""

    name = "certificate_issued"
    needs = ("payments",)
    acts = ("apart",)
    final = True
    several = True  # 看一下: an option stands for a page

    def ask(self, known: Knowledge, world: World) -> Answer:
        numbers = known.get("certificates")
        if not isinstance(numbers, list):
            return _issue(known, world)
        issued = [one for number in numbers if (one := world.certificates.issued(world.payer, str(number)))]
        if not issued:
            return End(say("certificate_issued.gone"), [_again(known)])
        day = day_of(issued[0].valid_until.date())
        lines = [*map(_said, issued), say("certificate_issued.valid", day=day)]
        return Ask("\n".join(lines), _options(issued, known), again=say("certificate_issued.shown_again"))

    def mark(self, value: Json, known: Knowledge, world: World) -> Answer:
        """A page to look at: its picture follows."""
        number, page = _page(value)
        pages = world.certificates.show(world.payer, number, page)
        shown = self.ask(known, world)
        if not pages or not isinstance(shown, Ask):
            return shown
        if pages == 1:
            return Ask(say("certificate_issued.look"), shown.options)
        further = [_look(say("certificate_issued.further", page=page + 1), number, page + 1)] if page < pages else []
        return Ask(say("certificate_issued.look_at", page=page, pages=pages), [*further, *shown.options])

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """Nothing more is asked."""
        return Wrong(say("certificate_issued.wrong"))

    def on_apart(self, known: Knowledge, world: World) -> Answer:
        """One certificate for each insured, so that nobody reads of the others."""
        return Go("", {name: value for name, value in known.items() if name != "certificates"} | {"apart": True})


def _issue(known: Knowledge, world: World) -> Answer:
    payments = [one for one in _list(known["payments"]) if isinstance(one, int)]
    insured = certified_insured(known)
    if not world.certificates.printable(world.payer, payments, insured):
        return End(say("certificate_issued.unprintable"))
    issued = world.certificates.issue(world.payer, payments, insured, apart=known.get("apart") is True)
    if not issued:
        return End(say("certificate_issued.gone"), [_again(known)])
    return Go("", {**known, "certificates": [one.number for one in issued]})


def _options(issued: Sequence[Issued], known: Knowledge) -> list[Option]:
    options = []
    for one in issued:
        name = _called(one)
        options.append(Option(say("certificate_issued.open", name=name), url=one.url, numbered=False))
        label = say("certificate_issued.picture" if len(issued) == 1 else "certificate_issued.picture_of", name=name)
        options.append(_look(label, one.number, 1))
    if any(len(one.names) > 1 for one in issued):
        options.append(Option(say("certificate_issued.apart"), act="apart", numbered=False, also=APART_WORDS))
    return [*options, _again(known), elsewhere()]


def _look(label: str, number: str, page: int) -> Option:
    return Option(label, value={"certificate": number, "page": page}, numbered=False, also=LOOK_WORDS)


def _page(value: Json) -> tuple[str, int]:
    """The number and the page an option stands for."""
    chosen = value if isinstance(value, dict) else {}
    page = chosen.get("page")
    return str(chosen.get("certificate")), page if isinstance(page, int) else 1


def _again(known: Knowledge) -> Option:
    """To choose anew: among the payments these were chosen from."""
    label = say("certificate_issued.again")
    if certified_insured(known):
        person: dict[str, Json] = {name: known[name] for name in PERSON}
        return Option(label, value=person, go="query.certificate_of", numbered=False)
    return Option(label, go="query.certificate", numbered=False)


def _said(one: Issued) -> str:
    return say(
        "certificate_issued.ask",
        name="、".join(one.names),
        count=one.count,
        amount=yuan(one.amount),
        number=one.number,
        code=shown_code(one.code),
    )


def _called(one: Issued) -> str:
    if len(one.names) == 1:
        return one.names[0]
    return say("certificate_issued.several", name=one.names[0], count=len(one.names))


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
