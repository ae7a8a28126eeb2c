"""Whether a text has the shape of a name at all: what has not is neither compared with a name nor counted as a try."""

from __future__ import annotations

import re
from typing import Final

from dialogs.terms.identity import LONGEST_NAME, NotAName, read_typed_name

SHORTEST_NAME: Final = 2  # characters

# Everyday answers that look like a name of two to six characters and are none.
_EVERYDAY_LINES: Final = (
    "等一下 等下 等会 等会儿 等一会 等一会儿 稍等 等等 等我一下 好的 好吧 好了",
    "好呀 好啊 好嘞 可以 可以的 行吧 行的 嗯嗯 哦哦 是的 不是 对的 不对 没错 没有",
    "有的 知道 知道了 明白了 收到 谢谢 谢谢你 谢谢您 多谢 你好 您好 在吗 在么",
    "请问 多少钱 多少 几块钱 怎么办 怎么弄 怎么缴 怎么交 什么 什么意思 为什么 干嘛",
    "干什么 哪里 哪个 谁的 几号 几点 不会 不懂 不知道 不清楚 不记得 忘了 忘记了",
    "看不懂 看不清 听不懂 没听懂 不要 不用 不缴 不交 不缴了 不交了 算了 取消 返回",
    "首页 帮助 人工 客服 本人 我本人 我自己 自己 我的 我妈 我妈妈 妈妈 我爸 我爸爸",
    "爸爸 父亲 母亲 我父亲 我母亲 老公 老婆 儿子 女儿 我儿子 我女儿 孩子 小孩 家人",
    "老人 身份证 身份证号 身份证号码 号码 姓名 名字 名称 同上 一样 一样的 刚才",
    "刚发了 发了 发过了 已发 已经发了 再说 晚点 下次 医保 社保 养老 养老保险",
    "医疗保险 医疗 缴费 交费 交钱 缴医保 交医保 缴社保 交社保 交养老 缴养老 付款",
    "付钱 支付 微信 退款 退钱 查询 证明 测试 试试 继续 重来 重新 下一步 上一步",
    "确认 确定 同意 不同意",
)
_EVERYDAY: Final = frozenset(word for line in _EVERYDAY_LINES for word in line.split())
# Parts of questions, requests and complaints. Nothing here may occur in a name: somebody whose name is refused here can
# never pay, while a sentence that is let through costs one try. So no single character is in it: 那, 帮 and 他 begin
# names, and 么, 哦 and 吗 end names (那英, 拉毛卓么, 阿呷日哦).
_SENTENCE: Final = re.compile(
    "什么|怎么|咋办|咋弄|咋缴|咋交|咋回事|多少|为啥|为什么|干嘛|谢谢|请问|你好|您好|不知道|不会|不懂|不是|不对|不用|不要|没有|没听|忘记|已经|我叫|我是|叫我"
    "|名字|姓名|身份证|号码|缴费|交费|交钱|医保|社保|保险|查询|退款|退钱|付款|人工|客服|骗子|骗人|骗钱|投诉"
    "|(?:好|行|对|是|有|在|能|可以|会|要|缴|交|付|办|用|到|了)[吗呢吧呀啊嘛么]$|[？?]$"
    "|^(?:我们|我想|我要|我在|我不|我没|我再|我先|我看|我的|我家|我妈|我爸|你们|你这|你先|您这|您先|他叫|她叫|咱们|咱家|这个|这是|这里|这样|这边|那个|那是|那就"
    "|请稍|请等|请帮|请您|请你|帮我|帮忙|帮他|帮她)"
)


def has_name_shape(typed: str) -> bool:
    """Return whether what was typed may be a name: 2 to 50 characters, no everyday word, no sentence."""
    try:
        name = read_typed_name(typed)
    except NotAName:
        return False
    if not SHORTEST_NAME <= len(name) <= LONGEST_NAME:
        return False
    return name not in _EVERYDAY and not _SENTENCE.search(name)
