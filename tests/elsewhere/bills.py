"""交易账单 and 资金账单 of a past day, as files (facts/wechat.md B0 to B2); a fee of 0.6 percent."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from tests.elsewhere.crypt import word
from tests.elsewhere.ground import BEIJING
from tests.elsewhere.ledger import Order, Refund
from tests.elsewhere.listening import Answer, Request
from tests.elsewhere.rules import PayRefused

if TYPE_CHECKING:
    from tests.elsewhere.merchant import Merchant

TRADE = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
TRADE_SUM = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FUNDS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
FUNDS_SUM = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
ADDRESS_SECONDS = 300
Row = list[str]


@dataclass(frozen=True)
class _File:
    packed: bytes
    until: float


class Bills:
    """The bills of one merchant. `alter` is laid over the rows of the trade bill."""

    def __init__(self, merchant: Merchant) -> None:
        self._merchant = merchant
        self._files: dict[str, _File] = {}
        self.alter: Callable[[list[Row]], list[Row]] = lambda rows: rows

    def address(self, request: Request) -> dict[str, str]:
        """Where a bill lies: {hash_type, hash_value, download_url}."""
        query = dict(request.query)
        funds = request.path.endswith("fundflowbill")
        kind = ("account_type", "BASIC") if funds else ("bill_type", "ALL")
        good = len(query) == len(request.query) and query.items() >= {kind, ("tar_type", "GZIP")}
        if not self._merchant.violations.unless(good and len(query) == 3, f"{request.target}: another query"):
            raise PayRefused(400, "PARAM_ERROR", "参数错误")
        day, now = (
            datetime.strptime(query["bill_date"], "%Y-%m-%d").replace(tzinfo=BEIJING),
            self._merchant.clock.beijing(),
        )
        if now < day + timedelta(days=1):
            self._merchant.violations.note(f"a bill of {day:%Y-%m-%d} was asked for on {now:%Y-%m-%d}")
            raise PayRefused(400, "INVALID_REQUEST", "账单日期不正确")
        if now < datetime.combine(day + timedelta(days=1), time(9), BEIJING):
            raise PayRefused(400, "STATEMENT_CREATING", "账单生成中")
        text = self._funds(day) if funds else self._trade(day)
        if not text:
            raise PayRefused(400, "NO_STATEMENT_EXIST", "账单不存在")
        token, raw = word(60), text.encode("utf-8")
        self._files[token] = _File(gzip.compress(raw), self._merchant.clock.now() + ADDRESS_SECONDS)
        return {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(raw, usedforsecurity=False).hexdigest(),
            "download_url": f"https://api.mch.weixin.qq.com/v3/billdownload/file?token={token}&tartype=gzip",
        }

    def file(self, request: Request) -> Answer:
        """A bill, packed; this answer carries no signature."""
        query = dict(request.query)
        file = self._files.get(query.get("token", ""))
        good = list(query) == ["token", "tartype"] and file is not None and self._merchant.clock.now() <= file.until
        if not self._merchant.violations.unless(good, f"{request.target}: not an address that was given"):
            raise PayRefused(403, "NO_AUTH", "无权限")
        assert file
        return Answer(200, file.packed, {"Content-Type": "application/x-gzip"})

    def _trade(self, day: datetime) -> str:
        rows = self.alter([*map(_payment, self._paid(day)), *(_refund(order, back) for order, back in self._back(day))])
        if not rows:
            return ""
        sums = [f"{len(rows)}", *(_yuan(sum(_fen(row[place]) for row in rows)) for place in (12, 16, 17))]
        sums += [
            _fee(sum(_fee_of(row) for row in rows)),
            *(_yuan(sum(_fen(row[place]) for row in rows)) for place in (24, 25)),
        ]
        return _sheet(TRADE, rows, TRADE_SUM, sums)

    def _funds(self, day: datetime) -> str:
        rows = [row for order in self._paid(day) for row in _flows(order)]
        rows += [_flow_back(order, back) for order, back in self._back(day)]
        if not rows:
            return ""
        came, went = ([row for row in rows if row[5] == way] for way in ("收入", "支出"))
        both = [part for some in (came, went) for part in (f"{len(some)}", _yuan(sum(_fen(row[6]) for row in some)))]
        return _sheet(FUNDS, rows, FUNDS_SUM, [f"{len(rows)}", *both])

    def _paid(self, day: datetime) -> Iterator[Order]:
        ends = day + timedelta(days=1)
        return (one for one in self._merchant.orders.values() if one.paid is not None and day <= one.paid < ends)

    def _back(self, day: datetime) -> Iterator[tuple[Order, Refund]]:
        ends = day + timedelta(days=1)
        for order in self._merchant.orders.values():
            yield from ((order, one) for one in order.refunds if one.done is not None and day <= one.done < ends)


def _payment(order: Order) -> Row:
    assert order.paid is not None
    return _row(order, order.paid, "SUCCESS", order.total, ["0", "0", "0.00", "0.00", "", ""], _charged(order.total), 0)


def _refund(order: Order, refund: Refund) -> Row:
    assert refund.done is not None
    middle = [refund.refund_id, refund.out_refund_no, _yuan(refund.amount), "0.00", "ORIGINAL", refund.status]
    return _row(order, refund.done, "REFUND", 0, middle, -_charged(refund.amount), refund.amount)


def _row(order: Order, at: datetime, state: str, total: int, middle: Row, fee: int, asked: int) -> Row:
    whose = [order.words["appid"], order.words["mchid"], "0", ""]
    numbers = [order.transaction_id, order.no, order.paid_by, order.trade_type, state, "OTHERS", "CNY"]
    goods = [order.words["description"], order.words.get("attach", "")]
    money = [_fee(fee), "0.60%", _yuan(total), _yuan(asked), ""]
    return [f"{at:%Y-%m-%d %H:%M:%S}", *whose, *numbers, _yuan(total), "0.00", *middle, *goods, *money]


def _flows(order: Order) -> Iterator[Row]:
    assert order.paid is not None
    at, number = f"{order.paid:%Y-%m-%d %H:%M:%S}", order.transaction_id
    tail = ["0.00", "system", "", order.no]
    yield [at, number, f"1{number[1:]}", "交易", "交易", "收入", _yuan(order.total), *tail]
    yield [
        at,
        number,
        f"2{number[1:]}",
        "扣除交易手续费",
        "扣除交易手续费",
        "支出",
        _yuan(_charged(order.total) // 1000),
        *tail,
    ]


def _flow_back(order: Order, refund: Refund) -> Row:
    assert refund.done is not None
    at, fee = f"{refund.done:%Y-%m-%d %H:%M:%S}", _charged(refund.amount) // 1000
    remark = f"退款总金额{_yuan(refund.amount)}元;含手续费{_yuan(fee)}元"
    amount = _yuan(refund.amount - fee)
    return [
        at,
        refund.refund_id,
        f"3{refund.refund_id[1:]}",
        "退款",
        "退款",
        "支出",
        amount,
        "0.00",
        "1900009191API",
        remark,
        order.no,
    ]


def _sheet(header: str, rows: list[Row], sum_header: str, sums: Row) -> str:
    width = header.count(",") + 1
    assert all(len(row) == width for row in rows), [len(row) for row in rows]
    lines = [
        header,
        *(",".join(f"`{cell}" for cell in row) for row in rows),
        sum_header,
        ",".join(f"`{one}" for one in sums),
    ]
    return "\ufeff" + "".join(f"{line}\r\n" for line in lines)


def _charged(amount: int) -> int:
    """The fee on so many fen, in thousandths of a fen."""
    return amount * 6


def _yuan(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02}"


def _fee(thousandths: int) -> str:
    return f"{'-' if thousandths < 0 else ''}{abs(thousandths) // 100_000}.{abs(thousandths) % 100_000:05}"


def _fen(cell: str) -> int:
    return round(float(cell) * 100)


def _fee_of(row: Row) -> int:
    return round(float(row[22]) * 100_000)
