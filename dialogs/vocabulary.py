"""Words and things that mean the same at every step: commands, greetings, what cannot be read."""

from __future__ import annotations

from collections.abc import Mapping

COMMANDS: Mapping[str, frozenset[str]] = {
    "back": frozenset({"返回", "返回上一步", "上一步", "后退", "退回", "0"}),
    "cancel": frozenset({"取消", "退出", "算了", "不办了", "不缴了", "不交了", "不要了"}),
    "help": frozenset({"帮助", "帮忙", "help", "人工", "客服", "怎么办", "不会", "不懂", "电话"}),
    "home": frozenset({"首页", "主页", "菜单", "目录", "回首页", "返回首页", "全部服务", "重来", "重新来"}),
    "next": frozenset({"下一页", "后一页", "更多", "往后"}),
    "before": frozenset({"上一页", "前一页", "往前"}),
}
GREETINGS = frozenset(
    {"你好", "您好", "你好啊", "在吗", "在不在", "有人吗", "早上好", "下午好", "晚上好", "hi", "hello"}
)
THANKS = frozenset({"谢谢", "谢谢您", "谢谢你", "多谢", "好的谢谢", "辛苦了", "感谢"})
ATTACHMENTS: Mapping[str, str] = {
    "voice": "machine.voice",
    "image": "machine.image",
    "video": "machine.video",
    "location": "machine.location",
    "link": "machine.link",
    "unknown": "machine.unknown",
}


def command_of(said: str) -> str:
    """The command that these words, compared as `choices.plain` gives them, are; "" for none."""
    return next((name for name, words in COMMANDS.items() if said in words), "")
