"""The trade bill of the stand-in: when it exists, its form beside a real one, its sums, its hash."""

import gzip
import hashlib
import json
from collections.abc import Iterator

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType

from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Faults
from bot.sandbox.pay import PayStandIn
from tests.bot.sandbox_parts import NINE_O_CLOCK, VECTORS, keys

DAY = "2026-11-23"
TEN_NEXT_DAY = NINE_O_CLOCK + 25 * 3600


@pytest.fixture
def pay() -> Iterator[PayStandIn]:
    standin = PayStandIn(keys(), MovableClock(NINE_O_CLOCK), Faults()).start()
    yield standin
    standin.stop()


@pytest.fixture
def client(pay: PayStandIn) -> WeChatPay:
    made = WeChatPay(
        WeChatPayType.NATIVE,
        keys().mch_id,
        keys().merchant_key_pem,
        keys().merchant_serial,
        keys().app_id,
        keys().api_v3_key,
        notify_url="http://127.0.0.1:9/pay/notify",
        timeout=5,
        public_key=keys().platform_public_key_pem,
        public_key_id=keys().platform_public_key_id,
    )
    made._core._gate_way = pay.url
    return made


def _pay(pay: PayStandIn, client: WeChatPay, no: str, total: int, description: str = "养老保险") -> str:
    placed = client.pay(description=description, out_trade_no=no, amount={"total": total, "currency": "CNY"})
    return pay.scan(json.loads(placed[1])["code_url"], "oPayer").pay()


def _bill(client: WeChatPay, kind: str = "ALL", packed: str = "GZIP") -> list[str]:
    code, text = client.trade_bill(DAY, kind, packed)
    assert code == 200, text
    told = json.loads(text)
    code, content = client.download_bill(told["download_url"])
    assert code == 200
    bill: bytes = gzip.decompress(content) if packed == "GZIP" else content
    assert hashlib.sha1(bill, usedforsecurity=False).hexdigest() == told["hash_value"]
    return bill.decode().split("\n")


def _cells(lines: list[str], row: int) -> dict[str, str]:
    return dict(zip(lines[0].split(","), lines[row].split(","), strict=True))


def test_a_day_s_bill_holds_payments_and_refunds_with_their_sums(pay: PayStandIn, client: WeChatPay) -> None:
    first = _pay(pay, client, "ORDER-1", 600, "养老,保险")
    _pay(pay, client, "ORDER-2", 40000)
    client.pay(description="x", out_trade_no="UNPAID", amount={"total": 1, "currency": "CNY"})
    client.refund(out_refund_no="R-1", transaction_id=first, amount={"refund": 600, "total": 600, "currency": "CNY"})
    pay.clock.pin(TEN_NEXT_DAY)
    lines = _bill(client)
    assert len(lines) == 7  # header, three lines, summary header, summary, the last line's end
    paid, back = _cells(lines, 1), _cells(lines, 3)
    assert (paid["微信订单号"], paid["交易状态"], paid["订单金额"]) == (f"`{first}", "`SUCCESS", "`6.00")
    assert (paid["交易时间"], paid["手续费"], paid["商品名称"]) == ("`2026-11-23 09:00:00", "`0.04000", "`养老\\ 保险")
    assert (back["交易状态"], back["商户退款单号"], back["申请退款金额"]) == ("`REFUND", "`R-1", "`6.00")
    assert (back["应结订单金额"], back["退款状态"], back["商户订单号"]) == ("`0.00", "`SUCCESS", "`ORDER-1")
    assert lines[5] == "`3,`406.00,`6.00,`0.00,`2.40000,`406.00,`6.00"
    assert [len(_bill(client, kind, "GZIP")) for kind in ("SUCCESS", "REFUND")] == [6, 5]


