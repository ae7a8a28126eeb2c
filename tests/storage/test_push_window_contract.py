"""What every store of turns promises about pushing: how many messages may be sent, until when (facts/wechat.md)."""

import pytest

from storage.sessions.contract import TAPPED, TYPED, Answered, Claimed, Full, PushWindow, TurnStore, Waiting
from tests.storage.turns import HOUR, NOW, WHO, claimed


def pushes(store: TurnStore, now: float) -> int:
    taken = 0
    while store.take_push(WHO, now):
        taken += 1
    return taken


@pytest.mark.parametrize(
    ("opens", "later", "allowed"),
    [
        (None, 0.0, 0),
        (TYPED, 0.0, 5),
        (TYPED, 48 * HOUR - 1, 5),
        (TYPED, 48 * HOUR, 0),
        (TAPPED, 0.0, 3),
        (TAPPED, 59.0, 3),
        (TAPPED, 60.0, 0),
    ],
)
def test_push_windows_five_in_48_hours_after_typing_three_in_a_minute_after_a_tap_none_otherwise(
    turn_store: TurnStore, opens: PushWindow | None, later: float, allowed: int
) -> None:
    claimed(turn_store, "m1", opens=opens)
    assert pushes(turn_store, NOW + later) == allowed
    assert pushes(turn_store, NOW + later) == 0


def test_both_windows_count_and_the_one_that_ends_first_is_used_first(turn_store: TurnStore) -> None:
    claim = claimed(turn_store, "m1", opens=TYPED)
    turn_store.save(WHO, "m1", claim.fence, None, b"", NOW)
    claimed(turn_store, "m2", opens=TAPPED)
    assert [turn_store.take_push(WHO, NOW) for _ in range(3)] == [True] * 3
    assert pushes(turn_store, NOW + 61) == 5


def test_a_new_message_fills_its_own_window_again(turn_store: TurnStore) -> None:
    claim = claimed(turn_store, "m1", opens=TYPED)
    assert pushes(turn_store, NOW) == 5
    turn_store.save(WHO, "m1", claim.fence, None, b"", NOW)
    claimed(turn_store, "m2", NOW + HOUR, opens=TYPED)
    assert pushes(turn_store, NOW + 48 * HOUR + 1) == 5


def test_a_window_is_opened_when_a_message_arrives_and_not_again_each_time_it_asks(turn_store: TurnStore) -> None:
    running = claimed(turn_store, "m1")
    assert turn_store.claim(WHO, "m2", NOW, ticket="m2", opens=TAPPED) == Waiting()
    assert turn_store.take_push(WHO, NOW)
    assert turn_store.claim(WHO, "m2", NOW + 1, ticket="m2", opens=TAPPED) == Waiting()
    turn_store.save(WHO, "m1", running.fence, b"s", b"r", NOW + 2)
    claim = turn_store.claim(WHO, "m2", NOW + 2, ticket="m2", opens=TAPPED)
    assert isinstance(claim, Claimed)
    assert turn_store.claim(WHO, "m2", NOW + 2, ticket="m2", opens=TAPPED) == claim
    turn_store.save(WHO, "m2", claim.fence, b"s", b"r", NOW + 2)
    assert turn_store.claim(WHO, "m2", NOW + 5, ticket="retry", opens=TAPPED) == Answered(b"r")
    assert pushes(turn_store, NOW + 59) == 2
    assert pushes(turn_store, NOW + 60) == 0


def test_a_message_that_finds_the_line_full_opens_its_window_all_the_same(turn_store: TurnStore) -> None:
    for message in ("m0", "m1", "m2", "m3"):
        turn_store.claim(WHO, message, NOW, ticket=message)
    assert turn_store.claim(WHO, "m4", NOW, ticket="m4", opens=TAPPED) == Full()
    assert pushes(turn_store, NOW) == 3


def test_after_wechat_refused_nothing_is_tried_until_a_window_opens_anew(turn_store: TurnStore) -> None:
    claim = claimed(turn_store, "m1", opens=TYPED)
    turn_store.save(WHO, "m1", claim.fence, b"s", b"r", NOW)
    turn_store.give_push_up(WHO, NOW)
    assert not turn_store.take_push(WHO, NOW)
    claimed(turn_store, "m2", opens=TAPPED)
    assert pushes(turn_store, NOW) == 3
    turn_store.give_push_up("oNobody", NOW)
