"""Fetching a day's bill from WeChat Pay: when there can be one, where it lies, whether it is what was promised."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path

from bot.pay.bill_address import BillAddress
from bot.pay.gateway import Gateway
from bot.pay.gateway_errors import GatewayRefused, GatewayTrouble
from bot.reconciling.refusal import BillRefused, NoBillYet
from bot.reconciling.unpacking import Unpacked, unpack

READY = time(10, 0)  # of the day after (facts/wechat.md B0)
NOTHING, MAKING, TOO_OLD = "NO_STATEMENT_EXIST", "STATEMENT_CREATING", "INVALID_REQUEST"


class NotKept(BillRefused):
    """WeChat Pay keeps bills for three months."""


def ready_at(day: date, zone: tzinfo) -> int:
    """The unix second from which the day's bill may be asked for."""
    return int(datetime.combine(day + timedelta(days=1), READY, zone).timestamp())


def fetch_trade_bill(gateway: Gateway, day: date, target: Path) -> Unpacked | None:
    """The trade bill, on the disk; None where WeChat Pay says there was no trade. Raises NoBillYet, BillRefused."""
    return _fetch(gateway, gateway.trade_bill, day, target)


def fetch_fund_flow(gateway: Gateway, day: date, target: Path) -> Unpacked | None:
    """The fund-flow bill, likewise."""
    return _fetch(gateway, gateway.fund_flow_bill, day, target)


def _fetch(gateway: Gateway, ask: Callable[[date], BillAddress], day: date, target: Path) -> Unpacked | None:
    try:
        address = ask(day)
        got = unpack(gateway.download(address), target)
    except GatewayRefused as refused:
        if refused.code == NOTHING:
            return None
        if refused.code == MAKING:
            raise NoBillYet(f"微信支付还在做 {day} 的账单，过半小时再来。") from None
        if refused.code == TOO_OLD:
            raise NotKept(f"微信支付不给 {day} 的账单（只保留三个月）：{refused.message}") from None
        raise BillRefused(f"微信支付不给账单：{refused.code} {refused.message}") from None
    except GatewayTrouble as trouble:
        raise NoBillYet(f"账单没有取到，请再试一次：{trouble}") from None
    if got.sha1 != address.sha1:
        raise NoBillYet("取到的账单与微信支付给的 SHA1 不符，请再试一次。")
    return got