@pytest.mark.parametrize("kind", ["ALL", "SUCCESS", "REFUND"])
def test_the_headers_are_those_of_a_real_bill(pay: PayStandIn, client: WeChatPay, kind: str) -> None:
    file = VECTORS / "bills" / f"trade_{kind.lower()}.csv"
    if not file.exists():
        pytest.skip("foreign vectors are not on this machine")
    real = file.read_text("utf-8").split("\n")
    transaction_id = _pay(pay, client, "ORDER-1", 600)
    amount = {"refund": 600, "total": 600, "currency": "CNY"}
    client.refund(out_refund_no="R-1", transaction_id=transaction_id, amount=amount)
    pay.clock.pin(TEN_NEXT_DAY)
    ours = _bill(client, kind)
    assert ours[0] == real[0]
    assert ours[-3] == real[2]
    assert all(cell.startswith("`") for cell in ours[1].split(","))


def test_a_bill_exists_from_ten_the_next_day_for_past_days_with_trade(pay: PayStandIn, client: WeChatPay) -> None:
    def code(day: str = DAY, packed: str = "GZIP") -> str:
        return str(json.loads(client.trade_bill(day, "ALL", packed)[1]).get("code"))

    _pay(pay, client, "ORDER-1", 600)
    assert code() == "INVALID_REQUEST"
    pay.clock.pin(TEN_NEXT_DAY - 1)
    assert code() == "STATEMENT_CREATING"
    pay.clock.pin(TEN_NEXT_DAY)
    assert code() == "None"
    assert code("2026-11-22") == "NO_STATEMENT_EXIST"
    assert code("20261123") == "PARAM_ERROR"
    assert code(packed="ZIP") == "PARAM_ERROR"


def test_a_download_address_lives_five_minutes(pay: PayStandIn, client: WeChatPay) -> None:
    _pay(pay, client, "ORDER-1", 600)
    pay.clock.pin(TEN_NEXT_DAY)
    url = json.loads(client.trade_bill(DAY)[1])["download_url"]
    pay.clock.move(299)
    assert client.download_bill(url)[0] == 200
    pay.clock.move(1)
    code, text = client.download_bill(url)
    assert (code, json.loads(text)["code"]) == (403, "NO_AUTH")


def test_the_fund_flow_bill_holds_what_was_moved_with_fees_apart(pay: PayStandIn, client: WeChatPay) -> None:
    first = _pay(pay, client, "ORDER-1", 60000)
    client.refund(
        out_refund_no="R-1", transaction_id=first, amount={"refund": 10000, "total": 60000, "currency": "CNY"}
    )
    pay.clock.pin(TEN_NEXT_DAY)
    told = json.loads(client.fundflow_bill(DAY, "BASIC", "GZIP")[1])
    lines = gzip.decompress(client.download_bill(told["download_url"])[1]).decode().split("\n")
    moved = [(row["业务类型"], row["收支类型"], row["收支金额(元)"]) for row in (_cells(lines, at) for at in (1, 2, 3))]
    assert moved == [
        ("`交易", "`收入", "`600.00"),
        ("`扣除交易手续费", "`支出", "`3.60"),
        ("`退款", "`支出", "`99.40"),
    ]
    assert lines[5] == "`3,`1,`600.00,`2,`103.00"
    assert json.loads(client.fundflow_bill(DAY, "FEES", "GZIP")[1])["code"] == "NO_STATEMENT_EXIST"
    pay.bills.creating = True
    assert json.loads(client.fundflow_bill(DAY, "BASIC", "GZIP")[1])["code"] == "STATEMENT_CREATING"


def test_rows_of_a_bill_can_be_altered_and_its_summary_follows(pay: PayStandIn, client: WeChatPay) -> None:
    _pay(pay, client, "ORDER-1", 600)
    pay.clock.pin(TEN_NEXT_DAY)
    before = _bill(client)
    pay.bills.alter = lambda rows: [*rows, rows[0] | {"订单金额": "1.00"}]
    assert _bill(client)[4] == "`2,`12.00,`0.00,`0.00,`0.08000,`7.00,`0.00"
    pay.bills.alter = lambda rows: []
    assert json.loads(client.trade_bill(DAY)[1])["code"] == "NO_STATEMENT_EXIST"
    pay.bills.alter = list
    assert _bill(client) == before
