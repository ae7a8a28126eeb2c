"""Asking for a bill and fetching it: when it exists, its hash, and an address that lives five minutes."""

import gzip
import hashlib
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from bot.sandbox.bills import BILL_TYPES, Cells, fund_bill, fund_rows, trade_bill, trade_rows
from bot.sandbox.clock import MovableClock
from bot.sandbox.http import Answer
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.pay_orders import SHANGHAI, Orders
from bot.sandbox.pay_refunds import Refunds
from bot.sandbox.pay_sign import PayRefused

READY_HOUR = 10  # the day after; made from 9:00 on, promised from 10:00
KEPT_DAYS = 90
ADDRESS_SECONDS = 300
ACCOUNTS = ("BASIC", "OPERATION", "FEES")


class BillDesk:
    """Bills of past days. A bill once made stays as it was, but for what a test makes of its rows.

    `alter` and `alter_funds` are given the rows each time a bill is asked for, and give back those that stand in it;
    `creating` has every bill still in the making.
    """

    alter: Callable[[list[Cells]], list[Cells]]
    alter_funds: Callable[[list[Cells]], list[Cells]]

    def __init__(self, keys: SandboxKeys, clock: MovableClock, orders: Orders, refunds: Refunds) -> None:
        self._keys = keys
        self._clock = clock
        self._orders = orders
        self._refunds = refunds
        self.creating = False
        self.alter = self.alter_funds = list
        self._made: dict[date, tuple[list[Cells], list[Cells]]] = {}  # trades, funds
        self._addresses: dict[str, tuple[bytes, float]] = {}
        self._lock = threading.Lock()

    def ask(self, query: Mapping[str, str], base: str) -> dict[str, object]:
        """GET /v3/bill/tradebill; the hash is over the bill before it is packed."""
        if "bill_date" not in query or set(query) - {"bill_date", "bill_type", "tar_type"}:
            raise PayRefused(400, "PARAM_ERROR", "参数错误：bill_date")
        kind, packed = query.get("bill_type", "ALL"), query.get("tar_type")
        if kind not in BILL_TYPES or packed not in (None, "GZIP"):
            raise PayRefused(400, "PARAM_ERROR", "参数错误：bill_type或tar_type")
        day = _day(query["bill_date"])
        with self._lock:
            bill = trade_bill(kind, self.alter([dict(row) for row in self._rows(day)[0]]))
            return self._handed_out(bill, packed, base)

    def ask_funds(self, query: Mapping[str, str], base: str) -> dict[str, object]:
        """GET /v3/bill/fundflowbill; only the basic account of this merchant is ever moved."""
        if "bill_date" not in query or set(query) - {"bill_date", "account_type", "tar_type"}:
            raise PayRefused(400, "PARAM_ERROR", "参数错误：bill_date")
        account, packed = query.get("account_type", "BASIC"), query.get("tar_type")
        if account not in ACCOUNTS or packed not in (None, "GZIP"):
            raise PayRefused(400, "PARAM_ERROR", "参数错误：account_type或tar_type")
        day = _day(query["bill_date"])
        with self._lock:
            rows = self.alter_funds([dict(row) for row in self._rows(day)[1]]) if account == "BASIC" else []
            return self._handed_out(fund_bill(rows), packed, base)

    def _handed_out(self, text: str | None, packed: str | None, base: str) -> dict[str, object]:
        if text is None:
            raise PayRefused(400, "NO_STATEMENT_EXIST", "请求的账单文件不存在，请检查当前商户号在指定日期内是否有交易")
        bill, token = text.encode(), secrets.token_urlsafe(32)
        self._addresses[token] = (gzip.compress(bill) if packed else bill, self._clock.now() + ADDRESS_SECONDS)
        return {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(bill, usedforsecurity=False).hexdigest(),
            "download_url": f"{base}/v3/billdownload/file?token={token}",
        }

    def download(self, token: str) -> Answer:
        """The file behind a download address; 403 NO_AUTH once five minutes are over. Carries no signature."""
        with self._lock:
            content, until = self._addresses.get(token, (b"", 0.0))
        if self._clock.now() >= until:
            raise PayRefused(403, "NO_AUTH", "下载地址已失效")
        return Answer(200, content, {"Content-Type": "application/octet-stream"})

    def _must_be_ready(self, day: date) -> None:
        now = datetime.fromtimestamp(self._clock.now(), SHANGHAI)
        if day >= now.date() or day < now.date() - timedelta(days=KEPT_DAYS):
            raise PayRefused(400, "INVALID_REQUEST", "账单日期不在可下载的范围内")
        if self.creating or (day == now.date() - timedelta(days=1) and now.hour < READY_HOUR):
            raise PayRefused(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")

    def _rows(self, day: date) -> tuple[list[Cells], list[Cells]]:
        self._must_be_ready(day)
        if day not in self._made:
            begins = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp()
            ends = begins + 86400
            refunds = self._refunds.all()
            with self._orders.lock:
                paid = [each for each in self._orders.all() if each.transaction_id and begins <= each.paid_at < ends]
                back = [each for each in refunds if begins <= each.asked_at < ends]
                self._made[day] = trade_rows(self._keys, paid, back), fund_rows(paid, back)
        return self._made[day]


def _day(text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise PayRefused(400, "PARAM_ERROR", "参数错误：bill_date应为YYYY-MM-DD")
