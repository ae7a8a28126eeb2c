"""What another channel took, in a scene: `[别处缴费] 李测二 2027 医疗保险 400` is a row of the payments file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from dialogs.texts import say
from dialogs.transcript import CannotPerform
from storage.agency.desk import Setting
from storage.agency.files import Line, read_lines
from storage.agency.intake import Intake
from storage.agency.kinds import KINDS
from storage.agency.refusals import Reason
from storage.database import writing
from storage.sealing import FieldSeal

CHANNEL = "银行代收"


def paid_elsewhere(engine: Engine, seal: FieldSeal, demo: Path, words: str, at: datetime) -> None:
    """Import a bank's payment for one of the demo people: name, cover year, insurance, yuan. Raises CannotPerform."""
    found = words.split()
    codes = {say(f"insurance.{code}_short"): code for code in ("pension", "medical")}
    if len(found) != 4 or found[2] not in codes:
        raise CannotPerform(f"要写成：[别处缴费] 李测二 2027 {say('insurance.medical_short')} 400")
    name, year, insurance, amount = found
    enrolment = _enrolment(demo, name, codes[insurance])
    cells = {column: enrolment.get(column, "") for column in KINDS["payments"].columns}
    cells |= {"batch_no": f"SCENE-{at:%Y%m%d%H%M%S}", "row_no": "1", "op": "A", "cover_year": year, "pay_kind": "10"}
    cells |= {"period_from": f"{year}01", "period_to": f"{year}12", "tier_code": amount, "tier_name": f"{amount}元"}
    cells |= {"amount_paid": f"{amount}.00", "paid_at": at.isoformat(), "channel": CHANNEL, "status": "paid"}
    cells["receipt_no"] = f"B{at:%Y%m%d%H%M%S}"
    refused: list[Reason] = []
    with writing(engine) as connection:
        setting = Setting(connection, seal, at.date())
        intake = Intake(KINDS["payments"], setting, lambda _line, reason: refused.append(reason))
        for _ in intake.take([Line(1, tuple(cells.values()), cells)]):
            pass
    if refused:
        raise CannotPerform(f"这一笔导入不了：{refused[0]}")


def _enrolment(demo: Path, name: str, insurance: str) -> dict[str, str]:
    for line in read_lines(demo / "enrolments.csv", "utf-8", KINDS["enrolments"].columns):
        if line.cells and (line.cells["name"], line.cells["insurance"]) == (name, insurance):
            return line.cells
    raise CannotPerform(f"演示数据里 {name} 没有这一种保险")
