"""常用联系人: somebody this openid pays for, and what the insured is to the citizen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MOST_CONTACTS = 20  # of one openid


class Relation(StrEnum):
    """What the contact is to the citizen."""

    SELF = "self"  # 本人: only by the citizen's own confirmation, at most one
    FATHER = "father"
    MOTHER = "mother"
    SPOUSE = "spouse"
    SON = "son"
    DAUGHTER = "daughter"
    OTHER = "other"


# How people call them; the relation's own word is in texts.toml.
SPOKEN: Mapping[Relation, tuple[str, ...]] = {
    Relation.SELF: ("我", "自己", "我自己", "我本人", "给自己", "给我自己"),
    Relation.FATHER: ("爸", "爸爸", "我爸", "老爸", "我爸爸", "我父亲", "给我爸", "爹"),
    Relation.MOTHER: ("妈", "妈妈", "我妈", "老妈", "我妈妈", "我母亲", "给我妈", "娘"),
    Relation.SPOUSE: ("老公", "老婆", "丈夫", "妻子", "爱人", "我爱人", "老伴", "我老伴", "我老公", "我老婆"),
    Relation.SON: ("我儿子", "给儿子", "儿"),
    Relation.DAUGHTER: ("我女儿", "给女儿", "闺女", "女"),
    Relation.OTHER: ("别的", "别人", "都不是", "其它"),
}


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact; who it is, masked, is for the registry to say."""

    insured: str  # look-up key
    relation: Relation


class Keeping(StrEnum):
    """What came of adding a contact or changing its relation."""

    KEPT = "kept"
    ALREADY = "already"  # this person is a contact already, and stays as it was
    FULL = "full"  # there are as many as there may be
    SELF_TAKEN = "self_taken"  # another contact is 本人
    GONE = "gone"  # no such contact (any more)
