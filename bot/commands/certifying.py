"""Certificates for an operator: certificate verify."""

from __future__ import annotations

import typer

from bot.commands.root import DEFAULT_CONFIG, ConfigPath, app, complain, operators_errors, settings_of

certificate = typer.Typer(help="缴费证明。", no_args_is_help=True)
app.add_typer(certificate, name="certificate")


@certificate.callback()
def _group() -> None:
    """缴费证明。"""


@certificate.command("verify")
def certificate_verify(number: str, code: str, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """按编号和查验码核对一张缴费证明；是真的退出码 0，不是退出码 1。"""
    from bot.certificate.desk import masked
    from dialogs.steps.certificate_verify import genuine
    from dialogs.terms.certificate import read_code, read_number
    from storage.certificates import CertificateBook
    from storage.database import open_database
    from storage.migrate import upgrade
    from storage.sealing import FieldSeal

    with operators_errors():
        settings = settings_of(config)
        seal = FieldSeal.read(settings.path(settings.storage.field_key))
        engine = open_database(settings.database_url)
        upgrade(engine)
        book = CertificateBook(engine, seal, settings.zone, settings.certificate.issuer)
        found = book.verify(read_number(number) or "", read_code(code) or "")
        given_back = book.given_back(found) if found else frozenset()
    if found is None:
        complain("编号和查验码对不上，或者没有这张证明。")
        raise typer.Exit(1)
    typer.echo(genuine(masked(found, given_back)))
