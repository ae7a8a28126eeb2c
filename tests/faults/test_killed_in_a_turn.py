"""A process dies in the midst of a turn: WeChat's own retry has it done, and the citizen hears of it."""

from __future__ import annotations

from dataclasses import replace

from bot.replay.stage import Props
from bot.torture.audit import rows
from storage.orders.columns import NOTICE, ORDER
from tests.bot.served import until
from tests.faults.crashing import SHORT, crashing_bot
from tests.faults.scenes import citizen_of


def test_the_word_a_dead_process_had_claimed_is_answered_by_a_notice_once_its_claim_runs_out(props: Props) -> None:
    with crashing_bot(props) as bot:
        citizen = citizen_of(bot)
        bot.patience = replace(SHORT, line=20.0)
        bot.arm("sessions.claim:after")
        assert citizen.phone.tap("确认缴费") == []
        assert bot.deaths == 1
        looks = len(bot.reached)
        until(lambda: len(bot.reached) >= looks + 2, "the retry left when nobody listened any more", seconds=5)
        bot.sandbox.clock.move(16)
        until(lambda: any(row.kind == "late" for row in rows(bot.app.engine, NOTICE)), "nobody took the turn over")
        bot.work()
        assert "点这里付款" in citizen.phone.inbox[-1].shown
        assert len(rows(bot.app.engine, ORDER)) == 1
