"""The account's menu (自定义菜单) as WeChat wants it, held against WeChat's limits before it is sent."""

from collections.abc import Sequence

GROUPS = 3
ITEMS = 5
GROUP_BYTES = 16
ITEM_BYTES = 60
KEY_BYTES = 128


class MenuTooLong(ValueError):
    """A menu WeChat would refuse (40018 and others); the words name the item and the limit."""


def menu_payload(groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> dict[str, object]:
    """The body of menu/create for groups of (label, [(label, key), ...]), every item of type click.

    Raises MenuTooLong. Limits (facts/wechat.md A2): 3 groups of 5 items; in UTF-8 bytes, group name 16, item name 60,
    key 128.
    """
    if not 1 <= len(groups) <= GROUPS:
        raise MenuTooLong(f"the menu has {len(groups)} groups, WeChat takes 1 to {GROUPS}")
    return {"button": [_group(label, items) for label, items in groups]}


def _group(label: str, items: Sequence[tuple[str, str]]) -> dict[str, object]:
    _fits(label, label, "name", GROUP_BYTES)
    if not 1 <= len(items) <= ITEMS:
        raise MenuTooLong(f"{label}: {len(items)} items, WeChat takes 1 to {ITEMS}")
    return {"name": label, "sub_button": [_item(name, key) for name, key in items]}


def _item(label: str, key: str) -> dict[str, str]:
    _fits(label, label, "name", ITEM_BYTES)
    _fits(label, key, "key", KEY_BYTES)
    return {"type": "click", "name": label, "key": key}


def _fits(item: str, text: str, part: str, limit: int) -> None:
    size = len(text.encode("utf-8", "replace"))
    if not 1 <= size <= limit:
        raise MenuTooLong(f"{item}: its {part} has {size} bytes, WeChat takes 1 to {limit}")
