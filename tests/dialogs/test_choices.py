"""Options: numbers, labels and parts of them are recognised, and paging loses none."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dialogs.choices import ORDINAL, PAGE_BYTES, PER_PAGE, exactly, pages, partly, plain, show
from dialogs.said import Shown
from dialogs.step import Option
from dialogs.terms.emoticons import without_emoticons

TIERS = [Option(f"{amount}元", value=amount) for amount in (100, 200, 300, 500, 1000, 1500, 3000)]
PLACES = [
    Option("南昌市东湖区城乡居民社会养老保险事业管理局", value="donghu"),
    Option("鄱阳县城乡居民社会养老保险事业管理局", value="poyang"),
]
LABELS = st.text(alphabet="元档年缴补养老医疗保险南昌县市一二三0123456789. （）·*", min_size=1, max_size=30)
OPTIONS = st.lists(st.builds(Option, label=LABELS, numbered=st.booleans()), max_size=60)


def meant(text: str, options: list[Option]) -> object:
    """The value of the option the machine would take."""
    text = without_emoticons(text)
    found = exactly(text, options) or partly(text, options)
    return found.value if found else None


@pytest.mark.parametrize(
    "text",
    [
        "2",
        "２",
        " 2 ",
        "2。",
        "二",
        "两",
        "第二个",
        "第2个",
        "第二",
        "选2",
        "选第二个",
        "二号",
        "2档",
        "第２项",
        "2、",
        "②",
        "❷",
        "贰",
        "俩",
        "2吧",
        "二吧",
        "我选2",
        "就选第二个",
        "那就2号吧",
        "我要第二个",
        "选2，谢谢",
        "嗯2",
    ],
)
def test_the_second_option_may_be_called_many_ways(text: str) -> None:
    assert meant(text, TIERS) == 200


@pytest.mark.parametrize(("text", "amount"), [("十", None), ("七", 3000), ("8", None), ("0", None), ("零", None)])
def test_only_numbers_that_are_shown_are_numbers(text: str, amount: int | None) -> None:
    assert meant(text, TIERS) == amount


def test_ten_and_beyond_may_be_said_in_words() -> None:
    many = [Option(f"选项{letter}", value=letter) for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert [meant(text, many) for text in ("十", "十一", "十九", "二十", "第十二个")] == ["j", "k", "s", "t", "l"]


@pytest.mark.parametrize(
    "text", ["500", "500元", "５００元", "500块", "５００", "500 元", "500元。", "“500元”", "我", "5,00元"]
)
def test_an_amount_may_be_written_many_ways(text: str) -> None:
    assert meant(text, TIERS) == (None if text == "我" else 500)


@pytest.mark.parametrize("text", ["500吧", "就500元吧", "我选500元", "那就500块"])
def test_an_amount_may_have_polite_words_around_it(text: str) -> None:
    assert meant(text, TIERS) == 500


@pytest.mark.parametrize("text", ["不选2", "别选2", "2吗", "不要2", "没选2", "2不行", "选不选2"])
def test_words_that_deny_or_ask_are_no_polite_words(text: str) -> None:
    assert meant(text, TIERS) is None


def test_another_word_for_an_option_counts_only_alone() -> None:
    options = [Option("撤回同意", value=1, also=("撤回",)), Option("不撤回", value=2)]
    assert (meant("撤回", options), meant("撤回吧", options), meant("撤回同意吧", options)) == (1, None, 1)


@pytest.mark.parametrize("text", ["50", "00", "5000", "00元", "50元", "0元", "15"])
def test_part_of_a_number_is_no_number(text: str) -> None:
    assert meant(text, TIERS) is None


@pytest.mark.parametrize("text", ["50", "00元", "00", "150", "80", "0.50", "5元"])
def test_part_of_a_number_is_no_number_even_where_only_one_label_holds_it(text: str) -> None:
    assert meant(text, [Option("三等 1500元", value=1), Option("资助 80.50元", value=2)]) is None


def test_a_hundred_is_not_a_thousand() -> None:
    assert (meant("100", TIERS), meant("1000", TIERS)) == (100, 1000)


def test_a_whole_amount_is_not_part_of_one_with_decimals() -> None:
    options = [Option("定额资助 80.50元", value="part"), Option("居民医保 400元", value="whole")]
    assert meant("80", options) is None
    assert meant("8050", options) is None
    assert meant("80.50", options) == meant("80.50元", options) == "part"


@pytest.mark.parametrize("text", ["东湖", "东湖区", "南昌市", "南昌市东湖区", "南昌市 东湖区"])
def test_a_part_that_only_one_label_holds_is_enough(text: str) -> None:
    assert meant(text, PLACES) == "donghu"


@pytest.mark.parametrize("text", ["养老保险", "居民", "区", "城乡居民社会养老保险事业管理局", "北京"])
def test_a_part_of_several_labels_or_one_sign_or_none_is_refused(text: str) -> None:
    assert meant(text, PLACES) is None


def test_of_two_options_with_one_label_neither_is_taken_for_the_other() -> None:
    twice = [Option("已作废 养老保险 500元", value=1), Option("已作废 养老保险 500元", value=2)]
    assert exactly("已作废 养老保险 500元", twice) is None
    assert meant("2", twice) == 2


def test_a_whole_label_goes_before_other_words_for_another_option() -> None:
    options = [Option("重来", value=1, also=("继续",)), Option("继续", value=2)]
    assert meant("继续", options) == 2


def test_options_without_a_number_are_not_counted() -> None:
    options = [Option("点这里付款", numbered=False), Option("甲", value="a"), Option("乙", value="b")]
    assert (meant("1", options), meant("2", options)) == ("a", "b")


def test_nothing_is_meant_by_nothing() -> None:
    assert meant("", TIERS) is meant(" 。！", TIERS) is meant("1", []) is None


@given(OPTIONS)
def test_paging_loses_no_option_and_no_page_is_empty_or_too_full(options: list[Option]) -> None:
    sheets = pages(options)
    assert [index for sheet in sheets for index in sheet] == list(range(len(options)))
    assert all(sheet for sheet in sheets) or not options
    for sheet in sheets:
        assert sum(options[index].numbered for index in sheet) <= PER_PAGE


@given(st.lists(LABELS, min_size=1, max_size=60))
def test_a_page_fits_into_what_a_reply_carries(labels: list[str]) -> None:
    options = [Option(label) for label in labels]
    for sheet in pages(options):
        assert sum(2 * len(options[index].label.encode()) for index in sheet) <= PAGE_BYTES or len(sheet) == 1


@given(OPTIONS.filter(bool), st.integers(0, 70))
def test_every_page_can_be_left_and_its_ids_are_its_own(options: list[Option], page: int) -> None:
    last = len(pages(options)) - 1
    page = min(page, last)
    shown = show(options, pages(options), page, 7, "下一页", "上一页")
    ids = [one.id for one in shown]
    assert len(ids) == len(set(ids))
    assert ("7.next" in ids, "7.before" in ids) == (page < last, page > 0)


@given(OPTIONS.filter(bool))
def test_every_number_shown_means_its_own_option(options: list[Option]) -> None:
    sheets = pages(options)
    shown = [one for page in range(len(sheets)) for one in show(options, sheets, page, 7, "", "")]
    for one in shown:
        if one.number is not None:
            found = exactly(str(one.number), options)
            assert found is options[int(one.id.removeprefix("7."))]


@given(st.lists(LABELS, min_size=1, max_size=20))
def test_every_label_that_is_like_no_other_and_no_number_means_its_own_option(labels: list[str]) -> None:
    options = [Option(label, value=place) for place, label in enumerate(labels)]
    names = [plain(label) for label in labels]
    for place, name in enumerate(names):
        if name and names.count(name) == 1 and not ORDINAL.fullmatch(name):
            found = exactly(labels[place], options)
            assert found is not None
            assert found.value == place


@given(st.text(), OPTIONS)
def test_no_words_break_the_recognition(text: str, options: list[Option]) -> None:
    for found in (exactly(text, options), partly(text, options)):
        assert found is None or found in options


@given(st.text())
def test_plain_words_stay_as_they_are(text: str) -> None:
    assume("." not in plain(text))
    assert plain(plain(text)) == plain(text) or not text.isascii()


def test_an_option_that_opens_a_service_is_the_same_in_every_conversation() -> None:
    home = [Option("全部服务", go="home")]
    shown = show(home, pages(home), 0, 7, "", "")
    assert shown == (Shown("go:home", "全部服务", 1),)
