"""The `.chat` format: what is read, what is refused with which words, what counts as the same, what is rewritten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from dialogs.transcript import Action, CannotPerform, Line, Scene, play
from dialogs.transcript_differences import difference, same, write
from dialogs.transcript_reading import NotATranscript, read

SCENE = """# 一句话
@时间 2026-11-23 09:00
@数据 demo

> [菜单] 养老保险费缴纳
< 第一行
# 为什么
< 第二行……
@作为 女儿
> 369901197005210021
< 收到
<< 缴费成功"""


class Parrot:
    """Says what it was given, whatever is done; notes who did what."""

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        self.answers = answers
        self.did: list[tuple[str, str]] = []

    def perform(self, person: str, action: Action) -> Sequence[Line]:
        self.did.append((person, str(action)))
        if str(action) not in self.answers:
            raise CannotPerform("没有这个选项")
        return [
            Line("<<", one.removeprefix("<<")) if one.startswith("<<") else Line("<", one)
            for one in self.answers[str(action)]
        ]


def scene_of(*lines: str) -> Scene:
    return read("\n".join(["@时间 2026-11-23 09:00", "> 好", *lines]))


def is_same(expected: Sequence[str], said: Sequence[str]) -> bool:
    scene = scene_of(*expected)
    return same(scene, play(scene, Parrot({"好": said})))


def test_a_scene_has_a_moment_and_exchanges_of_persons_in_order() -> None:
    scene = read(SCENE)
    assert scene.at.isoformat() == "2026-11-23T09:00:00"
    first, second = scene.exchanges
    assert (first.number, first.person, first.action) == (5, "我", Action("菜单", "养老保险费缴纳"))
    assert first.expected == (Line("<", "第一行"), Line("<", "第二行……"))
    assert (second.number, second.person, second.action.verb) == (10, "女儿", "打字")
    assert second.expected == (Line("<", "收到"), Line("<<", "缴费成功"))


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("> [等待 31分]", Action("等待", "31分")),
        ("> [等待] 2小时", Action("等待", "2小时")),
        ("> [点] 改成 500元", Action("点", "改成 500元")),
        ("> [打字] [微笑]", Action("打字", "[微笑]")),
        ("> 王样三", Action("打字", "王样三")),
        (">  前面有空格 ", Action("打字", " 前面有空格 ")),
        ("> [语音] 给我妈交医保", Action("语音", "给我妈交医保")),
        ("> [付款]", Action("付款", "")),
    ],
)
def test_an_action_is_read(line: str, action: Action) -> None:
    assert read(f"@时间 2026-11-23 09:00\n{line}").exchanges[0].action == action


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("> 好", "第 1 行：缺少 @时间"),
        ("@时间 2026-11-23 09:00", "没有一行以 > 开头"),
        ("@时间 明天", "第 1 行：时间要写成"),
        ("@时间 2026-11-23 09:00\n你好", "第 2 行：每一行以"),
        ("@时间 2026-11-23 09:00\n< 好", "第 2 行：回复前面"),
        ("@时间 2026-11-23 09:00\n> [点击] 好", "第 2 行：不认识 [点击]"),
        ("@时间 2026-11-23 09:00\n> [点]", "第 2 行：[点] 后面少了内容"),
        ("@时间 2026-11-23 09:00\n> [重启] 现在", "第 2 行：[重启] 后面不能有"),
        ("@时间 2026-11-23 09:00\n> [等待 一会儿]", "第 2 行：等待要写成"),
        ("@时间 2026-11-23 09:00\n>", "第 2 行：> 后面少了内容"),
        ("@数据 真的\n@时间 2026-11-23 09:00\n> 好", "第 1 行：没有叫“真的”的数据"),
        ("@地点 南昌", "第 1 行：不认识 @地点"),
        ("@账号 大号", "第 1 行：@账号 只能是"),
        ("@同意 好", "第 1 行：@同意 只能是 已、未"),
        ("@时间 2026-11-23 09:00\n> 好\n@数据 demo", "第 3 行：@数据 要写在第一个 > 前面"),
        ("@作为", "第 1 行：@作为 后面少了内容"),
    ],
)
def test_what_cannot_be_read_is_told_in_words_with_its_line(text: str, why: str) -> None:
    with pytest.raises(NotATranscript) as refused:
        read(text)
    assert why in str(refused.value)


def test_every_person_does_his_part() -> None:
    parrot = Parrot({"[菜单] 养老保险费缴纳": ["第一行", "第二行"], "369901197005210021": ["收到", "<<缴费成功"]})
    scene = read(SCENE)
    assert same(scene, play(scene, parrot))
    assert parrot.did == [("我", "[菜单] 养老保险费缴纳"), ("女儿", "369901197005210021")]


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (["< 一", "< 二"], ["一", "二"]),
        ([], []),
        (["< 一……"], ["一二三", "四", "<<五"]),
        (["< 一……"], ["一"]),
        (["< ……"], ["一", "二"]),
        (["< 一……", "<< 五"], ["一二", "三", "<<五"]),
        (["< 一……", "< 四……"], ["一二", "三", "四五", "六"]),
        (["< 一…"], ["一二"]),
    ],
)
def test_these_are_the_same(expected: list[str], said: list[str]) -> None:
    assert is_same(expected, said)


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (["< 一"], ["一", "二"]),
        (["< 一", "< 二"], ["一"]),
        (["< 一"], ["<<一"]),
        (["<< 一……"], ["一"]),
        ([], ["一"]),
        (["< 一……"], []),
        (["< 二……"], ["一", "二"]),
        (["< 一……", "<< 五"], ["一", "<<五", "<<六"]),
        (["< 一"], ["一二"]),
    ],
)
def test_these_are_not_the_same(expected: list[str], said: list[str]) -> None:
    assert not is_same(expected, said)


def test_what_cannot_be_performed_ends_the_scene_and_says_why() -> None:
    scene = read("@时间 2026-11-23 09:00\n> 好\n< 好\n> [点] 没有\n< 有\n> 再见\n< 再见")
    played = play(scene, Parrot({"好": ["好"]}))
    assert played.broken
    assert not same(scene, played)
    assert [str(line) for line in played.said[-1]] == ["! 没有这个选项"]
    assert len(played.said) == 2


def test_a_rewritten_transcript_keeps_remarks_settings_and_what_is_still_abbreviated() -> None:
    parrot = Parrot({"[菜单] 养老保险费缴纳": ["新的一行", "第二行和更多", "末行"], "369901197005210021": ["变了"]})
    scene = read(SCENE)
    written = write(scene, play(scene, parrot))
    assert written == SCENE.replace("< 第一行\n# 为什么", "# 为什么\n< 新的一行").replace(
        "< 收到\n<< 缴费成功", "< 变了"
    )
    again = read(written)
    assert same(again, play(again, parrot))


def test_a_transcript_that_is_as_written_is_rewritten_to_itself() -> None:
    parrot = Parrot({"[菜单] 养老保险费缴纳": ["第一行", "第二行"], "369901197005210021": ["收到", "<<缴费成功"]})
    scene = read(SCENE + "\n")
    assert write(scene, play(scene, parrot)) == SCENE + "\n"
    assert difference(scene, play(scene, parrot)) == []


def test_a_difference_names_the_lines_of_the_file() -> None:
    scene = scene_of("< 一", "< 二", "> 好", "< 一", "< 三")
    shown = [str(line) for group in difference(scene, play(scene, Parrot({"好": ["一", "三"]}))) for line in group]
    assert shown == ["   2   > 好", "   3   < 一", "   4 - < 二", "     + < 三", "   5   > 好", "   6   < 一"]
