"""What every store of turns promises: one turn at a time, in order, each message answered once."""

from collections.abc import Callable

from storage.sessions.contract import (
    TYPED,
    Answered,
    Claimed,
    Full,
    Limits,
    Running,
    TurnStore,
    Waiting,
)
from tests.storage.backends import Backend
from tests.storage.turns import HOUR, NOW, WHO, answer, claimed


def test_a_session_saved_is_loaded_by_the_next_turn_byte_for_byte(turn_store: TurnStore) -> None:
    every_byte = bytes(range(256))
    first = claimed(turn_store, "m1")
    assert first.session is None
    assert turn_store.save(WHO, "m1", first.fence, every_byte, b"", NOW)
    second = claimed(turn_store, "m2")
    assert second.session == every_byte
    assert second.fence > first.fence


def test_the_same_message_is_answered_the_same_way_and_not_run_again(turn_store: TurnStore) -> None:
    claim = claimed(turn_store, "m1")
    reply = bytes(range(256)) * 8
    turn_store.save(WHO, "m1", claim.fence, b"s", reply, NOW)
    answer(turn_store, "m2", NOW + 1)
    for later in (0.0, 5.0, 10.0, 59.0):
        assert turn_store.claim(WHO, "m1", NOW + later, ticket="retry") == Answered(reply)


def test_the_last_twenty_answers_are_kept_for_a_minute_and_no_longer_than_needed(turn_store: TurnStore) -> None:
    for n in range(21):
        answer(turn_store, f"m{n}", NOW + n)
    assert turn_store.claim(WHO, "m1", NOW + 21, ticket="retry") == Answered(b"reply to m1")
    forgotten = claimed(turn_store, "m0", NOW + 21)
    turn_store.release(WHO, "m0", forgotten.fence, NOW + 21)
    answer(turn_store, "later", NOW + 10 + 60)
    assert turn_store.claim(WHO, "m11", NOW + 70, ticket="retry") == Answered(b"reply to m11")
    claimed(turn_store, "m10", NOW + 70)


def test_a_retry_of_a_running_message_waits_for_its_answer(turn_store: TurnStore) -> None:
    claim = claimed(turn_store, "m1")
    assert turn_store.claim(WHO, "m1", NOW + 5, ticket="retry") == Running()
    turn_store.save(WHO, "m1", claim.fence, b"s", b"reply", NOW + 6)
    assert turn_store.claim(WHO, "m1", NOW + 6, ticket="retry") == Answered(b"reply")


def test_a_claim_repeated_with_its_ticket_is_the_same_claim(turn_store: TurnStore) -> None:
    answer(turn_store, "m0")
    first = turn_store.claim(WHO, "m1", NOW, ticket="mine")
    assert isinstance(first, Claimed)
    assert turn_store.claim(WHO, "m1", NOW + 1, ticket="mine") == first
    assert turn_store.claim(WHO, "m1", NOW + 1, ticket="another's") == Running()


def test_three_wait_in_order_of_arrival_and_a_fourth_is_told_it_is_full(turn_store: TurnStore) -> None:
    running = claimed(turn_store, "m0")
    for message in ("m1", "m2", "m3"):
        assert turn_store.claim(WHO, message, NOW, ticket=message) == Waiting()
    assert turn_store.claim(WHO, "m4", NOW, ticket="m4") == Full()
    turn_store.save(WHO, "m0", running.fence, b"s", b"r", NOW)
    for head, others in (("m1", ["m3", "m2"]), ("m2", ["m3"]), ("m3", [])):
        for other in others:
            assert turn_store.claim(WHO, other, NOW, ticket=other) == Waiting()
        claim = turn_store.claim(WHO, head, NOW, ticket=head)
        assert isinstance(claim, Claimed)
        assert turn_store.save(WHO, head, claim.fence, b"s", b"r", NOW)
    claimed(turn_store, "m4")


def test_a_new_message_does_not_overtake_those_who_wait(turn_store: TurnStore) -> None:
    running = claimed(turn_store, "m0")
    turn_store.claim(WHO, "m1", NOW, ticket="m1")
    turn_store.save(WHO, "m0", running.fence, b"s", b"r", NOW)
    assert turn_store.claim(WHO, "m2", NOW, ticket="m2") == Waiting()
    assert isinstance(turn_store.claim(WHO, "m1", NOW, ticket="m1"), Claimed)


