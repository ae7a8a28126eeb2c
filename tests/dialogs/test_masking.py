"""What is kept of what a citizen said holds no ID number, no name and no code, and can still be understood."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.masking import masked_reply, masked_words
from dialogs.terms.identity import with_check_digit

TODAY = date(2026, 11, 23)


def kept(text: str, asked: str = "services", options: tuple[str, ...] = ()) -> str:
    return masked_words(text, asked, options, TODAY)


@pytest.mark.parametrize(
    ("text", "asked", "stays"),
    [
        ("369902198511030032", "document", "〔证件号 3699**********0032〕"),
        ("我的号码是 3699 0219 8511 0300 32", "services", "〔证件号 3699**********0032〕"),
        ("36990219851103003", "document", "*****************"),
        ("王样三", "insured", "〔姓名 王*三〕"),
        ("帮我妈李测二缴养老", "services", "帮我妈***缴养老"),
        ("我叫张明，13812345678，多少钱", "services", "****，***********，多少钱"),
        ("SAMPLE ALEX", "services", "****** ****"),
        ("ZM20261123ABCDEFGH ABCD-EFGH-JKMN", "certificate_number", "〔证明编号和查验码〕"),
        ("ABCD-EFGH-JKMN", "certificate_code", "〔证明编号和查验码〕"),
        ("养老保险费缴纳", "services", "养老保险费缴纳"),
        ("不缴了", "checkout", "不缴了"),
        ("1 3 5", "certificate_payments", "1 3 5"),
        ("500元", "tier", "500元"),
        ("", "services", ""),
    ],
)
def test_what_stays_of_words(text: str, asked: str, stays: str) -> None:
    assert kept(text, asked) == stays


def test_an_option_stays_as_it_was_shown() -> None:
    option = "王*三 2026 年养老保险 300元"
    assert kept(option, "orders", (option,)) == option


def test_a_code_stands_in_no_reply_that_is_kept() -> None:
    assert masked_reply(["好了。", "查验码：ABCD-EFGH-JKMN"]) == ("好了。", "查验码：****")


BIRTHS = st.dates(date(1920, 1, 1), date(2020, 1, 1))


@given(
    birth=BIRTHS,
    serial=st.integers(0, 999),
    gap=st.sampled_from(["", " ", "-", "  ", "."]),
    every=st.integers(1, 6),
    around=st.sampled_from(["{}", "我的是{}", "{}，快点", "号码{}姓名王样三"]),
    asked=st.sampled_from(["document", "insured", "services", "captcha", "tier"]),
    cut=st.integers(0, 6),
)
def test_no_number_stays_however_it_is_typed(
    birth: date, serial: int, gap: str, every: int, around: str, asked: str, cut: int
) -> None:
    number = with_check_digit(f"369902{birth:%Y%m%d}{serial:03}")
    number = number[: len(number) - cut]
    typed = gap.join(number[place : place + every] for place in range(0, len(number), every))
    shown = re.sub("[^0-9Xx]", "", kept(around.format(typed), asked))
    assert len(shown) <= 8, shown
    assert number not in shown
