"""The people, tariffs and assessments of the in-memory town, and a short way to talk with the machine there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from dialogs.flows import SERVICES
from dialogs.machine import Turn, turn
from dialogs.said import Kind, Reply, Said
from dialogs.session import Session
from dialogs.terms.insurance import Assessment, Enrolment, Institution, Insurance, PayKind, Status, TariffRow
from dialogs.world import Record, RecordState
from tests.dialogs.worlds import Resident, Town

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=timezone(timedelta(hours=8)))
PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL
TIERS = (300, 400, 500, 600, 700, 800, 900, 1000, 1500, 2000, 3000)


def institution(insurance: Insurance, division: str, name: str) -> Institution:
    """An institution of the insurance."""
    code = f"{division}{'YL' if insurance is PENSION else 'YB'}01"
    return Institution(code, name, insurance, division, name[:6], f"{name[:3]}税务局", "12333")


DONGHU = institution(PENSION, "360102", "南昌市东湖区城乡居民社会养老保险事业管理局")
POYANG = institution(PENSION, "361128", "鄱阳县城乡居民社会养老保险事业管理局")
DONGHU_MEDICAL = institution(MEDICAL, "360102", "南昌市东湖区医疗保障服务中心")
POYANG_MEDICAL = institution(MEDICAL, "361128", "鄱阳县医疗保障服务中心")


def enrolled(where: Institution, person_no: str, group: str = "011", status: Status = Status.ACTIVE) -> Enrolment:
    """An enrolment there."""
    return Enrolment(where.insurance, where, person_no, group, status)


def tariff(insurance: Insurance, year: int, amount: int, division: str = "360000", group: str = "*") -> TariffRow:
    """A row of the demo kind: pension through the year, medical from September before to February."""
    first, last = (
        (date(year, 1, 1), date(year, 12, 25)) if insurance is PENSION else (date(year - 1, 9, 15), date(year, 2, 28))
    )
    code = str(amount) if insurance is PENSION else "std"
    name = f"{amount}元档" if insurance is PENSION else "居民医保"
    return TariffRow(insurance, year, division, group, code, name, amount * 100, first, last, f"{year}01", f"{year}12")


def assessed(no: str, where: Institution, person_no: str, kind: PayKind, year: int, yuan: int) -> Assessment:
    """An assessment that is valid until the end of 2026."""
    until = date(2026, 12, 31)
    return Assessment(
        no, where.insurance, where, person_no, kind, year, f"{year}01", f"{year}12", "t", "t", yuan * 100, until
    )


WANG = Resident(  # two institutions
    "369902198511030032",
    "王例三",  # not the name that a text gives as an example
    (enrolled(DONGHU, "5"), enrolled(POYANG, "6"), enrolled(POYANG_MEDICAL, "7")),
)
LI = Resident(  # two back payments
    "369901197005210021",
    "李测二",
    (enrolled(DONGHU, "3"), enrolled(DONGHU_MEDICAL, "4")),
    (assessed("b24", DONGHU, "3", PayKind.BACK, 2024, 500), assessed("b25", DONGHU, "3", PayKind.BACK, 2025, 500)),
)
ZHAO = Resident(  # a special group, and aid
    "369902199202290046",
    "赵例四",
    (enrolled(DONGHU, "8", "061"), enrolled(POYANG_MEDICAL, "9", "061")),
    (assessed("aid", POYANG_MEDICAL, "9", PayKind.AID, 2027, 80),),
)
WU = Resident(  # over 60; fully aided
    "369904194907070086",
    "吴长八",
    (enrolled(DONGHU, "14", status=Status.RECEIVING), enrolled(DONGHU_MEDICAL, "15", "031")),
    (assessed("full", DONGHU_MEDICAL, "15", PayKind.AID, 2027, 0),),
)
MAI = Resident("369905197312240103", "买试·吐尔示", (enrolled(DONGHU, "18"), enrolled(DONGHU_MEDICAL, "19")))
RESIDENTS = (WANG, LI, ZHAO, WU, MAI)
TARIFFS = (
    *(tariff(PENSION, 2026, amount) for amount in TIERS),
    tariff(PENSION, 2026, 200, group="061"),
    tariff(MEDICAL, 2027, 400),
)


def record(number: int, state: RecordState = RecordState.BOOKED, *, mine: bool = False) -> Record:
    """A payment that a look-up shows: the higher its number, the older; odd ones are pensions."""
    return Record(
        ref=f"p{number}",
        insurance=PENSION if number % 2 else MEDICAL,
        pay_kind=PayKind.NORMAL,
        tier="500元档",
        cover_year=2027 - number,
        amount=50000,
        at=MORNING - timedelta(days=number),
        institution="东湖区",
        state=state,
        mine=mine,
        order_no="O1" if mine else "",
        channel="" if mine else "银行代收",
        receipt_no=f"R{number}",
        payment=0 if state is RecordState.WAITING else number,
    )


def town() -> Town:
    """The town on a Monday morning in November 2026: both insurances can be paid."""
    return Town(MORNING, RESIDENTS, TARIFFS)


@dataclass
class Phone:
    """One citizen's chat: each turn saves the session and reads it back."""

    town: Town = field(default_factory=town)
    payer: str = "me"
    session: Session = field(default_factory=Session)
    reply: Reply = field(default_factory=Reply)
    turn: Turn | None = None

    def say(self, *texts: str) -> str:
        """Type them one after the other; the last reply, line by line."""
        for text in texts:
            self.hear(Said("text", text))
        return self.read

    def click(self, key: str) -> str:
        """The account's menu."""
        return self.hear(Said("menu", key=key))

    def tap(self, label: str) -> str:
        """An option shown, by its label; its id comes along."""
        found = next(one for one in self.reply.options if one.label == label)
        return self.tap_id(found.id, label)

    def tap_id(self, option: str, label: str = "") -> str:
        """An option by its id, stale or not."""
        return self.hear(Said("tap", label, option))

    def send(self, kind: Kind) -> str:
        """Something that is neither text nor tap."""
        return self.hear(Said(kind))

    def hear(self, said: Said) -> str:
        """One turn."""
        stored = Session.from_json(self.session.to_json())
        assert stored == self.session, "a session is not what was stored of it"
        self.turn = turn(stored, said, self.town.world(self.payer), SERVICES)
        self.session, self.reply = self.turn.session, self.turn.reply
        return self.read

    @property
    def read(self) -> str:
        """The reply as a person reads it."""
        return "\n".join(self.reply.lines)

    @property
    def labels(self) -> list[str]:
        """What can be tapped now."""
        return [one.label for one in self.reply.options]