def test_a_retry_of_a_waiting_message_shares_its_place(turn_store: TurnStore) -> None:
    running = claimed(turn_store, "m0")
    for ticket in ("first", "retry", "second retry", "third"):
        assert turn_store.claim(WHO, "m1", NOW, ticket=ticket) == Waiting()
    assert turn_store.claim(WHO, "m2", NOW, ticket="m2") == Waiting()
    turn_store.save(WHO, "m0", running.fence, b"s", b"r", NOW)
    claim = turn_store.claim(WHO, "m1", NOW, ticket="retry")
    assert isinstance(claim, Claimed)
    assert turn_store.claim(WHO, "m1", NOW, ticket="first") == Running()
    turn_store.save(WHO, "m1", claim.fence, b"s", b"r1", NOW)
    assert turn_store.claim(WHO, "m1", NOW, ticket="first") == Answered(b"r1")


def test_who_does_not_ask_again_within_two_seconds_loses_the_place(turn_store: TurnStore) -> None:
    running = claimed(turn_store, "m0")
    turn_store.claim(WHO, "gone", NOW, ticket="gone")
    turn_store.claim(WHO, "m2", NOW, ticket="m2")
    turn_store.claim(WHO, "m2", NOW + 1.5, ticket="m2")
    turn_store.save(WHO, "m0", running.fence, b"s", b"r", NOW + 1.5)
    assert turn_store.claim(WHO, "m2", NOW + 2.0, ticket="m2") == Waiting()
    assert isinstance(turn_store.claim(WHO, "m2", NOW + 2.25, ticket="m2"), Claimed)


def test_who_keeps_asking_keeps_the_place(turn_store: TurnStore) -> None:
    running = claimed(turn_store, "m0")
    assert turn_store.claim(WHO, "m1", NOW, ticket="m1") == Waiting()
    for later in (0.5, 2.0, 3.5, 5.0):
        assert turn_store.claim(WHO, "m2", NOW + later, ticket="m2") == Waiting()
        assert turn_store.claim(WHO, "m1", NOW + later, ticket="m1") == Waiting()
    turn_store.save(WHO, "m0", running.fence, b"s", b"r", NOW + 5)
    assert turn_store.claim(WHO, "m2", NOW + 5, ticket="m2") == Waiting()
    assert isinstance(turn_store.claim(WHO, "m1", NOW + 5, ticket="m1"), Claimed)


def test_one_openid_never_waits_for_another(turn_store: TurnStore) -> None:
    claimed(turn_store, "m1", who="oExample-1")
    claimed(turn_store, "m1", who="oExample-2")
    claimed(turn_store, "m1", who="{oExample}-1")


def test_a_claim_whose_process_died_is_taken_over_after_its_lease_and_the_old_fence_can_no_longer_save(
    turn_store: TurnStore,
) -> None:
    answer(turn_store, "m0")
    dead = claimed(turn_store, "m1")
    assert turn_store.claim(WHO, "m1", NOW + 14.5, ticket="retry") == Running()
    heir = claimed(turn_store, "m1", NOW + 15)
    assert heir.fence > dead.fence
    assert not turn_store.save(WHO, "m1", dead.fence, b"stale", b"stale", NOW + 15)
    assert turn_store.peek(WHO) == b"session"
    turn_store.release(WHO, "m1", dead.fence, NOW + 15)
    assert turn_store.claim(WHO, "m1", NOW + 15, ticket="retry") == Running()
    assert turn_store.save(WHO, "m1", heir.fence, b"new", b"reply", NOW + 16)
    assert not turn_store.save(WHO, "m1", dead.fence, b"stale", b"stale", NOW + 16)
    assert turn_store.peek(WHO) == b"new"
    assert turn_store.claim(WHO, "m1", NOW + 16, ticket="retry") == Answered(b"reply")


def test_another_message_takes_a_dead_claim_over_too_and_the_dead_one_may_still_run(turn_store: TurnStore) -> None:
    dead = claimed(turn_store, "m1")
    heir = claimed(turn_store, "m2", NOW + 15)
    assert not turn_store.save(WHO, "m1", dead.fence, b"stale", b"stale", NOW + 15)
    assert turn_store.save(WHO, "m2", heir.fence, b"s", b"r", NOW + 15)
    assert claimed(turn_store, "m1", NOW + 16).session == b"s"


def test_a_late_save_that_nobody_took_over_still_counts(turn_store: TurnStore) -> None:
    late = claimed(turn_store, "m1")
    assert turn_store.save(WHO, "m1", late.fence, b"s", b"r", NOW + 20)
    assert turn_store.claim(WHO, "m1", NOW + 20, ticket="retry") == Answered(b"r")


