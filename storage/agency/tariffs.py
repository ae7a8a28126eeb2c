"""`tariffs.csv`: 缴费标准, added or replaced by insurance, year, division, group and tier.

A column `subsidy` (缴费补贴, yuan) may be there: what the government adds to a year's pension of this tier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dialogs.terms.insurance import Insurance
from dialogs.terms.money import Fen
from storage.agency.cells import Cells
from storage.agency.desk import Kind, Op, Outcome, Setting
from storage.agency.refusals import RowRefused
from storage.agency.stored import Stored
from storage.database import table_of
from storage.tables import TariffTableRow


@dataclass(frozen=True, slots=True)
class TariffLine:
    insurance: Insurance
    cover_year: int
    division: str
    group: str
    tier_code: str
    tier_name: str
    amount: Fen
    window_from: date
    window_to: date
    period_from: str
    period_to: str
    source: str
    subsidy: Fen | None

    @property
    def key(self) -> tuple[str, int, str, str, str]:
        return self.insurance.value, self.cover_year, self.division, self.group, self.tier_code


def read_row(cells: Cells) -> TariffLine:
    period_from, period_to = cells.periods()
    row = TariffLine(
        insurance=cells.insurance(),
        cover_year=cells.year("cover_year"),
        division=cells.matching("division_code", "[1-9][0-9]{5}", "六位区划代码"),
        group=cells.matching("identity_code", r"\*|[0-9A-Za-z]{1,10}", "缴费身份代码或 *"),
        tier_code=cells.matching("tier_code", "[0-9A-Za-z_]{1,20}", "字母和数字"),
        tier_name=cells.text("tier_name", 40),
        amount=cells.amount("amount"),
        window_from=cells.day("window_from"),
        window_to=cells.day("window_to"),
        period_from=period_from,
        period_to=period_to,
        source=cells.remark("source"),
        subsidy=cells.optional_amount("subsidy"),
    )
    if row.window_from > row.window_to:
        raise RowRefused("缴费期的起止颠倒了")
    if not period_from[:4] == period_to[:4] == str(row.cover_year):
        raise RowRefused("费款所属期不在这个年度")
    return row


class TariffDesk:
    def __init__(self, setting: Setting) -> None:
        self._stored = Stored(setting.connection, table_of(TariffTableRow))
        self._seen: set[tuple[str, int, str, str, str]] = set()

    def prepare(self, rows: Sequence[TariffLine]) -> None:
        self._stored.load(row.key for row in rows)

    def take(self, op: Op, row: TariffLine) -> Outcome:
        if row.key in self._seen:
            raise RowRefused("同一个标准在文件里出现两次")
        self._seen.add(row.key)
        return self._stored.apply(
            op,
            {
                "insurance": row.insurance.value,
                "cover_year": row.cover_year,
                "division": row.division,
                "identity_group": row.group,
                "tier_code": row.tier_code,
                "tier_name": row.tier_name,
                "amount": row.amount,
                "window_from": row.window_from,
                "window_to": row.window_to,
                "period_from": row.period_from,
                "period_to": row.period_to,
                "source": row.source,
                "subsidy": row.subsidy,
            },
        )

    def flush(self) -> None:
        self._stored.flush()


TARIFFS = Kind(
    "tariffs",
    (
        "insurance",
        "cover_year",
        "division_code",
        "identity_code",
        "tier_code",
        "tier_name",
        "amount",
        "window_from",
        "window_to",
        "period_from",
        "period_to",
        "source",
    ),
    "amount",
    read_row,
    TariffDesk,
    (TariffTableRow,),
    optional=("subsidy",),
)
