"""The agencies' tariff files, once imported, as the `Tariffs` a dialog asks."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine, select

from dialogs.terms.insurance import Insurance, TariffRow
from storage.database import reading, table_of
from storage.tables import TariffTableRow

KEPT_SECONDS = 60.0
_TARIFF = table_of(TariffTableRow)


class StoredTariffs:
    """`dialogs.world.Tariffs` over the table. `now` counts seconds (`time.monotonic`): rows are kept for 60 of them.

    Calls may raise DatabaseUnavailable, an `Unavailable`.
    """

    def __init__(self, engine: Engine, now: Callable[[], float]) -> None:
        self._engine = engine
        self._now = now
        self._kept: dict[Insurance, tuple[float, tuple[TariffRow, ...]]] = {}

    def rows(self, insurance: Insurance) -> tuple[TariffRow, ...]:
        """Every row of the insurance; at most a minute behind an import in another process."""
        now = self._now()
        read_at, rows = self._kept.get(insurance, (now - KEPT_SECONDS, ()))
        if not 0 <= now - read_at < KEPT_SECONDS:
            rows = self._read(insurance)
            self._kept[insurance] = (now, rows)
        return rows

    def _read(self, insurance: Insurance) -> tuple[TariffRow, ...]:
        with reading(self._engine) as connection:
            found = connection.execute(
                select(_TARIFF)
                .where(_TARIFF.c.insurance == insurance.value)
                .order_by(_TARIFF.c.cover_year, _TARIFF.c.division, _TARIFF.c.identity_group, _TARIFF.c.amount)
            ).all()
        return tuple(
            TariffRow(
                insurance=Insurance(row.insurance),
                cover_year=row.cover_year,
                division=row.division,
                group=row.identity_group,
                tier_code=row.tier_code,
                tier_name=row.tier_name,
                amount=row.amount,
                window_from=row.window_from,
                window_to=row.window_to,
                period_from=row.period_from,
                period_to=row.period_to,
                subsidy=row.subsidy,
            )
            for row in found
        )
