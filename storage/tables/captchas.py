"""Pictures of riddles that wait, uploaded already, for somebody to be asked one."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from storage.tables.columns import seconds


class CaptchaPictureRow(SQLModel, table=True):
    """One picture. Whoever takes it takes the row away, so that it is given to one openid once."""

    __tablename__ = "captcha_picture"

    draw: str = Field(primary_key=True)  # of the riddle; what it shows follows from it and a key
    media_id: str  # WeChat's
    expires_at: int = Field(sa_column=seconds(index=True))  # WeChat forgets it three days after the upload
