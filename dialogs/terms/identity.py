"""Who somebody is: ID documents, names, how either is read from what was typed, compared, and masked on display."""

import enum
import hmac
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from stdnum.iso7064 import mod_11_2

from dialogs.terms.emoticons import has_only_emoticons, without_emoticons
from dialogs.terms.number_in_text import FIGURES, X_CHARACTERS, numbers_in
from dialogs.terms.standard_han import standard_han

# --- Signs ------------------------------------------------------------------------------------------------------------

# Han of all planes, and what stands for Han in old systems: radicals, compatibility ideographs, private use (BMP and
# planes 15, 16). Unassigned code points of planes 2 and 3 too: Unicode grows faster than Python. facts/domain.md 3D.
_HAN: Final = (
    r"\u2e80-\u2fd5\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\ue000-\uf8ff\uf900-\ufaff"
    r"\U00020000-\U0003fffd\U000f0000-\U000ffffd\U00100000-\U0010fffd"
)
_LATIN: Final = r"A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_ACCENTS: Final = r"\u0300-\u036f"
_DOTS: Final = r"·•・．.‧。●﹒⋅ᐧ｡･∙⸱˙◦∘ꞏ⸳᛫․⚫・"
# Not of category Cf, and invisible all the same: variation selectors, the grapheme joiner.
_INVISIBLE: Final = re.compile(r"[\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Not of category Z, and blank all the same: Hangul fillers, the empty Braille pattern.
_BLANK: Final = re.compile(r"[\s\u115f\u1160\u3164\uffa0\u2800]+")


def _plain(text: str) -> str:
    """ASCII where it was typed full-width, one ' ' for blanks in a row, nothing invisible; Han as it is.

    Not NFKC over the whole: that would exchange compatibility ideographs, and make digits of ① and ².
    """
    if text.isascii():
        return _BLANK.sub(" ", text)
    narrow = (chr(ord(sign) - 0xFEE0) if "\uff01" <= sign <= "\uff5e" else sign for sign in text)
    seen = "".join(sign for sign in narrow if unicodedata.category(sign) != "Cf")
    return _BLANK.sub(" ", _INVISIBLE.sub("", seen))


# --- Documents --------------------------------------------------------------------------------------------------------


class DocumentKind(enum.Enum):
    """Kinds of ID document, each with its tax document-type codes (身份证件类型代码, facts/domain.md 2A)."""

    RESIDENT = ("201",)  # 居民身份证
    HMT_RESIDENT = ("237", "238")  # 港澳台居民居住证: Hong Kong and Macau (81, 82), Taiwan (83)
    FOREIGN_RESIDENT = ("233",)  # 外国人永久居留身份证: 18 signs beginning with 9, or the old 3 letters and 12 digits


@dataclass(frozen=True, repr=False)
class Document:
    """An ID document. It prints masked, so that no log, error or test report can show the number by accident."""

    id_type: str
    """The tax document-type code, see DocumentKind."""
    number: str
    """Normalised: digits, and upper-case X or letters."""
    born: date | None
    """None for the old foreigner's card: published descriptions of its 12 digits contradict each other."""

    @property
    def kind(self) -> DocumentKind:
        """Raises ValueError for tax codes of documents this bot does not read, such as passports."""
        for kind in DocumentKind:
            if self.id_type in kind.value:
                return kind
        raise ValueError(f"no kind of ID document read here has the tax code {self.id_type}")

    @property
    def masked(self) -> str:
        return mask_number(self.number)

    def __repr__(self) -> str:
        return f"Document({self.id_type}, {self.masked})"


class NotADocument(ValueError):
    """What was typed is no ID number; `why` chooses the sentence, and the number itself is not repeated.

    `empty`: nothing but blanks. `characters`: no digits, a sign that does not belong, or several numbers. `old15`: the
    old 15-digit number. `length` is what is left after normalising: of the number, or of the text if it has no digits.
    """

    Why = Literal["empty", "length", "characters", "checksum", "birth", "old15", "province"]

    def __init__(self, why: Why, length: int) -> None:
        super().__init__(why, length)
        self.why: NotADocument.Why = why
        self.length = length


# GB/T 2260 provinces, and 81-83 for 港澳台居民居住证. Any first digit 9 is a foreigner's card.
_PROVINCES: Final = frozenset(
    str(code)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
    for code in range(first, last + 1)
)
_TAX_CODES: Final[Mapping[str, str]] = {"81": "237", "82": "237", "83": "238"}
_EARLIEST: Final = date(1900, 1, 1)
_X_LOOKALIKES: Final = re.compile(f"[{X_CHARACTERS}]")
_GROUP_GAP: Final = re.compile(r"[\s\-‐‑‒–—―−﹣_.·•・‧⋅･ー─]+")
_PHRASE: Final = re.compile(r"[0-9A-Z]+(?: [0-9A-Z]+)*")
_FIGURE: Final = re.compile("[0-9]")
_OLD_CARD: Final = re.compile("[A-Z]{3}[0-9]{12}")
_LIKE_A_NUMBER: Final = re.compile("[0-9]+X?|[A-Z]{3}[0-9]+")
_PHONE: Final = re.compile(r"(?<![0-9])1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}(?![0-9Xx])")
_FIFTEEN: Final = re.compile("[0-9]{15}")
_EIGHTEEN: Final = re.compile("[0-9]{17}[0-9X]")


def read_document(typed: str, today: date) -> Document:
    """Read the one ID number in what was typed; words around it and gaps within it do not matter. Raises NotADocument.

    Checked (facts/domain.md 3): province digits, a real birth date from 1900 to `today`, the ISO 7064 MOD 11-2 check
    digit. The old foreigner's card is checked for its form only.

    The six-digit division is never checked: people keep the code of their first registration. So stdnum.cn.ric cannot
    be used. Run against it, real kinds of number fail: 3625xx of old 抚州 and today's 360102 for people born before the
    code existed, every 81, 82, 83 and 9 card; 3699xx of the demo people ends in a KeyError; and births in 2099 pass.
    """
    good = numbers_in(typed, lambda number: _fault_of(number, today) is None)
    if len(good) > 1:
        raise NotADocument("characters", sum(map(len, good)))
    number = next(iter(good), None) or _the_number_in(_without_phone(_plain(typed)))
    if _OLD_CARD.fullmatch(number):
        return Document("233", number, None)
    if fault := _fault_of(number, today):
        raise NotADocument(fault, len(number))
    province = number[:2]
    return Document("233" if province[0] == "9" else _TAX_CODES.get(province, "201"), number, _born(number))


def _fault_of(number: str, today: date) -> NotADocument.Why | None:
    """What is wrong with a number without gaps; None where every check passes."""
    if not _LIKE_A_NUMBER.fullmatch(number):
        return "characters"
    if _FIFTEEN.fullmatch(number):
        return "old15"
    if not _EIGHTEEN.fullmatch(number):
        return "length"
    if number[:2] not in _PROVINCES and number[0] != "9":
        return "province"
    # The birth date before the check digit: a slip there spoils both, and naming the date helps more.
    born = _born(number)
    if born is None or not _EARLIEST <= born <= today:
        return "birth"
    return None if mod_11_2.is_valid(number) else "checksum"


def _without_phone(text: str) -> str:
    """The text without mobile phone numbers, where other digits are left to be the ID number."""
    rest = _PHONE.sub(" ", text)
    return rest if _FIGURE.search(rest) else text


def _the_number_in(text: str) -> str:
    """The one number-like run of digits and letters, its gaps closed and the words beside it left out."""
    if not text.strip():
        raise NotADocument("empty", 0)
    spaced = _GROUP_GAP.sub(" ", _X_LOOKALIKES.sub("X", text)).upper()
    phrases = [phrase for phrase in _PHRASE.findall(spaced) if _FIGURE.search(phrase)]
    if len(phrases) != 1:
        raise NotADocument("characters", sum(len(p.replace(" ", "")) for p in phrases) or len(text.strip()))
    words = phrases[0].split(" ")
    numeric = [place for place, word in enumerate(words) if _FIGURE.search(word)]
    first, last = numeric[0], numeric[-1]
    number = "".join(words[first : last + 1])
    if words[last + 1 :] == ["X"]:
        number += "X"
    if first and re.fullmatch("[A-Z]{3}", words[first - 1]) and re.fullmatch("[0-9]{12}", number):
        number = words[first - 1] + number
    return re.sub(r"^[A-Z]+(?=[0-9]{17}[0-9X]$)", "", number)  # "SFZ3699…", "ID3699…"


def _born(number: str) -> date | None:
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def with_check_digit(first17: str) -> str:
    """The 18-digit number these 17 digits make, for invented people in tests and demo files. Raises ValueError."""
    if not re.fullmatch("[0-9]{17}", first17):
        raise ValueError("seventeen digits are needed")
    return first17 + mod_11_2.calc_check_digit(first17)


def mask_number(number: str) -> str:
    """First four and last four signs kept (3699**********0032); below nine signs, only the last (3E)."""
    if len(number) < 9:
        last = number[1:][-1:]
        return "*" * (len(number) - len(last)) + last
    return number[:4] + "*" * (len(number) - 8) + number[-4:]


def age_on(born: date, today: date) -> int:
    """Full years lived. Somebody born on 29 February completes a year on 1 March of a year without that day:
    on 28 February the year is not over yet."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


# --- Names ------------------------------------------------------------------------------------------------------------


class NotAName(ValueError):
    """What was typed cannot be a name; `why` chooses the sentence, and the text itself is not repeated."""

    Why = Literal["empty", "length", "characters"]

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: NotAName.Why = why


LONGEST_NAME: Final = 50
"""In code points, never UTF-16 units: 𬭎 counts once (facts/domain.md 3D)."""

_QUOTES: Final = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "‐": "-", "‑": "-", "–": "-"})
_ACCENTED: Final = re.compile(rf"[{_LATIN}][{_ACCENTS}]+")
_DOTTED: Final = re.compile(rf" ?[{_DOTS}][{_DOTS} ]*")
_BESIDE_HAN: Final = re.compile(rf"(?<=[{_HAN}]) | (?=[{_HAN}])")
_COMPATIBILITY_HAN: Final = re.compile(r"[\u2e80-\u2fd5\uf900-\ufaff\U0002f800-\U0002fa1f]")
_LETTERS: Final = rf"(?:[{_HAN}]|[{_LATIN}][{_ACCENTS}]*)+"
_NAME: Final = re.compile(rf"{_LETTERS}(?:(?:·|\.? |\.|(?<=[{_LATIN}{_ACCENTS}]) ?['\-] ?(?=[{_LATIN}])){_LETTERS})*")


# What is typed around a name and is none of it: 王样三！, “王样三”, 王样三（本人）.
_AROUND_A_NAME: Final = " !?,;:~、。，！？；：～\"'“”‘’「」『』《》〈〉【】[]()（）*_#—…-"
_BESIDE_A_NAME: Final = re.compile(
    rf"^[{re.escape(_AROUND_A_NAME)}]+|\([^()]{{0,10}}\)[{re.escape(_AROUND_A_NAME)}]*$|[{re.escape(_AROUND_A_NAME)}]+$"
)
_READ_ALOUD: Final = re.compile(f"[{''.join(FIGURES)}]{{6,}}")  # part of a number, no name


def normalise_name(typed: str) -> str:
    """The one spelling of a name: every middle dot beside Han is '·' (U+00B7), Latin is upper-case with single blanks.

    Blanks around and between Han and everything invisible go, as do dots at either end and in a row. Han stays as
    typed, but for the private-use code points and radicals of `standard_han`. Twice is the same as once.
    """
    text = standard_han(_plain(typed)).upper().translate(_QUOTES)  # in this order: ŉ becomes ʼ and N
    text = _ACCENTED.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)
    text = _BESIDE_HAN.sub("", _DOTTED.sub(_one_dot, text))
    return text.strip(" ")


def _one_dot(match: re.Match[str]) -> str:
    """What a run of dots and blanks becomes: nothing at either end, '·' beside Han, '.' in Latin ("J. SMITH")."""
    before, after = _sign_at(match.string, match.start() - 1), _sign_at(match.string, match.end())
    if not before or not after:
        return ""
    if re.search(f"[{_HAN}]", before + after):
        return "·"
    return ". " if " " in match[0] else "."


def _sign_at(text: str, place: int) -> str:
    return text[place] if 0 <= place < len(text) else ""


def read_name(typed: str) -> str:
    """Read a name, normalised: 1 to LONGEST_NAME signs of Han (any plane, private use too) or Latin, with '·' between
    parts, and blank, ' and - in Latin names. "姓名：" before it is left out. Raises NotAName."""
    name = normalise_name(typed)
    if name.startswith("姓名:"):
        name = normalise_name(name.removeprefix("姓名:"))
    if not name:
        raise NotAName("empty")
    if len(name) > LONGEST_NAME:
        raise NotAName("length")
    if not _NAME.fullmatch(name):
        raise NotAName("characters")
    return name


def read_typed_name(typed: str) -> str:
    """Read a name as a citizen typed it: what stands around it goes first (王样三！, “王样三”, 王样三[微笑]).

    Figures read aloud (三六九九…) are part of a number and no name. Raises NotAName.
    """
    if has_only_emoticons(typed):
        raise NotAName("characters" if typed.strip() else "empty")
    name = read_name(_BESIDE_A_NAME.sub("", without_emoticons(_plain(typed))))
    if _READ_ALOUD.fullmatch(name):
        raise NotAName("characters")
    return name


def same_name(a: str, b: str) -> bool:
    """Whether two spellings are one name, in constant time. An empty name is nobody's.

    Compatibility ideographs and radicals count as the Han they are. Private-use code points that GB 18030 publishes are
    their standard ones; others are compared as they are: what they mean depends on the system they come from. The dot
    between parts may be left out, or be spoken (点): people do not find it on their keyboards.
    """
    ours, theirs = normalise_name(a), normalise_name(b)
    folded, expected = _folded(_with_dots_of(theirs, ours)), _folded(_with_dots_of(ours, theirs))
    return bool(folded) and hmac.compare_digest(folded, expected)


def _with_dots_of(other: str, name: str) -> str:
    """The name with a dot for each 点, where the other spelling has so many dots and this one has none."""
    spoken = "·" in other and "·" not in name and name.count("点") == other.count("·")
    return name.replace("点", "·") if spoken else name


def _folded(name: str) -> bytes:
    han = _COMPATIBILITY_HAN.sub(lambda match: unicodedata.normalize("NFKC", match[0]), name)
    return han.replace("·", "").encode("utf-8", "surrogatepass")


def mask_name(name: str) -> str:
    """张三 is 张*, 张小三 is 张*三, 买试·吐尔示 is 买*·**示, SAMPLE ALEX is S***** ***X (facts/domain.md 3E).

    First and last sign stay; of two signs only the first, of one sign none. Dots and blanks between parts stay.
    """
    name = standard_han(name)
    signs = [place for place, sign in enumerate(name) if not re.fullmatch(rf"[{_DOTS} ]", sign)]
    shown = {signs[0], signs[-1]} if len(signs) > 2 else set(signs[:-1])
    hidden = set(signs) - shown
    return "".join("*" if place in hidden else sign for place, sign in enumerate(name))
