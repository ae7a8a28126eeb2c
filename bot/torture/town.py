"""Who lives in the town under torture: residents who owe, and citizens, each with errands and habits, by the seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from bot.bench.people import Resident

TIERS = ("300", "500", "800", "1000", "3000")
HABITS = (
    "plain",  # pays by the link
    "plain",
    "plain",
    "family code",  # 请家人扫码付
    "old code",  # asks for another code, tries the first one too
    "two sheets",  # opens the cashier twice and pays in both
    "bank too",  # the same payable is paid at a bank meanwhile
    "bank too",
    "cancels",  # 不缴了, and sometimes pays all the same
    "late",  # comes back when the order is about to expire
    "never",  # opens the order and goes away
)


@dataclass(frozen=True, slots=True)
class Errand:
    """What somebody wants to pay: one resident, or a family on one order."""

    service: str  # the menu's key
    residents: tuple[Resident, ...]
    tier: str
    habit: str


@dataclass(frozen=True)
class Townsman:
    """One citizen: an openid, errands, and how sloppy the fingers are."""

    openid: str
    errands: tuple[Errand, ...]
    sloppy: float  # share of words typed wrongly first
    impatient: float  # share of words sent three times
    seed: int


@dataclass
class Town:
    """Everybody. Some residents are wanted by two citizens at once: the second one must not pay a second time."""

    citizens: list[Townsman] = field(default_factory=list)

    @classmethod
    def founded(cls, random: Random, residents: list[Resident], *, citizens: int, family: bool) -> Town:
        """So many citizens over these residents; `family`: with 一家一起缴 among the errands."""
        town = cls()
        for number in range(citizens):
            errands = tuple(_errand(random, residents, family=family) for _ in range(random.choice((1, 1, 2))))
            habits = random.choice((0.0, 0.0, 0.1, 0.3)), random.choice((0.0, 0.0, 0.1, 0.3))
            town.citizens.append(Townsman(f"oTown{number:04}", errands, *habits, random.randrange(2**32)))
        return town


def _errand(random: Random, residents: list[Resident], *, family: bool) -> Errand:
    habit, tier = random.choice(HABITS), random.choice(TIERS)
    if family and random.random() < 0.25:
        return Errand("pay.family", tuple(random.sample(residents, random.choice((2, 3)))), tier, habit)
    service = random.choice(("pay.medical", "pay.pension"))
    return Errand(service, (random.choice(residents),), tier, habit)
