"""缴费证明: chosen, issued, opened, looked at; and verified by whoever is shown one."""

from __future__ import annotations

import io
import re
from datetime import timedelta

from PIL import Image

from tests.elsewhere.conftest import only_embedded
from tests.elsewhere.handset import Handset
from tests.elsewhere.town import Person, Town
from tests.elsewhere.ways import code_of, first_page, to_the_order, words_of

NUMBER, CODE = re.compile(r"编号：(ZM[0-9A-Z]{16})"), re.compile(r"查验码：([0-9A-Z-]{12,14})")


def with_a_certificate(town: Town) -> tuple[Handset, Person]:
    """A citizen who paid medical and pension, and has a certificate of both."""
    phone, person = town.phone(), town.person()
    for service in ("pay.medical", "pay.pension"):
        to_the_order(phone, person, service)
        phone.pay()
        phone.push(saying="缴费成功")
    phone.tap("开缴费证明")
    bubble = phone.tap("全部选上") if "全部选上" in " ".join(phone.chat[-1].options) else phone.chat[-1]
    assert "2 笔，900元" in bubble, bubble.text
    bubble = phone.type("开证明")
    assert "证明开好了" in bubble, bubble.text
    return phone, person


def test_a_certificate_is_opened_read_and_looked_at(town: Town) -> None:
    phone, person = with_a_certificate(town)
    bubble = phone.chat[-1]
    number, code = NUMBER.findall(bubble.text)[0], CODE.findall(bubble.text)[0]
    link = bubble.url("打开")
    page = phone.open(link)
    assert (page.status, page.headers["content-type"]) == (200, "application/pdf")
    assert "no-store" in page.headers["cache-control"]
    assert number in page.headers["content-disposition"]
    assert page.headers["x-content-type-options"] == "nosniff"
    words = words_of(page.body)
    for word in (person.name, person.number, number, "900.00", "玖佰元整", "样张", code.replace("-", "")[:4]):
        assert word in words, (word, words)
    transactions = [one.transaction_id for one in town.merchant.orders.values() if one.paid_by == phone.openid]
    assert len(transactions) == 2
    for one in transactions:
        assert one in words
    assert phone.open(link).body == page.body
    for wrong in (link.replace(".pdf", "A.pdf"), link.replace("/certificates/", "/certificates/x")):
        refused = phone.open(wrong)
        assert (refused.status, b"%PDF" in refused.body) == (404, False)
    assert "图片马上发给您" in phone.tap("看一下")
    width, height = Image.open(io.BytesIO(phone.push("image").picture)).size
    assert abs(height / width - 297 / 210) < 0.02
    town.clock.move(timedelta(minutes=1).total_seconds())
    assert phone.open(link).body == page.body


def test_whoever_is_shown_one_verifies_it(town: Town) -> None:
    phone, person = with_a_certificate(town)
    bubble = phone.chat[-1]
    number, code = NUMBER.findall(bubble.text)[0], CODE.findall(bubble.text)[0]
    scene = town.account.scenes[code_of(first_page(phone.open(bubble.url("打开")).body))]

    office = town.phone()
    office.menu("certificate.verify")
    wrong = office.type(number), office.type("ABCDEFGHJKMN")
    assert "对不上" in wrong[1]
    told = office.type(code.lower())
    assert "这张证明是真的" in told, told.text
    assert person.masked in told
    assert person.name not in told
    assert person.number not in told
    assert "900元" in told
    assert "这张证明是真的" in office.scan_account_code(scene)
    newcomer = town.phone()
    assert "这张证明是真的" in newcomer.follow(scene)
    assert "这张证明是真的" in town.phone().type(f"编号 {number} 查验码 {code}")


@only_embedded
def test_nobody_else_makes_one_of_my_payments(town: Town) -> None:
    with_a_certificate(town)
    other = town.phone()
    assert "还没有可以开证明的缴费" in other.menu("query.certificate")
