"""`run.py doctor`: looks at everything a citizen depends on, one finding a line."""

from __future__ import annotations

import shutil

from sqlalchemy import func, select

from bot.app import account_of, build
from bot.settings import BadConfiguration, Settings, require_complete
from bot.web.services import Check
from bot.wechat.account_errors import AccountTrouble
from dialogs.terms.insurance import Insurance
from storage.database import reading
from storage.orders.columns import DISCREPANCY, NOTICE, ORDER
from storage.tariffs import StoredTariffs

LATE_SECONDS = 600
LEAST_FREE = 2**30  # bytes of disk


def examine(settings: Settings) -> list[Check]:
    """The findings; raises what building the application raises, except incomplete settings, which are findings."""
    try:
        require_complete(settings)
    except BadConfiguration as wrong:
        return [Check("配置", False, line) for line in wrong.mistakes]
    app = build(settings, wakes=False)
    try:
        found = [Check("配置", True), *app.health()]
        with reading(app.engine) as connection:
            now = int(app.till.clock())
            late = connection.execute(
                select(func.count()).select_from(ORDER).where(ORDER.c.due_at < now - LATE_SECONDS)
            ).scalar_one()
            untold = connection.execute(
                select(func.count()).select_from(NOTICE).where(NOTICE.c.due_at < now - LATE_SECONDS)
            ).scalar_one()
            open_ones = connection.execute(
                select(func.count()).select_from(DISCREPANCY).where(DISCREPANCY.c.state == "open")
            ).scalar_one()
        found.append(Check("后台", not late and not untold, f"超过 10 分钟没办的：缴费单 {late}，通知 {untold}"))
        found.append(Check("差异", not open_ones, f"待人核对 {open_ones}"))
        tariffs = StoredTariffs(app.engine, app.till.clock)
        for insurance in Insurance:
            rows = tariffs.rows(insurance)
            found.append(Check(f"标准 {insurance}", bool(rows), f"{len(rows)} 行"))
        free = shutil.disk_usage(settings.folder).free
        found.append(Check("磁盘", free > LEAST_FREE, f"剩余 {free // 2**20} MB"))
        found.append(_account(settings))
    finally:
        app.stop()
    return found


def _account(settings: Settings) -> Check:
    if settings.sandbox.enabled:
        return Check("微信接口", True, "沙箱")
    try:
        account_of(settings).menu()
    except AccountTrouble as trouble:
        return Check("微信接口", False, str(trouble))
    return Check("微信接口", True)
