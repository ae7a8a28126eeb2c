"""Bills that others wrote are read with their oddities, exactly; what is no bill is refused and says why."""

from __future__ import annotations

import gzip
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pay.bill_address import bill_address_of
from bot.pay.charge import Garbled
from bot.reconciling.fund_flow_bill import read_fund_flow
from bot.reconciling.numbers import count, fen, thousandths
from bot.reconciling.refusal import BillRefused
from bot.reconciling.trade_bill import TradeBillFile
from bot.reconciling.unpacking import unpack, unpack_file
from storage.reconciliation.bills import FundSummary, TradeLine, TradeSummary
from storage.reconciliation.columns import PAYMENT, REFUND
from storage.reconciliation.figures import untied
from storage.reconciliation.fund_flow import FundFlow, flow_of
from tests.bot.vectors import foreign_json
from tests.storage.counter import ZONE

BILLS = Path(__file__).parents[4] / "shared" / "data" / "vectors" / "bills"
WHOLE = "wechatpay-php__bill.ALL.csv"
# Excerpts: their summary row is of rows that were left out (type, rows that are there, rows there were).
EXCERPTS = {
    "trade_all.csv": ("ALL", 1, 48),
    "trade_all_crlf_nodetail.csv": ("ALL", 0, 3),
    "trade_refund.csv": ("REFUND", 1, 4),
    "trade_success.csv": ("SUCCESS", 1, 31),
}


def _foreign(name: str) -> Path:
    if not (BILLS / name).exists():
        pytest.skip(f"no foreign sample {name} here")
    return BILLS / name


def _come_to(lines: list[TradeLine]) -> TradeSummary:
    paid, back = ([line for line in lines if line.kind == kind] for kind in (PAYMENT, REFUND))
    return TradeSummary(
        rows=len(lines),
        settled=sum(line.settled for line in paid),
        refunded=-sum(line.settled for line in back),
        voucher=-sum(line.voucher for line in back),
        fee=sum(line.fee for line in lines),
        ordered=sum(line.amount for line in paid),
        asked=-sum(line.amount for line in back),
    )


def test_every_bill_of_the_folder_is_one_of_those_read_here() -> None:
    if not BILLS.exists():
        pytest.skip("no foreign bills here")
    assert {file.name for file in BILLS.iterdir()} == {WHOLE, "fundflow_basic.csv", *EXCERPTS}


def test_a_real_bill_with_mark_crlf_and_a_count_that_is_a_float_ties_to_its_summary() -> None:
    file = _foreign(WHOLE)
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    bill = TradeBillFile(file, ZONE)
    lines = list(bill.lines())
    assert bill.kind == "ALL"
    assert untied("bill_sum", bill.summary, _come_to(lines)) == []
    assert asdict(bill.summary) == {
        "rows": 45,
        "settled": 47,
        "refunded": 14,
        "voucher": 0,
        "fee": 8000,
        "ordered": 47,
        "asked": 14,
    }
    first = lines[0]
    assert (first.kind, first.state, first.amount) == (REFUND, "SUCCESS", -1)
    assert first.reason == "REF4200000263201902167700963919"
    assert datetime.fromtimestamp(first.at, ZONE).isoformat() == "2019-02-19T05:01:46+08:00"


@pytest.mark.parametrize("name", EXCERPTS)
def test_an_excerpt_is_read_and_found_not_to_tie(name: str) -> None:
    kind, there, said = EXCERPTS[name]
    bill = TradeBillFile(_foreign(name), ZONE)
    lines = list(bill.lines())
    assert (bill.kind, len(lines), bill.summary.rows) == (kind, there, said)
    [found] = untied("bill_sum", bill.summary, _come_to(lines))
    assert found.facts["rows in the summary"] == said
    assert found.facts["rows of the rows"] == there


def test_a_fee_that_comes_back_is_negative() -> None:
    bill = TradeBillFile(_foreign("trade_refund.csv"), ZONE)
    assert list(bill.lines())
    assert bill.summary.fee == -2000


def test_a_fund_flow_bill_is_summed_by_business_and_one_cut_short_does_not_tie() -> None:
    sums, summary = read_fund_flow(_foreign("fundflow_basic.csv"))
    assert sums == {"退款": {"支出": (2, 2)}}
    assert summary == FundSummary(3, 1, 1, 2, 2)
    [found] = flow_of(sums, summary).untied()
    assert found.facts == {
        "rows in the summary": 3,
        "rows of the rows": 2,
        "rows_in in the summary": 1,
        "rows_in of the rows": 0,
        "amount_in in the summary": 1,
        "amount_in of the rows": 0,
    }
    assert FundFlow((), FundSummary()).untied() == []


@pytest.mark.parametrize("name", ["wechatpy__bill_tradebill.json", "wechatpy__bill_fundflowbill.json"])
def test_the_address_of_a_bill_is_kept_word_for_word_without_its_host(name: str) -> None:
    address = bill_address_of(foreign_json(name))
    assert address.path == "/v3/bill/downloadurl?token=xxx"
    assert address.sha1 == "79bb0f45fc4c42234a918000b2668d689e2bde04"


@pytest.mark.parametrize(
    "changed",
    [{"hash_type": "MD5"}, {"hash_value": "x"}, {"download_url": "/v3/x"}, {"download_url": 1}, {"hash_value": None}],
)
def test_an_address_of_another_form_is_garbled(changed: dict[str, object]) -> None:
    plain = {"hash_type": "SHA1", "hash_value": "0" * 40, "download_url": "https://x.example/v3/f?token=a"}
    with pytest.raises(Garbled):
        bill_address_of(plain | changed)


@given(st.integers(-(10**12), 10**12))
def test_amounts_are_read_exactly_however_many_decimals_are_written(number: int) -> None:
    sign, (whole, rest) = "-" if number < 0 else "", divmod(abs(number), 100_000)
    text = f"{sign}{whole}.{rest:05}"
    assert thousandths(text) == number
    assert thousandths(text + "0") == number
    if number % 1000 == 0:
        assert fen(text) == number // 1000 == fen(text[:-3])


@pytest.mark.parametrize("text", ["", "-", "1,000.00", "1e3", "１", "0.001", "NaN", " 1", "1.", "+1", "0.123456"])
def test_what_is_no_amount_of_whole_fen_is_refused(text: str) -> None:
    with pytest.raises(BillRefused):
        fen(text)


def test_a_count_may_be_written_as_a_float_but_not_be_one() -> None:
    assert [count(text) for text in ("3", "3.0", "45.00", "0")] == [3, 3, 45, 0]
    for text in ("3.5", "", "-1", "3,0"):
        with pytest.raises(BillRefused):
            count(text)


@given(st.binary(min_size=1, max_size=300), st.integers(1, 40))
def test_a_packed_bill_comes_out_as_it_went_in_however_it_is_cut(content: bytes, size: int) -> None:
    from tempfile import TemporaryDirectory

    packed = gzip.compress(content)
    with TemporaryDirectory() as folder:
        got = unpack((packed[at : at + size] for at in range(0, len(packed), size)), Path(folder) / "bill")
        assert got.path.read_bytes() == content
        (Path(folder) / "packed").write_bytes(packed)
        assert unpack_file(Path(folder) / "packed", Path(folder) / "again").sha1 == got.sha1
        with pytest.raises(BillRefused):
            unpack([packed[:-1]], Path(folder) / "short")
        with pytest.raises(BillRefused):
            unpack([packed, b"more"], Path(folder) / "long")
