"""缴费查询 and 参保信息: consent, whose, a riddle, and what is told; to whoever guesses nothing is told."""

from __future__ import annotations

from tests.elsewhere.conftest import only_embedded
from tests.elsewhere.town import Town
from tests.elsewhere.ways import OF_THE_DEMO, answer_of, to_the_order, to_the_riddle

NOBODY = "36999819700101011X"  # well formed, and nobody's


def test_payments_are_shown_after_consent_name_and_riddle(town: Town) -> None:
    phone = town.phone()
    phone.menu("query.payments")
    bubble = phone.tap("两种都看")
    assert "您同意吗" in bubble
    riddle = to_the_riddle(phone, OF_THE_DEMO.number, OF_THE_DEMO.name, bubble)
    wrong = phone.type(str(answer_of(riddle) % 18 + 1))
    assert "没对上" in wrong, wrong.text
    shown = phone.type(f"{answer_of(wrong)}")
    assert "医疗保险" in shown, shown.text
    assert "已入库" in shown
    assert OF_THE_DEMO.masked in shown
    assert "流水号 B2024123000002" in phone.type("1")
    phone.menu("query.enrolments")
    phone.type(OF_THE_DEMO.number)
    enrolled = phone.type(OF_THE_DEMO.name)  # confirmed less than half an hour ago: no other riddle
    assert "正常参保" in enrolled, enrolled.text
    assert "现在可以缴" in enrolled
    for told in phone.chat:
        assert OF_THE_DEMO.number not in told
        assert OF_THE_DEMO.name not in told


def test_who_paid_here_needs_no_riddle(town: Town) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    phone.pay()
    phone.push(saying="缴费成功")
    phone.menu("query.payments")
    phone.tap("医疗保险")
    phone.type(person.number)
    shown = phone.type(person.name)
    assert "已缴费" in shown, shown.text


def test_an_unknown_person_and_a_wrong_name_are_told_in_the_same_words(town: Town) -> None:
    person = town.person()
    answers = []
    for number, name in ((NOBODY, "样测一"), (person.number, "样测错")):
        phone = town.phone()
        riddle = to_the_riddle(phone, number, name, phone.menu("query.enrolments"))
        answers.append(phone.type(str(answer_of(riddle))).text)
    assert answers[0] == answers[1]
    assert "对不上" in answers[0]
    assert person.masked not in answers[0]


def test_who_guesses_on_is_made_to_wait_and_consent_can_be_taken_back(town: Town) -> None:
    phone, person = town.phone(), town.person()
    bubble = to_the_riddle(phone, person.number, person.name, phone.menu("query.enrolments"))
    for _ in range(8):
        if "分钟" in bubble:
            break
        bubble = phone.type("1")
    assert "为了保护个人信息" in bubble, bubble.text
    phone.type("撤回同意")
    assert "已经撤回" in phone.tap("撤回同意")
    assert "您同意吗" in phone.menu("query.enrolments")


@only_embedded
def test_refusing_to_agree_ends_without_a_question(town: Town) -> None:
    phone = town.phone()
    phone.menu("query.enrolments")
    assert "什么也没有记" in phone.tap("不同意")
