"""The audit finds what a careless `settle` would do: each mistake is made once, and named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.replay.stage import Props
from bot.torture import sabotage
from bot.torture.audit import audit
from tests.faults.crashing import crashing_bot
from tests.faults.scenes import SCENES, citizen_of, waits

FOUND = {
    "": [],
    "books again": ["ledger: we have"],
    "never refunds": ["I3: of", "I3: 2"],
    "tells nobody": ["I3: no notice says"],
    "forgets the agency": ["I3: the agency is not told"],
}


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    yield
    sabotage.undo()


def test_every_mistake_is_tried() -> None:
    assert set(FOUND) - {""} == set(sabotage.MISTAKES)


@pytest.mark.parametrize("mistake", FOUND)
def test_the_audit_names_the_mistake(props: Props, mistake: str) -> None:
    if mistake:
        sabotage.commit(mistake)
    scene = SCENES["paid twice" if mistake == "never refunds" else "paid by link"]
    with crashing_bot(props) as bot:
        scene.does(citizen_of(bot))
        for told in bot.sandbox.pay.deliveries():
            bot.sandbox.pay.callbacks.repeat(told.id)
        waits(bot)
        found = audit(bot.app.engine, bot.sandbox.pay.books())
    assert len(found) >= len(FOUND[mistake])
    for sign in FOUND[mistake]:
        assert any(one.startswith(sign) for one in found), found
    assert found == [] or mistake
