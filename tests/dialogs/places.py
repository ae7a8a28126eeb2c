"""How to come to each step of the dialogs in the in-memory town."""

from __future__ import annotations

from tests.dialogs.townspeople import LI, WANG, Phone

CONTACT = ["常用联系人", "1", LI.number, LI.name]
# How to come to each step, and what is typed next to answer it.
AT = {
    "document": (["养老保险费缴纳"], WANG.number),
    "insured": (["养老保险费缴纳", WANG.number], WANG.name),
    "enrolled": (["养老保险费缴纳", WANG.number, WANG.name], "东湖区"),
    "tier": (["养老保险费缴纳", WANG.number, WANG.name, "1"], "500"),
    "assessed": (["养老核定缴费", LI.number, LI.name], "2024"),
    "confirm": (["医疗保险费缴纳", LI.number, LI.name], "确认缴费"),
    "contact_relation": (CONTACT, "母亲"),
    "contact_sure": ([*CONTACT, "本人"], "是我本人"),
}
ORDERED = ["医疗保险费缴纳", LI.number, LI.name, "确认缴费"]
EVERYWHERE = {
    **{name: way for name, (way, _) in AT.items()},
    "services": ["首页"],
    "checkout": ORDERED,
    "contacts": ["常用联系人"],
}


def at(step: str) -> Phone:
    """A phone whose chat stands at this step."""
    phone = Phone()
    phone.say(*EVERYWHERE[step])
    assert phone.session.asked == step
    return phone
