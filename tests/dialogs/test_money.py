"""Amounts: what citizens read, what files carry, and capitals (大写) by the examples of facts/domain.md 2C."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.terms.money import MOST_FEN, NotMoney, capital, decimal_yuan, fen_of, spoken_yuan, yuan

FEN = st.integers(0, 10**14 - 1) | st.integers(0, 10**7)
DIGITS = {sign: value for value, sign in enumerate("零壹贰叁肆伍陆柒捌玖")}
PLACES = {"拾": 10, "佰": 100, "仟": 1000}


@pytest.mark.parametrize(
    ("fen", "text"),
    [(50000, "500元"), (8050, "80.50元"), (0, "0元"), (1, "0.01元"), (10, "0.10元"), (-8000, "-80元"), (-1, "-0.01元")]
    + [(123456700, "1234567元"), (10000, "100元"), (100, "1元")],
)
def test_citizens_read_yuan_without_needless_decimals(fen: int, text: str) -> None:
    assert yuan(fen) == text


@pytest.mark.parametrize(
    ("fen", "text"), [(50000, "500.00"), (5, "0.05"), (0, "0.00"), (-8050, "-80.50"), (-5, "-0.05")]
)
def test_files_carry_two_decimals(fen: int, text: str) -> None:
    assert decimal_yuan(fen) == text


@pytest.mark.parametrize(
    ("text", "fen"),
    [("500.00", 50000), ("500", 50000), ("0.5", 50), ("0", 0), ("0.00", 0), ("80.05", 8005), ("10000000000", MOST_FEN)],
)
def test_an_amount_of_a_file_is_read_into_fen(text: str, fen: int) -> None:
    assert fen_of(text) == fen


@pytest.mark.parametrize(
    "text",
    ["", " ", "500 ", " 500", "500\n", "-500", "+500", "-0", "1e3", "1,000.00", "1_000", "500.", ".5", "1.005", "0500"]
    + ["５００", "٥٠٠", "500元", "nan", "inf", "0x10", "10000000000.01", "99999999999", "9" * 10_000, "=1+1", "1.2.3"],
)
def test_anything_but_plain_digits_with_two_decimals_is_no_amount(text: str) -> None:
    with pytest.raises(NotMoney):
        fen_of(text)


def test_a_refused_amount_does_not_repeat_what_stood_in_the_column() -> None:
    with pytest.raises(NotMoney) as caught:
        fen_of("369901197005210021")
    assert "369901" not in str(caught.value)


@given(st.integers(0, MOST_FEN))
def test_what_is_written_to_a_file_is_read_back(fen: int) -> None:
    assert fen_of(decimal_yuan(fen)) == fen


@given(st.text())
def test_any_text_is_an_amount_or_not_money(text: str) -> None:
    with contextlib.suppress(NotMoney):
        assert 0 <= fen_of(text) <= MOST_FEN


@pytest.mark.parametrize(
    ("amount", "text"),
    [  # facts/domain.md 2C, rules 3 to 5 and the bot's own
        ("1409.50", "壹仟肆佰零玖元伍角整"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("1680.32", "壹仟陆佰捌拾元叁角贰分"),
        ("107000.53", "壹拾万柒仟元伍角叁分"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("0", "零元整"),
        ("350", "叁佰伍拾元整"),
        ("400", "肆佰元整"),
        ("1005", "壹仟零伍元整"),
        ("3000", "叁仟元整"),
        ("6000", "陆仟元整"),
        ("10010", "壹万零壹拾元整"),
        ("320.00", "叁佰贰拾元整"),
        ("100000", "壹拾万元整"),
        # ends and gaps
        ("0.01", "壹分"),
        ("0.10", "壹角整"),
        ("0.53", "伍角叁分"),
        ("10.05", "壹拾元零伍分"),
        ("10", "壹拾元整"),
        ("19", "壹拾玖元整"),
        ("100500", "壹拾万零伍佰元整"),
        ("100000000", "壹亿元整"),
        ("100000005", "壹亿零伍元整"),
        ("100005000", "壹亿零伍仟元整"),
        ("1020000000", "壹拾亿贰仟万元整"),
        ("1010100101", "壹拾亿壹仟零壹拾万零壹佰零壹元整"),
        ("9999999999.99", "玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_capitals_follow_the_examples(amount: str, text: str) -> None:
    fen = fen_of(amount)
    assert capital(fen) == text
    assert capital(fen, prefix=True) == "人民币" + text


@given(FEN)
def test_capitals_read_back_are_the_amount(fen: int) -> None:
    assert read_capital(capital(fen)) == fen


@given(FEN)
def test_capitals_are_well_formed(fen: int) -> None:
    text = capital(fen)
    assert re.fullmatch(
        r"((零|[壹贰叁肆伍陆柒捌玖][仟佰拾]?|[亿万])+元)?(零?[壹贰叁肆伍陆柒捌玖]分|.角(.分)?|)整?", text
    )
    assert "零零" not in text
    assert "零元" not in text or text == "零元整"
    assert not re.search("零[拾佰仟万亿角分整]|亿万|^[拾佰仟万亿角分整]", text)
    assert text.endswith("分") != text.endswith("整")


@pytest.mark.parametrize("fen", [-1, 10**14])
def test_capitals_refuse_what_they_cannot_write(fen: int) -> None:
    with pytest.raises(ValueError, match="capitals"):
        capital(fen)


def read_capital(text: str) -> int:
    """Capitals back to fen, written against the rules and not against the code under test."""
    whole, _, rest = text.rpartition("元")
    total = group = digit = 0
    for sign in whole:
        if sign in DIGITS:
            digit = DIGITS[sign]
        elif sign in PLACES:
            group, digit = group + digit * PLACES[sign], 0
        else:
            total, group, digit = total + (group + digit) * (10**8 if sign == "亿" else 10**4), 0, 0
    jiao, cent = re.search("(.)角", rest), re.search("(.)分", rest)
    return (total + group + digit) * 100 + (DIGITS[jiao[1]] * 10 if jiao else 0) + (DIGITS[cent[1]] if cent else 0)


@pytest.mark.parametrize(
    ("fen", "said"), [(50000, "五百"), (150000, "一千五"), (150000, "一千五百元"), (200000, "两千"), (300000, "三千块")]
)
def test_a_round_amount_is_known_as_it_is_said_aloud(fen: int, said: str) -> None:
    assert said in spoken_yuan(fen)


@pytest.mark.parametrize("fen", [0, 8050, 8000, 1_000_000, -50000])
def test_other_amounts_have_no_spoken_form(fen: int) -> None:
    assert spoken_yuan(fen) == ()
