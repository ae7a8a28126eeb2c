"""The story, masked, in time order: what an operator needs when someone calls 12366."""

from __future__ import annotations

from datetime import date, tzinfo

from sqlalchemy import Engine

from bot.story.entry import Entry
from bot.story.money import of_orders
from bot.story.talk import of_other_channels, of_papers, of_talk
from bot.story.whose import whose
from storage.database import reading
from storage.orders.reading import moment
from storage.sealing import FieldSeal


def story(engine: Engine, seal: FieldSeal, key: str, zone: tzinfo, today: date) -> str | None:
    """What happened, a line each; None where nobody knows the key. Raises DatabaseUnavailable."""
    about = whose(engine, seal, key, today)
    if about is None:
        return None
    entries: list[Entry] = []
    for openid, since, until in about.talks:
        entries += of_talk(engine, seal, openid, since, until)
    with reading(engine) as connection:
        entries += of_orders(connection, about.orders)
        if about.whole or about.certificate:
            entries += of_papers(connection, about.whole, about.certificate)
        if about.person:
            entries += of_other_channels(connection, about.person)
    told = sorted(enumerate(entries), key=lambda one: (one[1].at, one[1].place, one[0]))
    return "\n".join([about.title, *dict.fromkeys(_line(entry, zone) for _, entry in told)])


def _line(entry: Entry, zone: tzinfo) -> str:
    return f"{moment(entry.at, zone):%Y-%m-%d %H:%M:%S}  {entry.who:　<4}  {entry.text}"
