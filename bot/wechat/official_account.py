"""The official account's API as this bot uses it: text, image and template messages, media, the menu."""

import re
from collections.abc import Mapping
from typing import Any, cast

from bot.wechat.account_client import AccountClient
from bot.wechat.account_errors import AccountError, AccountUnreachable

NO_MENU = 46003
EMPTY_TEXT = 44004
TEXT_TOO_LONG = 45002
TEXT_BYTES = 2048
SCAN_LINK = re.compile(r"https?://[!-~]{1,200}")


class OfficialAccount:
    """Every method raises PushRefused, AccountError or AccountUnreachable (see account_errors.py), and nothing else."""

    def __init__(self, client: AccountClient) -> None:
        self._client = client

    def send_text(self, openid: str, text: str) -> None:
        """A customer-service message (客服消息) of 1 to 2,048 UTF-8 bytes; longer is refused here, as WeChat would."""
        text = _sendable(text)
        if not text:
            raise AccountError(EMPTY_TEXT, "empty text")
        if len(text.encode()) > TEXT_BYTES:
            raise AccountError(TEXT_TOO_LONG, f"text of more than {TEXT_BYTES} bytes")
        self._client.message.send_text(openid, text)

    def send_image(self, openid: str, media_id: str) -> None:
        """A customer-service message with a picture uploaded before."""
        self._client.message.send_image(openid, media_id)

    def upload_image(self, png: bytes) -> str:
        """Uploads a temporary picture (valid 3 days; WeChat takes less than 2 MB) and gives its media id."""
        # bytes and not a file: a file would be empty the second time it is sent (facts/wechat.md C2)
        reply = self._client.media.upload("image", ("card.png", png, "image/png"))
        media_id = reply.get("media_id")
        if not isinstance(media_id, str) or not media_id:
            raise AccountUnreachable("the upload's answer has no media id")
        return media_id

    def send_template(self, openid: str, template_id: str, fields: Mapping[str, str]) -> None:
        """A template message (模板消息); `fields` are the template's own names and their values."""
        values = {name: {"value": _sendable(value)} for name, value in fields.items()}
        self._client.message.send_template(openid, template_id, values)

    def renew_token(self) -> float:
        """For the background work: see to it that a token lives; gives the moment to come again (unix seconds).

        Raises StoreUnavailable besides.
        """
        return self._client.renew_token()

    def scan_code(self, scene: str) -> str:
        """A lasting parametric code (1 to 64 characters) and the link it says; an account has 100,000 of them."""
        asked = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": scene}}}
        url = self._client.qrcode.create(asked).get("url")
        if not isinstance(url, str) or not SCAN_LINK.fullmatch(url):
            raise AccountUnreachable("the code's answer holds no link")
        return url

    def put_menu(self, menu: Mapping[str, object]) -> None:
        """Replaces the account's menu by one from bot/wechat/menu.py."""
        self._client.menu.create(dict(menu))

    def menu(self) -> dict[str, Any]:
        """The menu as WeChat has it, in the form `put_menu` takes; empty where there is none."""
        try:
            reply = self._client.get("menu/get")
        except AccountError as error:
            if error.code != NO_MENU:
                raise
            return {}
        menu = reply.get("menu")
        if not isinstance(menu, dict):
            raise AccountUnreachable("the answer holds no menu")
        return cast(dict[str, Any], menu)


def _sendable(text: str) -> str:
    """Half of a surrogate pair cannot be written as UTF-8; it becomes a question mark instead of an error."""
    return text.encode("utf-8", "replace").decode()
