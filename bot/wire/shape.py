"""From the XML inside to one `Message`: who wrote it, by which key it is known, and what was `Said`.

WeRoBot's message objects and handlers do the telling apart, behind the guard of `elements`. Its handlers only
translate: `get_reply` swallows every exception and answers with silence (facts/wechat.md C1), so no turn is run there.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from werobot import WeRoBot
from werobot.config import Config
from werobot.parser import process_message

from bot.wire.elements import Elements, Unreadable, read_elements
from dialogs.said import Said
from dialogs.terms.emoticons import is_sticker_text

LONGEST_TEXT = 2000  # characters; a longer text is cut and ends in "…", so that its length still tells
_LONGEST_KEY = 128
# The citizen closed the WeChat account, or took back what the account may know: as 撤回同意.
WITHDRAWING = ("user_authorization_cancellation", "user_authorization_revoke")
_PARTY = re.compile(r"[0-9A-Za-z_*@.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Message:
    """One message or event, as far as a turn needs it."""

    openid: str  # FromUserName
    account: str  # ToUserName
    key: str  # the same for WeChat's resends, another for every other message
    said: Said


def read_message(robot: WeRoBot, xml: bytes) -> Message:
    """The message in this XML; raises Unreadable for what is none."""
    elements = read_elements(xml)
    openid, account = elements.get("FromUserName"), elements.get("ToUserName")
    if not (isinstance(openid, str) and _PARTY.fullmatch(openid)):
        raise Unreadable("FromUserName")
    if not (isinstance(account, str) and _PARTY.fullmatch(account)):
        raise Unreadable("ToUserName")
    if openid == account:
        raise Unreadable("FromUserName is the account itself")
    if elements.get("Event") in WITHDRAWING:
        # FromUserName is the platform here, OpenID the citizen (developers.weixin.qq.com: authorization_change)
        about = elements.get("OpenID", openid)
        if not (isinstance(about, str) and _PARTY.fullmatch(about)):
            raise Unreadable("OpenID")
        openid = about
    key = message_key(elements)
    try:
        message = process_message(elements)
    except Exception as wrong:  # WeRoBot trusts that MsgType, Event and SendPicsInfo are there
        raise Unreadable("no message") from wrong
    said = robot.get_reply(message)
    return Message(openid, account, key, said if isinstance(said, Said) else Said("unknown"))


def message_key(elements: Elements) -> str:
    """MsgId with openid and CreateTime; for events, which have none, openid, CreateTime, event and key (design 4.2)."""
    openid, created = elements["FromUserName"], elements.get("CreateTime", "")
    if number := elements.get("MsgId"):
        key = f"{openid}:{created}:{number}"
    else:
        what = elements.get("Event") or elements.get("Content") or elements.get("MsgType")
        key = f"{openid}:{created}:{what}:{elements.get('EventKey', '')}"
    return key if len(key) <= _LONGEST_KEY else f"{openid}:{hashlib.sha256(key.encode()).hexdigest()}"


def translator() -> WeRoBot:
    """A robot whose handlers give a `Said`; it keeps no session and never decrypts."""
    robot = WeRoBot(config=Config(SESSION_STORAGE=False, TOKEN="", SERVER="", HOST="", PORT=""))
    kinds: dict[str, Callable[[Any], Said]] = {
        "text": _text,
        "voice": _voice,
        "image": lambda _: Said("image"),
        "video": lambda _: Said("video"),
        "shortvideo": lambda _: Said("video"),
        "location": lambda _: Said("location"),
        "link": lambda _: Said("link"),
        "subscribe_event": lambda message: Said("subscribe", key=_scene(message).removeprefix("qrscene_")),
        "unsubscribe_event": lambda _: Said("unsubscribe"),
        "scan_event": lambda message: Said("scan", key=_scene(message)),
        "scancode_waitmsg_event": lambda _: Said("scan"),
        "click_event": lambda message: Said("menu", key=_short(message.key)),
        "all": _other,
    }
    for kind, handler in kinds.items():
        robot.add_handler(handler, kind)
    return robot


def _text(message: Any) -> Said:
    text = clean(message.content)
    option = _short(message.__dict__.get("bizmsgmenuid"))
    if option:
        return Said("tap", text=text, option=option)
    if is_sticker_text(text):
        return Said("image")
    return Said("text", text=text) if text else Said("unknown")


def _other(message: Any) -> Said:
    """What WeRoBot has no handler of its own for."""
    if message.type.removesuffix("_event") in WITHDRAWING:
        return Said("withdraw")
    return Said("quiet" if message.type.endswith("_event") else "unknown")


def _scene(message: Any) -> str:
    """What the account's code that was scanned holds."""
    return _short(getattr(message, "key", None))


def _voice(message: Any) -> Said:
    # The official page also spells it "Recongnition" (facts/wechat.md A1).
    return Said("voice", text=clean(message.recognition or message.__dict__.get("Recongnition")))


def clean(text: object) -> str:
    """What a person typed, without control characters and lone surrogates; at most 2,001 characters."""
    if not isinstance(text, str):
        return ""
    if not text.isprintable():
        text = "".join(sign for sign in text if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cs"))
    text = text.strip()
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"


def _short(text: object) -> str:
    return clean(text)[:128]
