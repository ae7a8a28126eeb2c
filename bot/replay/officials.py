"""What officials do in a scene: an operator gives money back, an agency books yesterday's payments."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, select

from dialogs.transcript import CannotPerform
from storage.agency.acks import ACKS
from storage.agency.exporting import export_payments
from storage.agency.importing import import_file
from storage.database import reading
from storage.orders.columns import PAYMENT
from storage.orders.refund_requests import NotRefundable, ask_refund, chosen, parts_of
from storage.sealing import FieldSeal


def refund_last(engine: Engine, words: str, now: int) -> None:
    """Give the order back that was paid last, or these lines of it; booked or not. Raises CannotPerform."""
    newest = select(PAYMENT.c.order_no).where(PAYMENT.c.order_no.is_not(None)).order_by(PAYMENT.c.id.desc())
    with reading(engine) as connection:
        no = connection.execute(newest).scalar()
    if no is None or not all(word.isdigit() for word in words.split()):
        raise CannotPerform("还没有付过款的缴费单；要退其中几条，写成 [退款] 1 3")
    try:
        parts = chosen(parts_of(engine, no) or (), [int(word) for word in words.split()], booked=True)
        ask_refund(engine, no, parts, by="scene", why="scene", booked=True, now=now)
    except NotRefundable as refused:
        raise CannotPerform(str(refused)) from refused


def book_yesterday(engine: Engine, seal: FieldSeal, now: datetime) -> None:
    """The agency answers that it has booked every row of yesterday's file."""
    with TemporaryDirectory(prefix="scene-") as name:
        out, acks = Path(name) / "payments.csv", Path(name) / "acks.csv"
        export_payments(engine, seal, now.date() - timedelta(days=1), out, now=now)
        with out.open(encoding="utf-8", newline="") as file, acks.open("w", encoding="utf-8", newline="") as answers:
            writer = csv.writer(answers)
            writer.writerow(ACKS.columns)
            for row in csv.DictReader(file):
                writer.writerow([row["file_no"], row["row_no"], "BOOKED", "", now.isoformat()])
        import_file("acks", acks, engine, seal, today=now.date(), require_control=False)
