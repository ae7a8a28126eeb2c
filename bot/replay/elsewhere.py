"""What another channel took, in a scene: `[别处缴费] 李测二 2027 医疗保险 400` is a row of the payments file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from bot.replay.agency_files import demo_rows, take_rows
from dialogs.texts import say
from dialogs.transcript import CannotPerform
from storage.agency.enrolments import ENROLMENTS
from storage.agency.payments import PAYMENTS
from storage.sealing import FieldSeal

CHANNEL = "银行代收"


def paid_elsewhere(engine: Engine, seal: FieldSeal, demo: Path, words: str, at: datetime) -> None:
    """Import a bank's payment for one of the demo people: name, cover year, insurance, yuan. Raises CannotPerform."""
    found = words.split()
    codes = {say(f"insurance.{code}_short"): code for code in ("pension", "medical")}
    if len(found) != 4 or found[2] not in codes:
        raise CannotPerform(f"要写成：[别处缴费] 李测二 2027 {say('insurance.medical_short')} 400")
    name, year, insurance, amount = found
    cells = dict(_enrolment(demo, name, codes[insurance]))
    cells |= {"op": "A", "cover_year": year, "pay_kind": "10", "status": "paid"}
    cells |= {"period_from": f"{year}01", "period_to": f"{year}12", "tier_code": amount, "tier_name": f"{amount}元"}
    cells |= {"amount_paid": f"{amount}.00", "paid_at": at.isoformat(), "channel": CHANNEL}
    cells["receipt_no"] = f"B{at:%Y%m%d%H%M%S}"
    take_rows(engine, seal, PAYMENTS, [cells], at)


def _enrolment(demo: Path, name: str, insurance: str) -> Mapping[str, str]:
    for cells in demo_rows(demo, ENROLMENTS):
        if (cells["name"], cells["insurance"]) == (name, insurance):
            return cells
    raise CannotPerform(f"演示数据里 {name} 没有这一种保险")
