"""The gate a request waits at for its turn."""

from __future__ import annotations

import threading

from bot.turns.waking import Gate


def test_a_gate_lets_nobody_through_before_it_is_opened_and_everybody_afterwards() -> None:
    gate, through = Gate(), []
    assert not gate.passed(0.01)
    waiting = [threading.Thread(target=lambda: through.append(gate.passed(10))) for _ in range(5)]
    for one in waiting:
        one.start()
    gate.open()
    for one in waiting:
        one.join()
    assert through == [True] * 5
    assert gate.passed(0)
