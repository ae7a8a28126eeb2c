"""A sandbox for `serve`: both stand-ins in this process, keys kept in `var/`, demo data fitting today."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.sandbox import DEMO
from bot.sandbox.both import Sandbox
from bot.settings import Settings
from storage.database import open_database
from storage.demo import load_demo
from storage.migrate import upgrade
from storage.sealing import FieldSeal


def start_for_server(settings: Settings) -> dict[str, dict[str, Any]]:
    """Start the stand-ins beside a server; returns the settings that make the bot use them."""
    sandbox = Sandbox.start(settings.path("var"))
    public_url = settings.server.public_url
    sandbox.wechat.bot_url = f"http://127.0.0.1:{settings.server.port}/wechat"
    sandbox.pay.start_delivering()
    key = settings.path(settings.storage.field_key)
    if not key.exists():
        FieldSeal.create(key)
    engine = open_database(settings.database_url)
    upgrade(engine)
    load_demo(engine, FieldSeal.read(key), DEMO, datetime.now(settings.zone).date(), shift=True)
    engine.dispose()
    return sandbox.settings_overrides(public_url)
