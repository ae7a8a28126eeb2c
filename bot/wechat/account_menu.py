"""The account's menu as WeChat takes it, from the flows."""

from __future__ import annotations

from bot.wechat.menu import menu_payload
from dialogs.flows import MENU, SERVICES


def account_menu() -> dict[str, object]:
    """The menu's groups and entries, checked against WeChat's limits; raises MenuTooLong."""
    return menu_payload([(group, [(SERVICES[key].label, key) for key in keys]) for group, keys in MENU.items()])
