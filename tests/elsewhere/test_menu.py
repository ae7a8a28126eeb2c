"""The account's menu: pushed by an operator, tapped by a citizen."""

from __future__ import annotations

from tests.elsewhere.conftest import only_embedded
from tests.elsewhere.town import Town

GROUPS = {"我要缴": 5, "我要查": 4, "税费服务": 4}


@only_embedded
def test_every_item_of_the_menu_that_is_pushed_is_answered(town: Town) -> None:
    code, said = town.command("menu", "push")
    assert code == 0, said
    assert town.account.menu
    groups = town.account.menu["button"]
    assert {group["name"]: len(group["sub_button"]) for group in groups} == GROUPS
    for item in (item for group in groups for item in group["sub_button"]):
        answer = town.phone().menu(item["key"])
        assert "没听明白" not in answer, (item, answer.text)
