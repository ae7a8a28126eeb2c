"""The insured as the agencies' files name them: people spellings, people unprintable."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from bot.commands.root import DEFAULT_CONFIG, ConfigPath, app, operators_errors, settings_of

people = typer.Typer(help="参保人的姓名。", no_args_is_help=True)
app.add_typer(people, name="people")


@people.callback()
def _group() -> None:
    """参保人的姓名。"""


@people.command("spellings")
def show_spellings(
    as_json: Annotated[bool, typer.Option("--json", help="一行一个 JSON")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """同一个人在两处登记的姓名写法不同的（黄/黃、有没有间隔号），打了码，一行一处；请经办机构核对成一种。"""
    from storage.agency.spellings import find_differing_spellings
    from storage.database import open_database
    from storage.sealing import FieldSeal

    count = 0
    with operators_errors():
        settings = settings_of(config)
        seal = FieldSeal.read(settings.path(settings.storage.field_key))
        for one in find_differing_spellings(open_database(settings.database_url), seal):
            count += 1
            if as_json:
                typer.echo(json.dumps(asdict(one), ensure_ascii=False))
            else:
                place = f"{one.insurance} {one.institution} {one.person_no}"
                typer.echo(f"{one.number} {one.name}：{place} 写法不同，{one.difference}")
    if not as_json:
        typer.echo(f"一共 {count} 处。")


@people.command("unprintable")
def show_unprintable(
    as_json: Annotated[bool, typer.Option("--json", help="一行一个 JSON")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """姓名里有字印不出来、开不了证明的人，打了码，一行一位；要把登记的人看一遍，人多时要一会儿。"""
    from bot.certificate.press import Press
    from storage.agency.spellings import find_unprintable_names
    from storage.database import open_database
    from storage.sealing import FieldSeal

    count = 0
    with operators_errors():
        settings = settings_of(config)
        press = Press(more=settings.rare_fonts)
        seal = FieldSeal.read(settings.path(settings.storage.field_key))
        for one in find_unprintable_names(open_database(settings.database_url), seal, press.missing_in):
            count += 1
            codes = "、".join(f"U+{ord(character):04X}" for character in one.characters)
            if as_json:
                typer.echo(json.dumps(asdict(one) | {"characters": codes.split("、")}, ensure_ascii=False))
            else:
                typer.echo(f"{one.number} {one.name}：{codes}")
    if not as_json:
        typer.echo(f"一共 {count} 位。")
