"""What WeChat Pay keeps for us beside an attempt: small enough, read again, and nobody else's."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from storage.orders.attached import Attached, Attachments, Owed

OURS = Attachments(bytes(range(32)))
NUMBER = "261123ABCDEFGH-1"
keys = st.text("0123456789abcdef", min_size=32, max_size=32)
openids = st.text("abcXYZ0_-", max_size=28)
words = st.text("abc:0123", max_size=20)
lines = st.builds(
    Owed,
    person=keys,
    payable_key=words,
    institution=words,
    person_no=words,
    tier_code=words,
    amount=st.integers(1, 10**9),
)


@given(payer=openids, owed=st.lists(lines, max_size=25), amount=st.integers(1, 10**9))
def test_every_attachment_fits_and_is_read_again(payer: str, owed: list[Owed], amount: int) -> None:
    text = OURS.write(NUMBER, amount, payer, owed)
    assert re.fullmatch(r"[0-9A-Za-z_-]{1,128}", text)
    said = OURS.read(text, NUMBER, amount)
    fits = len(owed) <= (96 - 2 - 6 - len(payer)) // 8
    assert said == Attached(payer, tuple(sign for one in owed if (sign := OURS.sign(one))) if fits else ())


@given(owed=lines, at=st.integers(0, 200), letter=st.sampled_from("Aa0_-"))
def test_altered_or_of_another_attempt_it_says_nothing(owed: Owed, at: int, letter: str) -> None:
    text = OURS.write(NUMBER, 50000, "", [owed])
    place = at % (len(text) - 1)  # the last letter's last bits say nothing
    altered = text[:place] + letter + text[place + 1 :]
    if altered != text:
        assert OURS.read(altered, NUMBER, 50000) is None
    assert OURS.read(text, "261123ABCDEFGH-2", 50000) is None
    assert OURS.read(text, NUMBER, 50001) is None
    assert Attachments(bytes(32)).read(text, NUMBER, 50000) is None


@given(text=st.text(max_size=130))
def test_what_another_system_attached_is_not_ours(text: str) -> None:
    assert OURS.read(text, NUMBER, 50000) is None


def test_five_people_with_both_insurances_fit_where_the_payer_is_known() -> None:
    owed = [Owed(f"{number:032x}", str(number), "", "", "", 1) for number in range(10)]
    said = OURS.read(OURS.write(NUMBER, 10, "", owed), NUMBER, 10)
    assert said is not None
    assert len(said.lines) == 10


def test_neither_number_nor_name_nor_key_stands_in_it() -> None:
    key = "0123456789abcdef" * 2
    said = OURS.read(OURS.write(NUMBER, 1, "", [Owed(key, f"pension:{key}:2026", "i", "no", "t", 1)]), NUMBER, 1)
    assert said is not None
    assert said.lines[0].person == key[:10]


def test_a_line_whose_insured_is_no_look_up_key_is_not_named() -> None:
    assert OURS.read(OURS.write(NUMBER, 1, "o", [Owed("wang", "k", "i", "n", "t", 1)]), NUMBER, 1) == Attached("o", ())
