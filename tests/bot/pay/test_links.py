"""The pay link: WeChat's cashier for the payer, one plain sentence for everything else."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.pay_orders import CashierRefused
from dialogs.terms.insurance import Insurance
from tests.bot.room import PAYER, Room
from tests.storage.counter import payable


def test_outside_wechat_the_link_says_what_to_do_and_places_nothing(room: Room) -> None:
    no = room.counter.open(PAYER)
    status, text = room.page(no, "Mozilla/5.0 Chrome/126.0")
    assert (status, "微信" in text, "sheet" in text) == (200, True, False)
    assert room.at_wechat() == {}


def test_the_link_of_an_order_that_is_over_says_so(room: Room) -> None:
    paid, closed, expired = (room.counter.open(PAYER, payable(one)) for one in ("wang", "li", "zhao"))
    room.sheet(paid).pay()
    room.work()
    room.cashier.cancel(PAYER, closed)
    texts = {no: room.page(no)[1] for no in (paid, closed)}
    room.sandbox.clock.move(30 * 60)
    texts[expired] = room.page(expired)[1]
    assert all("sheet" not in text for text in texts.values())
    assert texts[closed] == texts[expired] != texts[paid]


def test_the_link_of_an_order_that_goes_by_card_says_so(room: Room) -> None:
    no = room.counter.open(PAYER)
    room.cashier.ask_card(PAYER, no)
    status, text = room.page(no)
    assert (status, "sheet" in text) == (200, False)


@pytest.mark.parametrize(
    "change", [lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"), lambda _: "x", str.lower]
)
def test_a_link_that_was_altered_is_unknown(room: Room, change: Any) -> None:
    no = room.counter.open(PAYER)
    token = room.links.url(no).rpartition("/")[2]
    assert room.links.open(token, "MicroMessenger")[0] == 200
    status, _, body = room.links.open(change(token), "MicroMessenger")
    assert status == 404
    assert "sheet" not in body.decode()


def test_a_link_made_for_no_order_is_unknown(room: Room) -> None:
    assert room.page("261123ABCDEFGH")[0] == 404


def test_nothing_about_the_insured_is_in_the_page_or_what_wechat_pay_is_told(room: Room) -> None:
    no = room.counter.open(PAYER, payable("wang", insurance=Insurance.MEDICAL))
    room.sheet(no)
    [there] = room.pay.orders.all()
    said = room.page(no)[1] + repr(there.terms)
    for word in ("wang", "no-wang", "东湖区", PAYER):
        assert word not in room.page(no)[1]
    assert "wang" not in said


def test_only_the_payer_can_pay_by_the_link(room: Room) -> None:
    no = room.counter.open(PAYER)
    with pytest.raises(CashierRefused):
        room.sheet(no, openid="oThief")


def test_a_link_is_accepted_in_one_spelling_only(room: Room) -> None:
    """The last character of the signature has two bits that Base64 does not use."""
    token = room.links.url(room.counter.open(PAYER)).rpartition("/")[2]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="
    opened = [letter for letter in letters if room.links.open(token[:-1] + letter, "MicroMessenger")[0] == 200]
    assert opened == [token[-1]]