def test_the_lease_is_what_the_store_was_told(backend: Backend) -> None:
    store = backend.turn_store(Limits(lease=3.0))
    claimed(store, "m1")
    assert store.claim(WHO, "m2", NOW + 2.5, ticket="m2") == Waiting()
    assert isinstance(store.claim(WHO, "m2", NOW + 3.0, ticket="m2"), Claimed)


def test_a_save_repeated_after_a_lost_answer_is_still_one_save(turn_store: TurnStore) -> None:
    claim = claimed(turn_store, "m1")
    assert turn_store.save(WHO, "m1", claim.fence, b"s1", b"r1", NOW)
    assert turn_store.save(WHO, "m1", claim.fence, b"s1", b"r1", NOW)
    answer(turn_store, "m2", session=b"s2")
    assert turn_store.save(WHO, "m1", claim.fence, b"s1", b"r1", NOW)
    assert turn_store.peek(WHO) == b"s2"


def test_a_turn_that_failed_is_released_and_its_retry_runs_it_again(turn_store: TurnStore) -> None:
    answer(turn_store, "m0")
    failed = claimed(turn_store, "m1")
    turn_store.release(WHO, "m1", failed.fence, NOW)
    again = turn_store.claim(WHO, "m1", NOW + 5, ticket="retry")
    assert isinstance(again, Claimed)
    assert again.session == b"session"
    assert again.fence > failed.fence
    assert not turn_store.save(WHO, "m1", failed.fence, b"stale", b"stale", NOW)


def test_a_session_of_none_ends_it_and_keeps_the_answer(turn_store: TurnStore) -> None:
    answer(turn_store, "m1")
    answer(turn_store, "m2", session=None)
    assert turn_store.peek(WHO) is None
    assert turn_store.claim(WHO, "m2", NOW, ticket="retry") == Answered(b"reply to m2")
    assert claimed(turn_store, "m3").session is None


def test_sessions_vanish_24_hours_after_the_last_save(turn_store: TurnStore) -> None:
    answer(turn_store, "m1")
    kept = claimed(turn_store, "m2", NOW + 24 * HOUR - 1)
    assert kept.session == b"session"
    turn_store.release(WHO, "m2", kept.fence, NOW + 24 * HOUR - 1)
    assert turn_store.peek(WHO, NOW + 24 * HOUR - 1) == b"session"
    assert turn_store.peek(WHO, NOW + 24 * HOUR) is None
    assert claimed(turn_store, "m3", NOW + 24 * HOUR).session is None


def test_forgetting_ends_session_and_push_windows_but_not_the_turn_that_runs(turn_store: TurnStore) -> None:
    answer(turn_store, "m1")
    claim = claimed(turn_store, "unsubscribe", opens=TYPED)
    turn_store.forget(WHO)
    assert turn_store.peek(WHO) is None
    assert not turn_store.take_push(WHO, NOW)
    assert turn_store.save(WHO, "unsubscribe", claim.fence, None, b"", NOW)
    assert claimed(turn_store, "m2").session is None
    turn_store.forget("oNobody")
    assert turn_store.peek("oNobody") is None


def test_a_turn_that_found_no_news_spares_the_next_ones_the_look_for_a_while(turn_store: TurnStore) -> None:
    first = claimed(turn_store, "m1")
    assert not first.no_news
    turn_store.save(WHO, "m1", first.fence, b"s", b"r", NOW, NOW + 30)
    second = claimed(turn_store, "m2", NOW + 29)
    assert second.no_news
    turn_store.save(WHO, "m2", second.fence, b"s", b"r", NOW + 29)
    assert not claimed(turn_store, "m3", NOW + 30).no_news


def test_news_that_waits_is_looked_for_by_the_next_turn(turn_store: TurnStore) -> None:
    ways: tuple[Callable[[], object], ...] = (
        lambda: turn_store.news(WHO),
        lambda: turn_store.give_push_up(WHO, NOW),
        lambda: turn_store.take_push(WHO, NOW),  # no window allows one
    )
    for number, told in enumerate(ways):
        claim = claimed(turn_store, f"m{number}")
        assert not claim.no_news
        turn_store.save(WHO, f"m{number}", claim.fence, b"s", b"r", NOW, NOW + 30)
        told()
    assert not claimed(turn_store, "last").no_news
    turn_store.news("oNobody")
