"""`run.py doctor`: looks at everything a citizen depends on, one finding a line."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from sqlalchemy import Engine, func, select

from bot.app import App, build
from bot.background.routine_states import routine_states
from bot.certificate.press import Press
from bot.certificate.seal import Seal
from bot.pay.gateway_errors import GatewayTrouble, NotPlaced
from bot.reconciling.fetching import ready_at
from bot.reconciling.routine import missed
from bot.settings import BadConfiguration, Settings, require_complete
from bot.web.services import Check
from bot.wechat.account_errors import AccountTrouble
from dialogs.terms.insurance import Insurance
from storage.database import reading
from storage.orders.columns import (
    ABNORMAL,
    ATTEMPT,
    CLOSED,
    DISCREPANCY,
    DUE,
    NOTICE,
    ORDER,
    PAID,
    REFUND,
    REFUNDING,
)
from storage.tariffs import StoredTariffs

LATE_SECONDS = 600
SEAL_DAYS = 30  # before its end a seal is to be renewed
LEAST_FREE = 2**30  # bytes of disk
REFUND_SECONDS = 5 * 86400  # a bank card takes up to three working days
RARE_BLOCKS = ((0x20000, 0x2A6DF), (0x2A700, 0x2B739), (0x2B740, 0x2B81D), (0x2B820, 0x2CEA1), (0x2CEB0, 0x2EBE0))
SHOWN = 20  # numbers in one line
BILL_SECONDS = 7200  # after the hour from which it may be asked for, yesterday's bill has to be here
NOBODYS_NUMBER = "DOCTOR0ASKS0FOR0NO0ORDER"  # a 商户订单号 as no order of ours has it


def examine(settings: Settings, clock: Callable[[], float] = time.time) -> list[Check]:
    """The findings; raises what building the application raises, except incomplete settings, which are findings.

    `clock` in unix seconds.
    """
    try:
        require_complete(settings)
    except BadConfiguration as wrong:
        return [Check("配置", False, line) for line in wrong.mistakes]
    app = build(settings, clock=clock, wakes=False)
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
        ailing = [str(state) for state in routine_states(app.engine, now) if not state.is_well]
        found.append(Check("定时事务", not ailing, "；".join(ailing)))
        found.append(Check("差异", not open_ones, f"待人核对 {open_ones}"))
        found.append(_refunds(app.engine, now))
        found.append(_reconciled(app.engine, now, settings.zone))
        tariffs = StoredTariffs(app.engine, app.till.clock)
        for insurance in Insurance:
            rows = tariffs.rows(insurance)
            found.append(Check(f"标准 {insurance}", bool(rows), f"{len(rows)} 行"))
        free = shutil.disk_usage(settings.folder).free
        found.append(Check("磁盘", free > LEAST_FREE, f"剩余 {free // 2**20} MB"))
        found.append(_fonts(settings))
        found += [_account(app), _pay(app)]
        found += _seal(settings, now)
    finally:
        app.stop()
    return found


def _refunds(engine: Engine, now: int) -> Check:
    """Money that should be back and is not: WeChat Pay says abnormal or closed, or nothing for days."""
    alive = REFUND.c.owes.is_not(None)
    with reading(engine) as connection:
        stuck = connection.scalars(
            select(REFUND.c.out_refund_no)
            .where(alive & REFUND.c.state.in_((ABNORMAL, CLOSED)))
            .order_by(REFUND.c.asked_at)
            .limit(SHOWN)
        ).all()
        slow = connection.execute(
            select(func.count())
            .select_from(REFUND)
            .where(alive & REFUND.c.state.in_((DUE, REFUNDING)) & (REFUND.c.asked_at < now - REFUND_SECONDS))
        ).scalar_one()
    says = f"退款异常或被关闭 {'、'.join(stuck) or '没有'}，超过 5 天没到账 {slow}"
    return Check("退款", not stuck and not slow, says)


def _reconciled(engine: Engine, now: int, zone: tzinfo) -> Check:
    """Whether every day's bill was had, yesterday's from two hours after it may be asked for on."""
    today = datetime.fromtimestamp(now, zone).date()
    yesterday = today - timedelta(days=1)
    late = now >= ready_at(yesterday, zone) + BILL_SECONDS
    days = missed(engine, today if late else yesterday, zone)
    return Check("对账", not days, f"还没有对的：{'、'.join(map(str, days))}" if days else "")


def _seal(settings: Settings, now: int) -> list[Check]:
    """Whether the bureau's seal holds for a while; nothing where none is configured."""
    if not settings.certificate.seal:
        return []
    seal = Seal.read(settings.path(settings.certificate.seal), settings.certificate.seal_password)
    soon = datetime.fromtimestamp(now, UTC) + timedelta(days=SEAL_DAYS)
    return [Check("电子签名", seal.holds(soon), f"{seal.name}，到 {seal.last_day}")]


def _fonts(settings: Settings) -> Check:
    """How many characters of GB 18030-2022's rare planes certificates can show."""
    press = Press(more=settings.rare_fonts)
    has, all_of_them = 0, 0
    for first, last in RARE_BLOCKS:
        has += sum(press.can_print(chr(code)) for code in range(first, last + 1))
        all_of_them += last + 1 - first
    says = f"生僻字（扩展 B 到 F）能印 {has}，一共 {all_of_them}"
    if has < all_of_them * 0.99:
        says += "；装 fonts-hanazono 就能多印，见 docs/operations.md"
    return Check("证明字体", True, says)


def _account(app: App) -> Check:
    """Whether WeChat gives a token and an answer: AppID, secret, and this machine in the account's IP 白名单."""
    if app.settings.sandbox.enabled:
        return Check("微信接口", True, "沙箱")
    try:
        app.account.menu()
    except AccountTrouble as trouble:
        return Check("微信接口", False, str(trouble))
    return Check("微信接口", True)


def _pay(app: App) -> Check:
    """Whether WeChat Pay takes our signature; and we its, once an order was paid that it can be asked about.

    What it does not know it refuses without a signature (facts of the protocol), so a first day proves one half only.
    """
    if app.settings.sandbox.enabled:
        return Check("微信支付", True, "沙箱")
    number = ATTEMPT.c.out_trade_no  # begins with its day
    with reading(app.engine) as connection:
        paid = connection.scalar(select(number).where(ATTEMPT.c.state == PAID).order_by(number.desc()).limit(1))
    try:
        app.till.gateway.query(paid or NOBODYS_NUMBER)
    except NotPlaced:
        return Check("微信支付", not paid, f"不认得 {paid}" if paid else "收过款以后，才验得了微信支付的签名")
    except GatewayTrouble as trouble:
        return Check("微信支付", False, str(trouble))
    return Check("微信支付", bool(paid), "" if paid else f"说有 {NOBODYS_NUMBER} 这一单")
