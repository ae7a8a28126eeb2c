"""Temporary pictures: the multipart upload, its limits, and media ids that end after three days."""

import email
import email.policy
import secrets
import threading
from dataclasses import dataclass
from email.message import EmailMessage

from bot.sandbox.clock import MovableClock
from bot.sandbox.http import Request
from bot.sandbox.refusals import Refused

LIFE_SECONDS = 3 * 86400
MAX_BYTES = 2 * 1024 * 1024  # facts/wechat.md A1: one official page says 10 MB and 2 MB; the smaller is safe
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
_JPEG = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"


@dataclass(frozen=True)
class Picture:
    """An uploaded picture."""

    media_id: str
    content: bytes
    expires_at: float


class Media:
    """The pictures an account has uploaded."""

    def __init__(self, clock: MovableClock) -> None:
        self._clock = clock
        self._pictures: dict[str, Picture] = {}
        self._lock = threading.Lock()

    def upload(self, request: Request) -> dict[str, object]:
        """POST /cgi-bin/media/upload?type=image with the form field `media`."""
        if request.query.get("type") != "image":
            raise Refused(40004, "invalid media type")
        content = _form_file(request, "media")
        if not content:
            raise Refused(44001, "empty media data")
        if len(content) >= MAX_BYTES:
            raise Refused(40009, "invalid image size")
        png = content.startswith(_PNG) and content.endswith(_PNG_END)
        jpeg = content.startswith(_JPEG) and content.rstrip(b"\0").endswith(_JPEG_END)
        if not png and not jpeg:
            raise Refused(40005, "invalid file type")
        now = self._clock.now()
        picture = Picture(secrets.token_urlsafe(48), content, now + LIFE_SECONDS)
        with self._lock:
            self._pictures[picture.media_id] = picture
        return {"type": "image", "media_id": picture.media_id, "created_at": int(now)}

    def picture(self, media_id: str) -> Picture:
        """The picture of a media id; 40007 where there is none, or it is older than three days."""
        with self._lock:
            picture = self._pictures.get(media_id)
        if picture is None or self._clock.now() >= picture.expires_at:
            raise Refused(40007, "invalid media_id")
        return picture


def _form_file(request: Request, name: str) -> bytes:
    declared = request.headers.get("Content-Type", "")
    if not declared.startswith("multipart/form-data"):
        raise Refused(41005, "media data missing")
    head = f"Content-Type: {declared}\r\nMIME-Version: 1.0\r\n\r\n".encode("latin-1")
    form = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    for part in form.iter_parts() if form.is_multipart() else ():
        if not isinstance(part, EmailMessage):
            continue
        if part.get_param("name", header="content-disposition") == name and part.get_filename():
            content = part.get_payload(decode=True)
            return content if isinstance(content, bytes) else b""
    raise Refused(41005, "media data missing")
