"""The account's menu and the limits WeChat puts on it (facts/wechat.md A2: 3 x 5, 16 and 60 bytes, keys of 128)."""

import threading
from collections.abc import Iterator
from typing import Any

from bot.sandbox.http import Request
from bot.sandbox.refusals import Refused, json_body

_KEYED = {
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
}


class Menu:
    """The menu as it was last created."""

    def __init__(self) -> None:
        self._menu: dict[str, Any] | None = None
        self._lock = threading.Lock()

    @property
    def is_there(self) -> bool:
        """Whether there is one."""
        with self._lock:
            return self._menu is not None

    def create(self, request: Request) -> dict[str, object]:
        """Check every limit, then show this menu from now on."""
        menu = json_body(request)
        buttons = menu.get("button")
        if set(menu) != {"button"} or not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
            raise Refused(40016, "invalid button size")
        for button in buttons:
            _check(button, nested=False)
        with self._lock:
            self._menu = menu
        return {"errcode": 0, "errmsg": "ok"}

    def get(self, request: Request) -> dict[str, object]:
        """The menu, or 46003."""
        with self._lock:
            if self._menu is None:
                raise Refused(46003, "menu no exist")
            return {"menu": self._menu}

    def delete(self, request: Request) -> dict[str, object]:
        """Show no menu."""
        with self._lock:
            self._menu = None
        return {"errcode": 0, "errmsg": "ok"}

    def key_of(self, item: str) -> str:
        """The key of what a citizen presses, by key or by name. Without a menu any key will do.

        Raises LookupError for what the menu does not show.
        """
        with self._lock:
            menu = self._menu
        if menu is None:
            return item
        shown = list(_leaves(menu["button"]))
        for leaf in shown:
            if leaf.get("key") is not None and item in (leaf["key"], leaf["name"]):
                return str(leaf["key"])
        raise LookupError(f"the menu has no {item!r}, only: {', '.join(str(leaf['name']) for leaf in shown)}")


def _leaves(buttons: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for button in buttons:
        if button.get("sub_button"):
            yield from _leaves(button["sub_button"])
        else:
            yield button


def _check(button: object, *, nested: bool) -> None:
    if not isinstance(button, dict):
        raise Refused(47001, "data format error")
    name = button.get("name")
    if not isinstance(name, str) or not 1 <= len(name.encode()) <= (60 if nested else 16):
        raise Refused(
            40025 if nested else 40018, "invalid sub button name size" if nested else "invalid button name size"
        )
    below = button.get("sub_button", [])
    if not isinstance(below, list) or (nested and below):
        raise Refused(40022, "invalid sub button level")
    if below:
        if len(below) > 5:
            raise Refused(40023, "invalid sub button size")
        for inner in below:
            _check(inner, nested=True)
        return
    kind = button.get("type")
    if kind in _KEYED:
        key = button.get("key")
        if not isinstance(key, str) or not 1 <= len(key.encode()) <= 128:
            raise Refused(40026 if nested else 40019, "invalid button key size")
    elif kind in ("view", "miniprogram"):
        url = button.get("url")
        if not isinstance(url, str) or not 1 <= len(url.encode()) <= 1024:
            raise Refused(40027 if nested else 40020, "invalid button url size")
    else:
        raise Refused(40024 if nested else 40017, "invalid button type")
