"""One character, two code points: what old systems write for a character that has a code point of its own.

Systems of the GBK time keep some characters at private-use code points of Unicode (U+E863 for 䶮), because Unicode had
none for them then. Which ones is fixed and published: GB 18030-2000, appendix E of GB 18030-2005, and GB 18030-2022,
which exchanges 18 of them once more. Other private use means something only within the system it comes from, and is
left alone here.

Text copied from a PDF has radicals (⻩, U+2EE9) where the character (黄, U+9EC4) was meant. Kangxi radicals have a
compatibility decomposition; of the CJK Radicals Supplement those are listed that are a whole character, by the
Unicode Character Database, EquivalentUnifiedIdeograph.txt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

# The two bytes of GB 18030, the private-use code point, the standard code point; hexadecimal.
_GB18030: Final = """
    A6D9 E78D FE10  A6DA E78E FE12  A6DB E78F FE11  A6DC E790 FE13  A6DD E791 FE14  A6DE E792 FE15
    A6DF E793 FE16  A6EC E794 FE17  A6ED E795 FE18  A6F3 E796 FE19  A8BC E7C7 1E3F  A8BF E7C8 01F9
    A989 E7E7 303E  A98A E7E8 2FF0  A98B E7E9 2FF1  A98C E7EA 2FF2  A98D E7EB 2FF3  A98E E7EC 2FF4
    A98F E7ED 2FF5  A990 E7EE 2FF6  A991 E7EF 2FF7  A992 E7F0 2FF8  A993 E7F1 2FF9  A994 E7F2 2FFA
    A995 E7F3 2FFB  FE50 E815 2E81  FE51 E816 20087  FE52 E817 20089  FE53 E818 200CC  FE54 E819 2E84
    FE55 E81A 3473  FE56 E81B 3447  FE57 E81C 2E88  FE58 E81D 2E8B  FE59 E81E 9FB4  FE5A E81F 359E
    FE5B E820 361A  FE5C E821 360E  FE5D E822 2E8C  FE5E E823 2E97  FE5F E824 396E  FE60 E825 3918
    FE61 E826 9FB5  FE62 E827 39CF  FE63 E828 39DF  FE64 E829 3A73  FE65 E82A 39D0  FE66 E82B 9FB6
    FE67 E82C 9FB7  FE68 E82D 3B4E  FE69 E82E 3C6E  FE6A E82F 3CE0  FE6B E830 2EA7  FE6C E831 215D7
    FE6D E832 9FB8  FE6E E833 2EAA  FE6F E834 4056  FE70 E835 415F  FE71 E836 2EAE  FE72 E837 4337
    FE73 E838 2EB3  FE74 E839 2EB6  FE75 E83A 2EB7  FE76 E83B 2298F  FE77 E83C 43B1  FE78 E83D 43AC
    FE79 E83E 2EBB  FE7A E83F 43DD  FE7B E840 44D6  FE7C E841 4661  FE7D E842 464C  FE7E E843 9FB9
    FE80 E844 4723  FE81 E845 4729  FE82 E846 477C  FE83 E847 478D  FE84 E848 2ECA  FE85 E849 4947
    FE86 E84A 497A  FE87 E84B 497D  FE88 E84C 4982  FE89 E84D 4983  FE8A E84E 4985  FE8B E84F 4986
    FE8C E850 499F  FE8D E851 499B  FE8E E852 49B7  FE8F E853 49B6  FE90 E854 9FBA  FE91 E855 241FE
    FE92 E856 4CA3  FE93 E857 4C9F  FE94 E858 4CA0  FE95 E859 4CA1  FE96 E85A 4C77  FE97 E85B 4CA2
    FE98 E85C 4D13  FE99 E85D 4D14  FE9A E85E 4D15  FE9B E85F 4D16  FE9C E860 4D17  FE9D E861 4D18
    FE9E E862 4D19  FE9F E863 4DAE  FEA0 E864 9FBB
"""
GB18030_ROWS: Final = tuple(
    (bytes.fromhex(code), chr(int(private, 16)), chr(int(standard, 16)))
    for code, private, standard in zip(*[iter(_GB18030.split())] * 3, strict=True)
)
"""The whole published map: two bytes of GB 18030, private-use character, standard character."""

# A radical, then the character it is.
_RADICALS: Final = (
    "⺊卜⺒巳⺛旡⺜日⺝月⺠民⺬示⻄西⻅见⻆角⻉贝⻋车⻑長⻒镸⻓长⻔门⻘青⻙韦⻚页⻛风⻜飞⻝食"
    "⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻪黾⻫斉⻬齐⻭歯⻮齿⻯竜⻰龙⻱龜⻲亀"
)
RADICALS: Final[Mapping[str, str]] = dict(zip(_RADICALS[::2], _RADICALS[1::2], strict=True))
"""Radicals of the CJK Radicals Supplement that are a whole character."""

_STANDARD: Final = str.maketrans({private: standard for _, private, standard in GB18030_ROWS} | dict(RADICALS))
_RARE: Final = re.compile("[\u2e80-\u2fd5\ue000-\uf8ff]")
_KANGXI: Final = re.compile("[\u2f00-\u2fd5\u2e9f\u2ef3]")


def standard_han(text: str) -> str:
    """The text with the standard code point for each character that this map has; twice is the same as once."""
    if text.isascii() or not _RARE.search(text):
        return text
    return _KANGXI.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text.translate(_STANDARD))
