"""The terminal WeChat, played through: by standard input, by two phones, from two windows, and by itself."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.console.messages import word
from bot.console.phone_server import PhoneServer, RemotePhones, find_phones
from bot.console.phones import PhonesGone
from bot.console.runtime import AHEAD, Runtime
from tests.bot.console_window import PENSION, Window, process, running

CHAT = "import sys; from pathlib import Path; from bot.console.chat import chat; sys.exit(chat(Path({!r}), None))"
DEMO = "import sys; from bot.console import demo; {}; sys.exit(demo.demo(True))"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Runtime]:
    with running(tmp_path) as started:
        yield started


@pytest.fixture
def window(parts: Runtime) -> Window:
    window = Window(parts.phones, parts)
    window.shown()
    return window


def test_without_a_terminal_a_payment_goes_by_standard_input_and_ends_with_it(tmp_path: Path) -> None:
    config = tmp_path / "bot.toml"
    config.write_text("", "utf-8")
    done = process(CHAT.format(str(config)), "\n".join([*PENSION, "/付款", "2", "123456"]))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("< 您好")
    assert "<< 缴费成功：王*三" in done.stdout
    assert "# 银行卡支付" in lines
    assert all(sign.isprintable() or sign in "\n　" for sign in done.stdout)
    assert not (tmp_path / "var" / "chat" / "chat.json").exists()


def test_the_lines_it_prints_can_be_played_to_it_again(window: Window) -> None:
    shown = window.take(*PENSION)
    typed = [line.removeprefix("> ") for line in shown.splitlines() if line.startswith("> ")]
    assert tuple(typed) == PENSION


def test_the_demo_pays_and_exits_0() -> None:
    done = process(DEMO.format("pass"), cold=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "缴费成功" in done.stdout
    assert "500.00元" in done.stdout.splitlines()[-1]


def test_the_demo_exits_1_where_nothing_was_booked() -> None:
    done = process(DEMO.format("demo.PASSWORD = 'wrong'"))
    assert done.returncode == 1, done.stderr
    assert word("demo.no_notice") in done.stdout


def test_the_password_is_asked_again_and_can_be_given_up(parts: Runtime, window: Window) -> None:
    window.take(*PENSION)
    window.answers = ["1", "12", "放弃"]
    shown = window.take("/付款")
    assert "支付密码错误" in shown
    assert word("cashier.given_up") in shown
    assert parts.sandbox.pay.books().payments == ()
    window.answers = ["", "654321"]
    assert "缴费成功" in window.take("点 点这里付款")
    assert "不用再付" in window.take("/付款")


def test_another_phone_in_the_same_window_scans_the_card_and_pays(window: Window) -> None:
    card = window.take(*PENSION, "/点 2")
    assert "▀▀▀▀▀▀▀" in card
    assert "[付款码] 500元" in card
    window.answers = ["1", "123456"]
    assert word("cashier.paid") in window.take("/手机 女儿", "/扫码")
    assert "<< 缴费成功" in window.take("/手机 我")
    assert word("chat.phones", names="我、女儿") in window.take("/手机")


def test_a_card_that_was_given_back_cannot_be_scanned(window: Window) -> None:
    window.take(*PENSION, "/点 2", "[点] 用我自己的微信付")
    assert word("cashier.paid") not in window.take("[家人付款]")
    assert "缴费成功" in window.take("[付款]")


def test_another_window_joins_and_pays_for_the_first(parts: Runtime, window: Window, tmp_path: Path) -> None:
    door = PhoneServer(parts.phones, tmp_path)
    door.open()
    try:
        assert stat.S_IMODE((tmp_path / "chat.json").stat().st_mode) == 0o600
        joined = find_phones(tmp_path)
        assert joined is not None
        daughter = Window(joined, parts, "女儿")
        assert "您好" in daughter.shown()
        window.take(*PENSION, "[点] 请家人扫码付")
        daughter.answers = ["2", "123456"]
        assert word("cashier.paid") in daughter.take("/扫码")
        assert "<< 缴费成功" in window.shown()
        assert "养老保险费缴纳" in daughter.take("/菜单")
        where = json.loads((tmp_path / "chat.json").read_text("utf-8"))
        with pytest.raises(PhonesGone):
            RemotePhones(where["port"], b"another key")
    finally:
        door.close()
    assert find_phones(tmp_path) is None


def test_a_window_whose_chat_has_ended_is_told_so(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "chat.json").write_text(json.dumps({"port": port, "key": "00"}), "utf-8")
    assert find_phones(tmp_path) is None
    with pytest.raises(PhonesGone):
        RemotePhones(port, b"key")


def test_the_clock_command_lets_an_order_expire(window: Window) -> None:
    window.take(*PENSION)
    shown = window.take("/等 31分")
    assert "已经作废，没有扣您的钱" in shown
    assert "31分过去了" in shown
    assert word("cashier.web") in window.take("/付款")


def test_a_moved_clock_goes_on_from_there_at_the_next_start(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        Window(first.phones, first).take("/等 3天")
        then = first.phones.now()
    assert float((tmp_path / "var" / AHEAD).read_text("ascii")) >= 3 * 86400 - 1
    with running(tmp_path) as second:
        assert second.phones.now() >= then - 1
        assert "请发送参保人的身份证号码" in Window(second.phones, second).take("[菜单] 养老保险费缴纳")


def test_the_same_menu_item_twice_within_a_second_is_no_retry(parts: Runtime, window: Window) -> None:
    parts.sandbox.clock.pin()
    assert "收到（3699" in window.take("/1 1", "取消", "/1 1", PENSION[1])


def test_an_order_of_an_earlier_start_can_still_be_paid(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        Window(first.phones, first).take(*PENSION)
    with running(tmp_path) as second:
        window = Window(second.phones, second)
        assert "缴费成功" in window.take("[菜单] 我的订单", "[付款]")
    with running(tmp_path) as third:
        assert len(third.sandbox.pay.books().payments) == 1


def test_what_cannot_be_done_is_said_and_nothing_is_sent(window: Window) -> None:
    assert window.take("/点 77") == f"# {word('trouble.no_option', words='77')}\n"
    assert word("trouble.nothing", words="没有的") in window.take("[点] 没有的")
    assert word("trouble.menu", words="没有的") in window.take("/菜单 没有的")
    assert word("trouble.no_link") in window.take("/付款")
    assert word("trouble.no_card") in window.take("/扫码")
    assert word("trouble.not_following") in window.take("/取消关注", "你好")
    assert "您好" in window.take("/关注")
