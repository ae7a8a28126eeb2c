"""What a stranger finds out: the enumeration of numbers ends, and of people nobody knows only what is due is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dialogs.steps.consent import VERSION
from dialogs.terms.identity import with_check_digit
from dialogs.terms.insurance import Insurance, PayKind, Status, payable_key
from dialogs.texts import say
from dialogs.world import Payment
from tests.dialogs.test_family import family
from tests.dialogs.townspeople import LI, MAI, MORNING, RESIDENTS, WANG, WU, ZHAO, Phone, town

FLOWS = ("pay.medical", "pay.pension", "pay.medical_assessed", "my.contacts", "query.payments", "query.enrolments")


def begin(phone: Phone, service: str) -> None:
    phone.town.agreed[phone.payer] = {VERSION}
    phone.say("取消")
    phone.click(service)
    if service == "my.contacts":
        phone.say("加一个人")
    if service == "query.payments":
        phone.say("两种都看")


def compared(phone: Phone) -> list[str]:
    """The names this town compared, by a registry that writes them down."""
    return phone.town.compared


@pytest.mark.parametrize("service", FLOWS)
def test_243_numbers_and_one_name_are_compared_eight_times(service: str) -> None:
    phone = Phone(town())
    for order in range(100, 343):
        begin(phone, service)
        phone.say(with_check_digit(f"36990119700521{order:03}"))
        if phone.session.asked in ("insured", "lookup_name"):
            phone.say("李测二")
        if phone.session.asked == "captcha":
            phone.say("2345")
    assert len(compared(phone)) == 8
    begin(phone, service)
    phone.say(LI.number)
    assert phone.session.flow == "", "a number that is somebody's gets the same end as one that is nobody's"


def test_fifty_names_through_ten_openids_meet_a_code_after_the_tenth() -> None:
    place = town()
    for openid in range(10):
        phone = Phone(place, f"o{openid}")
        for _ in range(5):
            begin(phone, "pay.medical")
            phone.say(LI.number)
            if phone.session.asked == "insured":
                phone.say("李试二")
    assert len(place.compared) == 10


def test_five_wrong_sums_of_a_stranger_do_not_keep_out_whoever_paid() -> None:
    place = town()
    stranger, payer = Phone(place, "stranger"), Phone(place, "payer")
    begin(stranger, "query.enrolments")
    stranger.say(LI.number, LI.name, *["1111"] * 5)
    place.confirmed["payer", LI.key] = place.moment
    begin(payer, "query.enrolments")
    assert "参保信息：" in payer.say(LI.number, LI.name)


@pytest.mark.parametrize("who", [LI, WANG, ZHAO, WU, MAI], ids=lambda one: one.number[-4:])
@pytest.mark.parametrize("service", ["pay.pension", "pay.medical", "pay.pension_assessed", "pay.medical_assessed"])
def test_of_a_stranger_no_past_payment_and_no_reason_is_told(who: object, service: str) -> None:
    place = town()
    for one in RESIDENTS:
        for insurance, year in ((Insurance.PENSION, 2026), (Insurance.MEDICAL, 2027), (Insurance.PENSION, 2025)):
            key = payable_key(one.key, insurance, year, PayKind.NORMAL, "")
            if one is not WU and (one is not LI or year != 2026):
                place.payments[key] = Payment(insurance, year, 77700, MORNING - timedelta(days=100))
    phone = Phone(place)
    begin(phone, service)
    assert isinstance(who, type(LI))
    read = phone.say(who.number, who.name)
    for secret in ("777", "8月", "资助", "政府", "财政", "代缴", "领养老金", "暂停", "终止", "银行"):
        assert secret not in read, read


def test_after_the_code_the_details_are_told() -> None:
    phone = Phone(town())
    begin(phone, "pay.medical")
    read = phone.say(WU.number, WU.name)
    assert say("owed.nothing_medical", name="吴*八", year=2027) in read
    phone.tap(say("strangers.details"))
    assert phone.session.asked == "captcha"
    assert "政府出钱" in phone.say("2345")


NO_NAMES = ("等一下", "好的", "多少钱", "你好", "这是什么", "我不知道", "李", "谢谢", "怎么缴费", "[微笑]", "。。。")
NAMES = ("王一", "欧阳测试", "买试·吐尔示", "阿卜杜拉·买买提", "SAMPLE ALEX", "䶮样", "安好", "文明白", "高兴")


@pytest.mark.parametrize("words", [*NO_NAMES, "13800138000"])
def test_words_that_are_no_name_are_neither_compared_nor_counted(words: str) -> None:
    phone = Phone(town())
    begin(phone, "pay.medical")
    phone.say(LI.number, *[words] * 10)
    assert compared(phone) == []
    phone.say(LI.name)
    assert phone.session.asked == "confirm"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_compared(name: str) -> None:
    phone = Phone(town())
    begin(phone, "pay.medical")
    phone.say(LI.number, name)
    assert len(compared(phone)) == 1


@pytest.mark.parametrize(
    "name", ["那英", "那木其", "帮达示", "拉毛卓么", "日哦", "他西", "阿咋", "卓吗", "明白", "马上"]
)
def test_a_rare_name_that_sounds_like_a_word_is_compared(name: str) -> None:
    """那, 帮 and 他 begin names, 么, 哦 and 吗 end names: who has one could otherwise never pay."""
    test_a_name_is_compared(name)


def test_typing_the_numbers_of_known_people_leaves_the_days_new_people() -> None:
    """Ten people this openid confirmed or paid for are typed in again; the eleventh is the first new one."""
    known = [replace(LI, number=with_check_digit(f"36990119700521{order:03}")) for order in range(100, 110)]
    place = town()
    place.residents = (*place.residents, *known)
    phone = Phone(place)
    for one in known:
        place.confirmed[phone.payer, one.key] = place.moment
        begin(phone, "pay.medical")
        phone.say(one.number, one.name)
        assert phone.session.asked == "confirm"
    begin(phone, "pay.medical")
    phone.say(LI.number, LI.name)
    assert phone.session.asked == "confirm"


@pytest.mark.parametrize("status", [Status.PAUSED, Status.ENDED])
def test_in_a_family_order_too_no_reason_is_told_of_a_stranger(status: Status) -> None:
    """Number and name are enough to add a contact, so of a contact no more is told than those two open."""
    stranger = replace(LI, enrolments=tuple(replace(one, status=status) for one in LI.enrolments))
    phone = family(MAI, stranger, proved=False)
    phone.town.residents = tuple(stranger if one.key == LI.key else one for one in phone.town.residents)
    read = phone.say("全部", "选好了")
    assert "没有要缴的" in read
    assert "暂停" not in read
    assert "终止" not in read
