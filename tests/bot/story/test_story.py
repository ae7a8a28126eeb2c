"""One journal: what was said, done and booked is told in order, without a number or a name, and can be replayed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from bot.app import App
from bot.commands import app
from bot.replay.console import played, shown
from bot.replay.stage import Props, staged
from bot.sandbox.phone import openid_of
from bot.story.money import BILL_LINE
from bot.story.recording import recorded
from bot.story.telling import story
from bot.turns.journal import DAY, Journal
from bot.turns.values import TurnResult
from dialogs.said import Reply, Said
from dialogs.transcript import ME, play
from dialogs.transcript_differences import difference
from dialogs.transcript_reading import read
from storage.database import reading, writing
from storage.journal import SPOKEN, sweep, turns_of
from storage.orders.columns import ATTEMPT, ORDER
from tests.bot.room import Room

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts"
NUMBER, NAME, OPENID = "369901197005210021", "李测二", openid_of(ME)
TODAY = date(2026, 11, 23)
PAID = f"""@时间 2026-11-23 09:00
@数据 demo

> [菜单] 医疗保险费缴纳
< 请发送……
> {NUMBER}
< 收到……
> {NAME}
< 参保机构……
> 1
< 缴费单开好了……
> [付款]
<< 缴费成功……
"""


@dataclass
class Happened:
    app: App

    def tell(self, key: str) -> str:
        self.app.journal.flush()
        return story(self.app.engine, self.app.seal, key, self.app.settings.zone, TODAY) or ""

    def record(self) -> str:
        self.app.journal.flush()
        return recorded(self.app.engine, self.app.seal, OPENID, self.app.settings.zone) or ""


@contextmanager
def happened(text: str, props: Props) -> Iterator[Happened]:
    scene = read(text)
    with staged(scene, props) as performer:
        result = play(scene, performer)
        assert not result.broken, result
        running = performer.bot._app  # type: ignore[attr-defined]
        assert isinstance(running, App)
        yield Happened(running)


def order_of(app: App) -> tuple[str, str]:
    with reading(app.engine) as connection:
        row = connection.execute(ATTEMPT.select()).one()
        return row.out_trade_no, row.transaction_id


def in_order(told: str, *words: str) -> None:
    places = [told.index(word) for word in words]
    assert places == sorted(places), told


def test_the_whole_of_a_payment_is_told_in_the_order_in_which_it_happened(props: Props) -> None:
    with happened(PAID, props) as it:
        told = it.tell(OPENID)
    in_order(
        told,
        "[菜单] 医疗保险费缴纳",
        "〔证件号 3699**********0021〕",
        "document：Known",
        "〔姓名 李*二〕",
        "请核对",
        "开缴费单",
        "李*二 2027 年",
        "收下了订单",
        "已付款（微信支付的回调得知），记账",
        "收到 400元",
        "送到了（推送）：缴费成功",
    )


def test_any_number_that_can_be_read_out_on_the_telephone_leads_to_it(props: Props) -> None:
    with happened(PAID, props) as it:
        number, transaction = order_of(it.app)
        with reading(it.app.engine) as connection:
            order = connection.execute(ORDER.select()).one().no
        for key in (order, number, transaction, OPENID, NUMBER, "3699 0119 7005 2100 21"):
            assert f"开缴费单 {order}" in it.tell(key), key
        assert it.tell("oNobody") == ""
        assert it.tell("369901199912310017") == ""


def test_nothing_that_is_told_or_kept_holds_a_number_or_a_name(props: Props) -> None:
    with happened(PAID, props) as it:
        told = it.tell(NUMBER) + it.record()
        with reading(it.app.engine) as connection:
            kept = "".join(row.content for row in connection.execute(SPOKEN.select()))
        opened = "".join(str(one.spoken) for one in turns_of(it.app.engine, it.app.seal, OPENID))
    assert NUMBER not in told.replace(f"> {NUMBER}", "")  # the demo person's, put in for a replay
    assert NAME not in told.replace(f"> {NAME}", "")
    for text in (kept, opened):
        assert NUMBER not in text
        assert NAME not in text
    assert "李*二" in opened
    assert "李*二" not in kept  # sealed


def test_money_that_goes_back_is_told_with_why_and_when(props: Props) -> None:
    text = next((TRANSCRIPTS / "payments").glob("*退*.chat")).read_text("utf-8")
    with happened(text, props) as it:
        told = it.tell(OPENID)
    in_order(told, "记账", "退款", "退回")


def test_the_last_conversation_alone_is_recorded(props: Props) -> None:
    with happened(PAID + "> [等待] 3天\n> [菜单] 我的订单\n< …\n", props) as it:
        text = it.record()
    assert "[菜单] 我的订单" in text
    assert "医疗保险费缴纳" not in text


AGAIN = (
    "happy/关注以后给自己缴医保.chat",
    "happy/翻到下一页选3000元档.chat",
    "happy/两个参保机构_选东湖区_缴500元档.chat",
    "corrections/名字打错一个字再发一次.chat",
    "invalid/号码太长太短.chat",
    "cancellations/缴费单开好以后不缴了.chat",
)


@pytest.mark.parametrize("name", AGAIN)
def test_what_is_recorded_can_be_replayed_and_happens_again(name: str, props: Props) -> None:
    with happened((TRANSCRIPTS / name).read_text("utf-8"), props) as it:
        text = it.record()
    result = played(text, props)
    told = [str(line) for line in shown(difference(result.scene, result.played))]
    assert result.same, "\n".join(told) + text


def test_who_withdraws_consent_is_forgotten_by_the_journal(props: Props) -> None:
    withdrawn = PAID + "> 撤回同意\n< …\n> 1\n< …\n"
    with happened(withdrawn, props) as it:
        told = it.tell(OPENID)
    assert "〔证件号" not in told
    assert "撤回同意" in told
    assert "收到 400元" in told


def test_who_closes_the_wechat_account_is_forgotten_by_the_journal(props: Props) -> None:
    with happened(PAID + "> [注销微信]\n", props) as it:
        told = it.tell(OPENID)
    assert "〔证件号" not in told
    assert "收到 400元" in told


def test_what_is_older_than_configured_is_deleted(props: Props) -> None:
    with happened(PAID, props) as it:
        it.app.journal.flush()
        engine, seal, day = it.app.engine, it.app.seal, 30 * DAY
        [first, *_] = turns_of(engine, seal, OPENID)
        assert sweep(engine, first.at + day - day) == 0
        assert sweep(engine, first.at + 1) == 1
        assert sweep(engine, first.at + day) == 3
        assert turns_of(engine, seal, OPENID) == []


# -- the writing


def heard(journal: Journal, said: str = "你好", openid: str = "oA") -> None:
    result = TurnResult(None, Reply(("您好",)), visited=())
    journal.hearing(lambda *_: result)(openid, None, Said("text", said), 1_795_000_000.0)


def test_a_turn_does_not_touch_the_database(room: Room) -> None:
    journal = Journal(room.app.engine, room.app.seal, room.app.settings.zone)
    heard(journal)
    assert turns_of(room.app.engine, room.app.seal, "oA") == []
    assert journal.flush() == 1
    assert [one.spoken.lines for one in turns_of(room.app.engine, room.app.seal, "oA")] == [("您好",)]


def test_a_turn_that_fails_is_told_too_and_fails_as_before(room: Room) -> None:
    def fails(*_: object) -> TurnResult:
        raise RuntimeError(NUMBER)

    with pytest.raises(RuntimeError):
        room.app.journal.hearing(fails)("oA", None, Said("text", NUMBER), 1_795_000_000.0)
    room.app.journal.flush()
    [one] = turns_of(room.app.engine, room.app.seal, "oA")
    assert (one.spoken.failed, NUMBER in str(one)) == ("RuntimeError", False)


def test_what_waits_at_the_end_is_written(room: Room) -> None:
    journal = Journal(room.app.engine, room.app.seal, room.app.settings.zone)
    journal.start()
    for _ in range(3):
        heard(journal)
    journal.stop()
    assert len(turns_of(room.app.engine, room.app.seal, "oA")) == 3


# -- as an operator has it


def test_the_bills_row_is_told_with_whether_the_ledger_has_the_same(props: Props) -> None:
    with happened(PAID, props) as it:
        number, transaction = order_of(it.app)
        row = {
            "day": TODAY,
            "reason": transaction,
            "kind": "payment",
            "state": "SUCCESS",
            "mch_id": "1",
            "refund_id": "",
        }
        row |= {"transaction_id": transaction, "out_trade_no": number, "settled": 40000, "voucher": 0, "fee": 0}
        with writing(it.app.engine) as connection:
            at = connection.execute(ATTEMPT.select()).one().paid_at
            for place, amount in ((1, 40000), (2, 39999)):
                connection.execute(insert(BILL_LINE).values(row | {"place": place, "amount": amount, "at": at}))
        told = it.tell(number)
    assert "账单第 1 行：400元 SUCCESS，和我们的账相符" in told
    assert "账单第 2 行：399.99元 SUCCESS，我们的账上是 400元" in told


def test_an_operator_asks_by_command_and_may_give_an_id_number_on_standard_input(props: Props, tmp_path: Path) -> None:
    with happened(PAID, props) as it:
        it.app.journal.flush()
        storage = it.app.settings.storage
        config = tmp_path / "bot.toml"
        key = it.app.settings.path(storage.field_key)
        config.write_text(f'[storage]\ndatabase = "{it.app.settings.database_url}"\nfield_key = "{key}"\n', "utf-8")
        asked = ["--config", str(config)]
        by_number = CliRunner().invoke(app, ["story", "-", *asked], input=f"{NUMBER}\n")
        unknown = CliRunner().invoke(app, ["story", "oNobody", *asked])
        written = CliRunner().invoke(app, ["record", OPENID, *asked])
        nothing = CliRunner().invoke(app, ["record", "oNobody", *asked])
    assert (by_number.exit_code, unknown.exit_code, written.exit_code, nothing.exit_code) == (0, 1, 0, 1)
    assert "参保人 李*二（3699**********0021）" in by_number.stdout
    assert NUMBER not in by_number.output
    assert f"> {NUMBER}\n" in written.stdout
