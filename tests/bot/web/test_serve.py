"""`run.py serve` as an operator runs it, against stand-ins that live elsewhere: ready, paid, killed, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.delivery import verify_address
from bot.sandbox.faults import Fault
from bot.sandbox.phone import Phone
from bot.settings import BadConfiguration, read, require_complete
from storage.orders.columns import LEDGER, LINE, NOTICE, ORDER
from storage.sealing import FieldSeal
from tests.bot.served import (
    NAME,
    NUMBER,
    Bot,
    configured,
    family,
    installed,
    megabytes,
    sheet_of,
    to_the_last_look,
    until,
)

SECRETS = {
    "wechat": ("app_id", "secret", "token", "encoding_aes_key"),
    "pay": ("mch_id", "api_v3_key", "serial_no", "private_key", "platform_public_key", "platform_public_key_id"),
}
EACH_SECRET = [(section, key) for section, keys in SECRETS.items() for key in keys]
TURNS, MEGABYTES = 500, 200


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    with installed(tmp_path) as one:
        yield one


def pay(bot: Bot, phone: Phone) -> str:
    page = phone.open_link("点这里付款")
    assert page.status == 200, page.text
    return bot.sandbox.pay.checkout_jsapi(sheet_of(page.text), phone.openid).pay()


def is_told(phone: Phone) -> bool:
    return any(bubble.pushed and "缴费成功" in bubble.text for bubble in phone.inbox)


def agrees_with_wechat_pay(bot: Bot, payments: int = 1) -> None:
    """One order, and the same money in the stand-in's books and in our ledger."""
    theirs = sorted((one.transaction_id, one.total) for one in bot.sandbox.pay.books().payments)
    ours = sorted((row.transaction_id, row.amount) for row in bot.rows(LEDGER))
    assert ours == theirs
    assert len(theirs) == payments
    assert len(bot.rows(ORDER)) == 1
    assert [row.holds for row in bot.rows(LINE)].count(None) == 0


def kill_at_once(process: subprocess.Popen[str]) -> None:
    """kill -9 of `serve`, nothing else; its worker has to notice by itself."""
    pids = family(process)
    process.kill()
    process.communicate()
    until(lambda: not any(is_alive(pid) for pid in pids), "the worker outlived serve")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def test_a_whole_payment_then_500_turns_in_200_megabytes_then_an_end_with_0(bot: Bot) -> None:
    bot.begins_quickly = False
    bot.write(wechat={"token": "this token is not the one"})
    process = bot.serve(BOT_WECHAT__TOKEN=bot.sandbox.keys.token)  # the environment overrides the file
    assert verify_address(bot.sandbox.wechat)
    with urllib.request.urlopen(f"{bot.url}/healthz", timeout=10) as answer:
        assert answer.status == 200
    bot.sandbox.pay.start_delivering()
    phone = bot.sandbox.wechat.phone("oWhole")
    to_the_last_look(phone)
    phone.tap("确认缴费")
    pay(bot, phone)
    until(lambda: is_told(phone), "the payment was never told")
    agrees_with_wechat_pay(bot)
    for number in range(TURNS // 5):
        other = bot.sandbox.wechat.phone(f"oTurns{number}")
        other.click("pay.medical")
        other.type(NUMBER)
        other.type(NAME)
        other.type("返回")
        other.type(NAME)
        assert not other.toasts
    used = megabytes(family(process))
    print(f"serve after {TURNS} turns: {used:.0f} MB in all its processes")
    assert used < MEGABYTES
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")


def test_killed_while_the_order_is_placed_the_citizen_goes_on_with_the_same_order(bot: Bot) -> None:
    process = bot.serve()
    phone = bot.sandbox.wechat.phone("oKilled")
    to_the_last_look(phone)
    bot.sandbox.faults.put("pay.jsapi", Fault.LATENCY, times=1, seconds=1.0)
    phone.tap("确认缴费")
    kill_at_once(process)
    bot.serve()
    bot.sandbox.pay.start_delivering()
    phone.tap_old("确认缴费")  # pressed again, because nothing seems to happen
    pay(bot, phone)
    until(lambda: is_told(phone), "the payment was never told")
    agrees_with_wechat_pay(bot)


def test_killed_after_the_payment_and_before_its_callback_the_payment_is_booked_and_told(bot: Bot) -> None:
    process = bot.serve()
    phone = bot.sandbox.wechat.phone("oKilled")
    to_the_last_look(phone)
    phone.tap("确认缴费")
    page = phone.open_link("点这里付款")
    kill_at_once(process)
    bot.sandbox.pay.checkout_jsapi(sheet_of(page.text), phone.openid).pay()
    assert bot.sandbox.pay.deliver_due() == 1  # to nobody
    assert bot.rows(LEDGER) == []
    bot.serve()
    until(lambda: is_told(phone), "WeChat Pay was not asked after the restart")  # no callback: the sweep finds it
    agrees_with_wechat_pay(bot)
    (bubble,) = phone.type("付好了")
    assert "缴费单" in bubble.text or "已经" in bubble.text or "缴" in bubble.text


def test_killed_between_callback_and_notice_the_payment_is_told_once(bot: Bot) -> None:
    process = bot.serve()
    phone = bot.sandbox.wechat.phone("oKilled")
    to_the_last_look(phone)
    phone.tap("确认缴费")
    bot.sandbox.faults.put("wechat.send", Fault.DROP_BEFORE)
    pay(bot, phone)
    bot.sandbox.pay.deliver_due()
    until(lambda: len(bot.rows(LEDGER)) == 1, "the callback was not booked")
    kill_at_once(process)
    assert [row.delivered_at for row in bot.rows(NOTICE)] == [None]
    bot.sandbox.faults.clear()
    bot.serve()
    phone.type("我的订单")
    until(lambda: all(row.delivered_at for row in bot.rows(NOTICE)), "the notice was never delivered")
    told = [one for one in phone.inbox if "缴费成功" in one.text]
    assert len(told) == 1
    agrees_with_wechat_pay(bot)


@pytest.fixture
def unseeded(tmp_path: Path) -> Iterator[Bot]:
    FieldSeal.create(tmp_path / "field.key")
    with configured(tmp_path) as one:
        yield one


@pytest.mark.parametrize("value", ["", "<fill in>", "changeme"])
@pytest.mark.parametrize(("section", "key"), EACH_SECRET)
def test_a_secret_that_is_missing_or_a_placeholder_is_named(unseeded: Bot, section: str, key: str, value: str) -> None:
    unseeded.write(**{section: {key: value}})
    with pytest.raises(BadConfiguration) as wrong:
        require_complete(read(unseeded.folder / "bot.toml"))
    assert [line.partition(":")[0] for line in wrong.value.mistakes] == [f"{section}.{key}"]


def test_serve_with_missing_secrets_ends_with_2_and_names_every_key_and_no_value(bot: Bot) -> None:
    kept = bot.sandbox.keys.secret
    bot.write(wechat=dict.fromkeys(SECRETS["wechat"]) | {"secret": kept}, pay=dict.fromkeys(SECRETS["pay"]))
    process = subprocess.run(
        [sys.executable, "run.py", "serve", "--config", str(bot.folder / "bot.toml")],
        cwd=Path(__file__).parents[3],
        env={name: value for name, value in os.environ.items() if not name.startswith("BOT_")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (process.returncode, process.stdout) == (2, "")
    for section, key in EACH_SECRET:
        assert (f"{section}.{key}:" in process.stderr) == (key != "secret")
    assert "Traceback" not in process.stderr
    assert kept not in process.stderr
