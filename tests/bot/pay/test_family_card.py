"""请家人扫码付: the card shows the code that can be paid just now, and no other way stays open beside it."""

from __future__ import annotations

import io
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from bot.notices.card import CardLines, CardPainter
from bot.sandbox.faults import Fault
from bot.sandbox.pay_orders import CashierRefused
from storage.orders.columns import ATTEMPT, NOTICE, PAYMENT
from tests.bot.room import PAYER, Room, assert_paid_once, each_fault, placed
from tests.storage.counter import payable


def picture(room: Room) -> Image.Image:
    """The last picture pushed to the payer."""
    [*_, bubble] = [one for one in room.phone.inbox if one.kind == "image"]
    return Image.open(io.BytesIO(room.sandbox.wechat.media.picture(bubble.media_id).content))


def test_the_familys_card_shows_the_code_that_can_be_paid(room: Room) -> None:
    no = room.counter.open(PAYER)
    first = placed(room, no)
    room.phone.type("你好")
    order = room.cashier.ask_card(PAYER, no)
    assert order is not None
    assert order.family
    room.work()
    [found] = zxingcpp.read_barcodes(picture(room))
    assert found.text == room.code(f"{no}-2")
    sheet = room.pay.scan(found.text, "oFamily")
    assert sheet.out_trade_no == f"{no}-2"
    sheet.pay()
    room.work()
    assert_paid_once(room, no)
    assert room.at_wechat() == {first: "CLOSED", f"{no}-2": "SUCCESS"}


@each_fault
def test_a_code_whose_answer_was_lost_is_made_anew_and_the_card_shows_the_new_one(room: Room, fault: Fault) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    room.phone.type("你好")
    room.cashier.ask_card(PAYER, no)
    room.fault("pay.native", fault)
    room.work()
    room.wait(15)
    [found] = zxingcpp.read_barcodes(picture(room))
    room.pay.scan(found.text, "oFamily").pay()
    room.work()
    assert_paid_once(room, no)


def test_a_look_while_another_places_the_code_does_not_void_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    room.cashier.ask_card(PAYER, no)
    gateway = type(room.app.till.gateway)
    place, calls = gateway.place_native, []

    def meanwhile(self: Any, *words: Any) -> str:
        calls.append(place(self, *words))
        if len(calls) == 1:
            room.cashier.check(PAYER, no)  # the citizen says "付了" while the worker waits for its answer
        return calls[-1]

    monkeypatch.setattr(gateway, "place_native", meanwhile)
    number = placed(room, no)
    assert [room.code(number)] == calls
    assert room.pay.scan(room.code(number), "oFamily").amount == 50000


def test_asked_for_again_the_card_is_sent_again(room: Room) -> None:
    no = room.counter.open(PAYER)
    room.phone.type("你好")
    for _ in range(2):
        room.cashier.ask_card(PAYER, no)
        room.work()
        room.wait(2)
    assert [bubble.kind for bubble in room.phone.inbox if bubble.pushed] == ["image", "image"]
    assert len(room.counter.rows(NOTICE)) == 2


def test_back_to_the_own_phone_ends_the_card(room: Room) -> None:
    no = room.counter.open(PAYER)
    room.cashier.ask_card(PAYER, no)
    code = room.code(placed(room, no))
    room.cashier.ask_link(PAYER, no)
    room.work()
    with pytest.raises(CashierRefused):
        room.pay.scan(code, "oFamily")
    room.sheet(no).pay()
    room.work()
    assert_paid_once(room, no)


def test_the_card_of_several_people_says_how_many_and_nobodys_name(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[CardLines] = []
    paint = CardPainter.paint

    def watched(painter: CardPainter, code_url: str, lines: CardLines) -> bytes:
        painted.append(lines)
        return paint(painter, code_url, lines)

    monkeypatch.setattr(CardPainter, "paint", watched)
    no = room.counter.open(PAYER, payable("wang"), payable("li", 40000), payable("wang", 8050, cover_year=2027))
    placed(room, no)
    room.phone.type("你好")
    room.cashier.ask_card(PAYER, no)
    room.work()
    [lines] = painted
    assert (lines.amount, lines.rows[:2]) == ("980.50元", ("参保人　一共 2 人", "保险费　一共 3 项"))
    [attempt] = room.counter.rows(ATTEMPT, out_trade_no=f"{no}-2")
    assert (attempt.amount, attempt.description) == (98050, "城乡居民保险费（2人3项）")
    [found] = zxingcpp.read_barcodes(picture(room))
    room.pay.scan(found.text, "oFamily").pay()
    room.work()
    assert [row.amount for row in room.counter.rows(PAYMENT)] == [50000, 40000, 8050]
