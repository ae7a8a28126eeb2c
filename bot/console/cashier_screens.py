"""WeChat's cashier as its screens come one after another: the amount, 选择支付方式, the password, 支付成功."""

from __future__ import annotations

from collections.abc import Callable

from bot.console.messages import word
from bot.console.phones import CashierScreen, Phones
from bot.console.view import View

METHODS = {"": "零钱", "1": "零钱", "零钱": "零钱", "2": "银行卡", "银行卡": "银行卡"}
TRIES = 3  # of the password, before the cashier closes
Asks = Callable[[str, bool], str | None]  # the question, hidden or not; None: no more input


def use_cashier(counter: CashierScreen, phones: Phones, view: View, ask: Asks) -> bool:
    """Lead through the screens; whether it was paid."""
    if not counter.sheet:
        if counter.place == "chat":
            view.note(counter.sentence)
        else:
            view.page(word(f"cashier.{counter.place}"), counter.sentence.split("\n"))
        return False
    amount = word("cashier.amount", amount=f"{counter.amount / 100:.2f}")
    view.page(word("cashier.cashier"), [counter.description, amount, word("cashier.methods")])
    method = _method(ask)
    for _ in range(TRIES if method else 0):
        password = ask(word("cashier.password"), True)
        if password is None or password.strip() == word("cashier.give_up"):
            break
        refused = phones.pay(counter.sheet, method, password.strip())
        if not refused:
            paid = [word("cashier.paid"), amount, word("cashier.by", method=method)]
            view.page(word("cashier.cashier"), paid)
            return True
        view.page(word("cashier.cashier"), [refused])
    phones.give_up(counter.sheet)
    view.note(word("cashier.given_up"))
    return False


def _method(ask: Asks) -> str:
    """零钱 or 银行卡; "" where it is given up."""
    while True:
        answer = ask(word("cashier.method"), False)
        if answer is None or answer.strip() == word("cashier.give_up"):
            return ""
        if method := METHODS.get(answer.strip()):
            return method
