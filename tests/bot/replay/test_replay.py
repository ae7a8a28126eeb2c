"""`run.py replay`: what it prints, what it gives back, what it rewrites; and what the performer does to the world."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from bot.replay.console import replay
from bot.replay.coverage import unvisited
from bot.replay.performer import ScenePerformer, mark_of
from bot.replay.stage import Props, staged
from bot.sandbox.bubbles import Bubble
from bot.sandbox.phone import openid_of
from dialogs.texts import overheard, say, sentences
from dialogs.transcript import Action, CannotPerform
from dialogs.transcript_reading import read

HEAD = "@时间 2026-11-23 09:00\n@数据 demo\n"
GOOD = HEAD + "> 取消\n< 现在没有正在办的事，不用取消。\n< 我可以帮您办这些……\n"
BAD = HEAD + "# 记一笔\n> 取消\n< 有正在办的事。\n< 我可以帮您办这些……\n"


@pytest.fixture
def props_at_hand(props: Props, monkeypatch: pytest.MonkeyPatch) -> None:
    """`replay` need not make its own, which takes half a second; the first test here has it do so."""
    monkeypatch.setattr("bot.replay.console.Props.made", lambda: nullcontext(props))


@pytest.fixture
def stage(props: Props) -> Iterator[ScenePerformer]:
    with staged(read(GOOD), props) as performer:
        yield performer


def printed(*paths: Path, accept: bool = False, coverage: bool = False) -> tuple[int, str]:
    stream = io.StringIO()
    return replay(paths, accept=accept, coverage=coverage, stream=stream), stream.getvalue()


def says(performer: ScenePerformer, verb: str, words: str = "", person: str = "我") -> list[str]:
    return [str(line) for line in performer.perform(person, Action(verb, words))]


def ordered(performer: ScenePerformer) -> None:
    for verb, words in (("菜单", "医疗保险费缴纳"), ("打字", "369901197005210021"), ("打字", "李测二"), ("打字", "1")):
        says(performer, verb, words)


def test_a_folder_of_good_transcripts_passes(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "好.chat").write_text(GOOD, "utf-8")
    code, text = printed(tmp_path)
    assert code == 0
    assert "passed" in text
    assert "1 passed, 0 failed" in text


@pytest.mark.usefixtures("props_at_hand")
def test_a_difference_is_shown_with_the_numbers_of_the_files_lines_and_fails(tmp_path: Path) -> None:
    file = tmp_path / "坏.chat"
    file.write_text(BAD, "utf-8")
    code, text = printed(file)
    assert code == 1
    assert "   5 - < 有正在办的事。" in text
    assert "     + < 现在没有正在办的事，不用取消。" in text
    assert "0 passed, 1 failed" in text
    assert file.read_text("utf-8") == BAD


@pytest.mark.usefixtures("props_at_hand")
def test_accept_rewrites_the_file_and_keeps_remarks_and_what_is_abbreviated(tmp_path: Path) -> None:
    file = tmp_path / "坏.chat"
    file.write_text(BAD, "utf-8")
    assert printed(file, accept=True)[0] == 0
    assert file.read_text("utf-8") == BAD.replace("有正在办的事。", "现在没有正在办的事，不用取消。")
    assert printed(file)[0] == 0


@pytest.mark.usefixtures("props_at_hand")
def test_what_cannot_be_performed_is_not_accepted(tmp_path: Path) -> None:
    file = tmp_path / "点不了.chat"
    file.write_text(HEAD + "> [点] 确认缴费\n", "utf-8")
    code, text = printed(file, accept=True)
    assert code == 1
    assert "[点] 确认缴费 做不了" in text
    assert file.read_text("utf-8") == HEAD + "> [点] 确认缴费\n"


@pytest.mark.usefixtures("props_at_hand")
def test_a_file_that_cannot_be_read_fails_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "乱.chat"
    file.write_text("你好", "utf-8")
    code, text = printed(file, tmp_path / "没有.chat")
    assert code == 1
    assert "第 1 行：每一行以" in text
    assert "0 passed, 2 failed" in text


@pytest.mark.usefixtures("props_at_hand")
def test_nothing_to_play_is_a_failure(tmp_path: Path) -> None:
    assert printed(tmp_path)[0] == 1


@pytest.mark.usefixtures("props_at_hand")
def test_coverage_lists_what_nobody_said(tmp_path: Path) -> None:
    (tmp_path / "好.chat").write_text(GOOD, "utf-8")
    code, text = printed(tmp_path, coverage=True)
    assert code == 0
    assert "  tier: " in text
    assert "nothing_to_cancel" not in text


def test_texts_are_overheard_only_while_somebody_listens() -> None:
    with overheard() as first, overheard() as second:
        say("checkout.pay")
    say("checkout.cancel")
    assert first == second == {"checkout.pay"}
    assert "pay" not in unvisited(first)["checkout"]
    assert unvisited(set(sentences())) == {}


def test_a_push_arrives_with_the_action_that_caused_it(stage: ScenePerformer) -> None:
    ordered(stage)
    assert says(stage, "付款")[0].startswith("<< 缴费成功：李*二")


def test_time_goes_by_in_steps_so_that_what_is_planned_happens(stage: ScenePerformer) -> None:
    ordered(stage)
    before = stage.sandbox.clock.now()
    assert says(stage, "等待", "31分")[0].startswith("<< 09:00 开的缴费单")
    assert stage.sandbox.clock.now() == before + 31 * 60 + 1


def test_a_restart_loses_nothing(stage: ScenePerformer) -> None:
    says(stage, "菜单", "医疗保险费缴纳")
    assert says(stage, "重启") == []
    assert says(stage, "打字", "369901197005210021")[0] == "< 收到（3699**********0021）。"


def test_a_fault_is_put_and_cleared(stage: ScenePerformer) -> None:
    ordered(stage)
    says(stage, "故障", "callback.payment drop_before")
    assert says(stage, "付款") == []
    says(stage, "故障", "清除")
    assert says(stage, "等待", "1分")[0].startswith("<< 缴费成功")
    with pytest.raises(CannotPerform, match="故障要写成"):
        says(stage, "故障", "pay.jsapi 爆炸")


def test_a_lost_message_is_no_line_of_the_bot(stage: ScenePerformer) -> None:
    says(stage, "故障", "push drop_before 3")
    assert [line[0] for line in says(stage, "打字", "你好")] == ["!"]


def test_what_another_phone_receives_meanwhile_is_marked(stage: ScenePerformer) -> None:
    ordered(stage)
    says(stage, "故障", "callback.payment drop_before 1")
    says(stage, "付款")
    assert all(line.startswith("<< （我收到）") for line in says(stage, "等待", "1分", person="女儿"))


def test_the_family_pays_from_a_phone_of_its_own(stage: ScenePerformer) -> None:
    ordered(stage)
    assert says(stage, "家人付款", "女儿")[0].startswith("<< 缴费成功")
    (payment,) = stage.sandbox.pay.books().payments
    assert payment.openid == openid_of("女儿")


def test_a_cashier_that_refuses_is_heard(stage: ScenePerformer) -> None:
    ordered(stage)
    says(stage, "点", "请家人扫码付")
    says(stage, "点", "不缴了")
    assert says(stage, "家人扫旧码") == ["< 〔收银台〕订单已关闭"]


def test_a_sentence_that_owns_up_to_an_error_is_no_line_of_the_bot() -> None:
    error = say("wire.error", id="28f34889")
    assert [mark_of(Bubble("text", text, (), "", 0.0, pushed=False)) for text in (error, "您好")] == ["!", "<"]


def test_nobody_can_press_what_is_not_there(stage: ScenePerformer) -> None:
    for verb, words in (
        ("点", "确认缴费"),
        ("点旧", "确认缴费"),
        ("菜单", "不在菜单里"),
        ("付款", ""),
        ("家人扫旧码", ""),
    ):
        with pytest.raises(CannotPerform):
            says(stage, verb, words)


def test_nothing_of_one_scene_is_seen_by_the_next(props: Props) -> None:
    with staged(read(GOOD), props) as first:
        ordered(first)
    with staged(read(GOOD), props) as second:
        assert "您还没有缴费单" in says(second, "菜单", "我的订单")[0]


def test_an_agencys_file_changes_what_the_bot_finds(stage: ScenePerformer) -> None:
    assert says(stage, "来文件", "enrolments 李测二 medical status=paused") == []
    says(stage, "菜单", "医疗保险费缴纳")
    says(stage, "打字", "369901197005210021")
    assert "现在没有要缴的" in says(stage, "打字", "李测二")[0]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("acks", "没有叫“acks”的文件"),
        ("enrolments 李测二 colour=red", "enrolments 里没有 colour"),
        ("enrolments 没有这个人", "没有一行写着 没有这个人"),
        ("enrolments 李测二 medical status=asleep", "导入不了"),
    ],
)
def test_a_file_that_cannot_come_in_says_why(stage: ScenePerformer, words: str, why: str) -> None:
    with pytest.raises(CannotPerform, match=why):
        says(stage, "来文件", words)


def test_a_release_with_other_questions_begins_again(stage: ScenePerformer) -> None:
    says(stage, "菜单", "医疗保险费缴纳")
    says(stage, "更新")
    assert say("machine.changed") in says(stage, "打字", "369901197005210021")[0]


def test_a_registry_that_is_away_is_owned_up_to(stage: ScenePerformer) -> None:
    says(stage, "菜单", "医疗保险费缴纳")
    says(stage, "打字", "369901197005210021")
    says(stage, "故障", "registry drop_before 1")
    assert says(stage, "打字", "李测二") == [f"< {say('machine.unavailable')}"]
    assert says(stage, "打字", "李测二")[0].startswith("< 参保机构")


def test_a_cashier_left_open_is_paid_later_or_finds_itself_closed(stage: ScenePerformer) -> None:
    with pytest.raises(CannotPerform, match="没有开着的收银台"):
        says(stage, "输密码")
    ordered(stage)
    assert says(stage, "收银台") == []
    assert says(stage, "输密码")[0].startswith("<< 缴费成功")


def test_a_close_that_was_not_done_leaves_the_cashier_open(stage: ScenePerformer) -> None:
    ordered(stage)
    says(stage, "收银台")
    says(stage, "故障", "pay.close not_done 1")
    says(stage, "家人付款", "女儿")
    assert "多付的 400元会原路退回" in says(stage, "输密码")[0]


def test_an_address_copied_without_its_last_sign_opens_nothing(stage: ScenePerformer) -> None:
    ordered(stage)
    assert says(stage, "抄漏链接", "点这里付款") == [f"< 〔网页〕{say('pay.unknown')}"]


def test_a_refund_may_be_silent_about_where_it_went(stage: ScenePerformer) -> None:
    ordered(stage)
    says(stage, "付款")
    says(stage, "退款不说去处")
    assert says(stage, "退款")[-1].endswith("已经原路退回。零钱和银行卡的账单里都能查到。")
