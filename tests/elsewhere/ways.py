"""Ways through the conversations that several tests take."""

from __future__ import annotations

import io
import re
from datetime import datetime

import pypdfium2  # type: ignore[import-untyped]
import zxingcpp
from PIL import Image

from tests.elsewhere.agency_file import write_file
from tests.elsewhere.ground import BEIJING
from tests.elsewhere.handset import Bubble, Handset
from tests.elsewhere.town import Person, Town

SUM = re.compile(r"(\d) \+ (\d) = ？（(.)加(.)等于几）")
OF_THE_DEMO = Person("369901197005210021", "李测二")  # who has paid before
DIGITS = "零一二三四五六七八九"


def to_the_order(phone: Handset, person: Person, service: str = "pay.medical") -> Bubble:
    """From the menu to the order."""
    phone.menu(service)
    phone.type(person.number)
    bubble = phone.type(person.name)
    if service == "pay.pension":
        assert "哪一档" in bubble
        bubble = phone.type("500")
    assert "请核对" in bubble, bubble.text
    bubble = phone.tap("确认缴费")
    assert "缴费单开好了" in bubble, bubble.text
    return bubble


def add_contact(phone: Handset, person: Person, relation: str) -> None:
    """A contact, from the question for the number on."""
    phone.type(person.number)
    bubble = phone.type(person.name)
    assert "您的什么人" in bubble, bubble.text
    bubble = phone.tap(relation)
    if relation == "本人":
        bubble = phone.tap("是我本人")
    assert f"加好了：{relation} {person.masked}" in bubble, bubble.text


def to_the_family_order(town: Town, phone: Handset) -> list[Person]:
    """Three contacts, all marked, up to the last look."""
    people = [town.person() for _ in range(3)]
    bubble = phone.menu("pay.family")
    if "您同意吗" in bubble:
        phone.tap("同意")
    for person, relation in zip(people, ("本人", "父亲", "母亲"), strict=True):
        if person is people[0]:
            phone.tap("加一个人")
        add_contact(phone, person, relation)
    lines = phone.tap("选好了")
    assert "一共 3 项，1200元" in lines, lines.text
    assert "请核对，一共 3 项，1200元" in phone.type("核对")
    return people


def code_of(picture: bytes) -> str:
    """What the one QR code in a picture says."""
    [found] = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))
    return str(found.text)


def words_of(pdf: bytes) -> str:
    """The words of a document, without spaces and line ends."""
    document = pypdfium2.PdfDocument(pdf)
    return "".join("".join(one.get_textpage().get_text_bounded() for one in document).split())


def first_page(pdf: bytes) -> bytes:
    """Its first page as a PNG."""
    picture = io.BytesIO()
    pypdfium2.PdfDocument(pdf)[0].render(scale=2).to_pil().save(picture, "PNG")
    return picture.getvalue()


def told_on_top(phone: Handset, words: str) -> str:
    """The answer that begins with this news; the first words may come before the bot has read WeChat's refusal."""

    def answer() -> str:
        text = phone.type("你好").text
        return text if text.startswith(words) else ""

    return phone.account.bell.until(answer, f"an answer that begins with {words}")


def answer_of(bubble: Bubble) -> int:
    """The answer to a riddle, from its figures; its words ask the same."""
    found = SUM.search(bubble.text)
    assert found, bubble.text
    first, second = int(found[1]), int(found[2])
    assert (DIGITS[first], DIGITS[second]) == (found[3], found[4])
    return first + second


def to_the_riddle(phone: Handset, number: str, name: str, bubble: Bubble) -> Bubble:
    """From the first question of a look-up to a sum, which a test can read."""
    if "您同意吗" in bubble:
        bubble = phone.tap("同意")
    assert "身份证号码" in bubble, bubble.text
    assert number not in phone.type(number).text
    bubble = phone.type(name)
    assert "图片马上发给您" in bubble, bubble.text
    picture = phone.push("image").picture
    width, height = Image.open(io.BytesIO(picture)).size
    assert width > height > 40
    return phone.tap("换一种")


def paid_at_a_bank(town: Town, *people: tuple[Person, str]) -> None:
    """The agencies' next file tells of medical payments at a bank; a receipt for each person."""
    now = datetime.now(BEIJING)  # what imports goes by the machine's clock, which nobody moves
    year = now.year + (now.month > 2)
    rows = []
    for place, (person, receipt) in enumerate(people, 1):
        whose = ["360102YB01", f"998{town.index_of(person):010}", "201", person.number, person.name]
        what = [f"{year}", f"{year}01", f"{year}12", "std", "居民医保", "10", "400.00"]
        when = [now.isoformat(timespec="seconds"), "银行代收", receipt, "booked"]
        rows.append([f"BANK{people[0][1]}", f"{place}", "A", "medical", *whose, *what, *when])
    columns = (
        "batch_no,row_no,op,insurance,inst_code,person_no,id_type,id_no,name,cover_year,period_from,period_to,"
        "tier_code,tier_name,pay_kind,amount_paid,paid_at,channel,receipt_no,status"
    )
    path = town.folder / f"payments_{people[0][1]}.csv"
    write_file(path, columns, rows, f"{400 * len(rows)}.00")
    code, said = town.command("import", "payments", str(path))
    assert code == 0, said
