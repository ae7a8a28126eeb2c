"""One character, two code points: the published map, made again from codecs and held against Unicode's own facts."""

from __future__ import annotations

import shutil
import subprocess
import unicodedata
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.terms.standard_han import GB18030_ROWS, RADICALS, standard_han

FIRST_HAN = 0xE815  # U+E815 is FE50; the private-use code points run on without a gap up to FEA0, U+E864


def test_the_codes_run_on_without_a_gap_as_the_standard_prints_them() -> None:
    han = [row for row in GB18030_ROWS if row[0][0] == 0xFE]
    codes = [bytes([0xFE, second]) for second in range(0x50, 0xA1) if second != 0x7F]
    assert [row[0] for row in han] == codes
    assert [row[1] for row in han] == [chr(FIRST_HAN + place) for place in range(80)]
    assert [ord(row[1]) for row in GB18030_ROWS if row[0][0] == 0xA6] == list(range(0xE78D, 0xE797))
    assert [ord(row[1]) for row in GB18030_ROWS if row[0][0] == 0xA9] == list(range(0xE7E7, 0xE7F4))


def test_the_codec_gives_one_of_the_two_for_each_code() -> None:
    kept = []
    for code, private, standard in GB18030_ROWS:
        found = code.decode("gb18030")
        assert found in (private, standard), code.hex()
        if found == private:
            kept.append(standard)
        assert standard.encode("gb18030").decode("gb18030") == standard
        assert unicodedata.category(private) == "Co"
        assert unicodedata.category(standard) not in ("Co", "Cn")
    assert "".join(kept) == "︐︒︑︓︔︕︖︗︘︙ḿ𠂇𠂉𠃌龴龵龶龷𡗗龸𢦏龹龺𤇾龻"
    # Unicode 4.1 added the vertical signs and U+9FB4 to U+9FBB for these very codes, in their order.
    assert [unicodedata.normalize("NFKC", sign) for sign in kept[:10]] == list(",。、:;!?") + ["〖", "〗", "..."]
    assert [sign for sign in kept if "\u9fb4" <= sign <= "\u9fbb"] == [chr(code) for code in range(0x9FB4, 0x9FBC)]


@pytest.mark.skipif(shutil.which("iconv") is None, reason="no iconv here for a second opinion")
def test_iconv_agrees() -> None:
    codes = b"".join(code for code, _, _ in GB18030_ROWS)
    decoded = subprocess.run(["iconv", "-f", "GB18030", "-t", "UTF-8"], input=codes, capture_output=True, check=True)
    for found, (code, private, standard) in zip(decoded.stdout.decode(), GB18030_ROWS, strict=True):
        assert found in (private, standard), code.hex()  # which of the two depends on the edition it knows
        assert standard_han(found) == standard


def test_radicals_are_the_characters_they_are_named_for() -> None:
    assert all(unicodedata.name(radical).startswith("CJK RADICAL") for radical in RADICALS)
    assert all(unicodedata.name(character).startswith("CJK UNIFIED") for character in RADICALS.values())
    assert standard_han("⻩⻰⻅⻓⻢⼀⿕") == "黄龙见长马一龠"


def test_what_the_map_does_not_name_stays_as_it_is() -> None:
    others = "\ue000\ue78c\ue797\ue7c6\ue865\uf8ff\U000f0000"
    assert standard_han(others) == others
    assert standard_han("王样三 SAMPLE ㎡\uf900") == "王样三 SAMPLE ㎡\uf900"


@given(st.text("王\ue863\ue839\ue7c7⻩⼀⺶\ue000A", max_size=20))
def test_twice_is_once(text: str) -> None:
    assert standard_han(standard_han(text)) == standard_han(text)


def test_no_standard_code_point_is_mapped_on() -> None:
    targets = set(chain((row[2] for row in GB18030_ROWS), RADICALS.values()))
    assert not targets & set(chain((row[1] for row in GB18030_ROWS), RADICALS))
