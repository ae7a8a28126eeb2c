"""News are written with the fact that causes them, once, and wait until they were told."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import Engine

from dialogs.said import Reply, Shown
from storage import notices
from storage.database import reading, writing
from storage.notices import Notice
from storage.orders.columns import NOTICE, ORDER
from tests.storage.counter import NOON, Counter, at_once, later, seconds

NOW = seconds(NOON)


@pytest.fixture
def counter(engine: Engine) -> Counter:
    return Counter.opened(engine)


def news(reason: str, openid: str = "oPayer", expires_at: int | None = None) -> Notice:
    return Notice(reason, openid, "paid", {"lines": [reason], "options": [["go:x", "开"]]}, NOW, expires_at)


def written(counter: Counter, *all_news: Notice) -> list[int]:
    for one in all_news:
        with writing(counter.engine) as connection:
            notices.write_notice(connection, one)
    return [row.id for row in counter.rows(NOTICE)]


def waiting(counter: Counter, openid: str = "oPayer", now: int = NOW) -> list[str]:
    with reading(counter.engine) as connection:
        return [notice.reason for _, notice in notices.waiting_for(connection, openid, now)]


def due(counter: Counter, now: int = NOW) -> list[str]:
    return [notice.reason for _, _, notice in notices.due(counter.engine, now)]


def leased(counter: Counter, notice_id: int, now: int = NOW) -> bool:
    with writing(counter.engine) as connection:
        return notices.lease_due(connection, notice_id, now, 30)


def test_the_same_reason_is_told_once(counter: Counter) -> None:
    written(counter, news("paid:1"), news("paid:1"), news("paid:2"))
    assert counter.notices() == ["paid:1", "paid:2"]


def test_no_notice_is_written_for_nothing(counter: Counter) -> None:
    with writing(counter.engine) as connection:
        notices.write_notice(connection, None)
    assert counter.notices() == []


def test_a_notice_lives_and_dies_with_the_transaction_of_its_fact(counter: Counter) -> None:
    no = counter.open()

    def dies_before_the_commit() -> None:
        with writing(counter.engine) as connection:
            connection.execute(ORDER.update().values(state="paid"))
            notices.write_notice(connection, news(f"paid:{no}"))
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        dies_before_the_commit()
    assert (counter.order(no).state, counter.notices()) == ("open", [])


def test_what_is_read_is_what_was_written(counter: Counter) -> None:
    written(counter, news("paid:1"))
    with reading(counter.engine) as connection:
        [(_, notice)] = notices.waiting_for(connection, "oPayer", NOW)
    assert notice == news("paid:1")
    assert notice.reply == Reply(("paid:1",), (Shown("go:x", "开"),))


def test_one_citizen_waits_for_his_own_news_oldest_first(counter: Counter) -> None:
    written(counter, news("b"), news("a"), news("other", "oOther"))
    assert waiting(counter) == ["b", "a"]
    assert due(counter) == ["b", "a", "other"]


def test_news_that_have_expired_are_not_told_in_a_reply(counter: Counter) -> None:
    written(counter, news("card", expires_at=NOW + 60))
    assert (waiting(counter, now=NOW + 59), waiting(counter, now=NOW + 60)) == (["card"], [])


def test_many_messengers_at_once_take_a_notice_once(counter: Counter) -> None:
    [one] = written(counter, news("paid:1"))
    assert sorted(at_once(*[partial(leased, counter, one)] * 4)) == [False, False, False, True]


def test_what_is_being_told_is_neither_due_nor_waiting_until_the_lease_runs_out(counter: Counter) -> None:
    [one] = written(counter, news("paid:1"))
    assert leased(counter, one)
    assert (due(counter, NOW + 29), waiting(counter, now=NOW + 29)) == ([], [])
    assert (due(counter, NOW + 30), waiting(counter, now=NOW + 30)) == (["paid:1"], ["paid:1"])
    assert leased(counter, one, NOW + 30)


def test_delivered_is_said_once_and_then_nothing_waits(counter: Counter) -> None:
    [one] = written(counter, news("paid:1"))
    with writing(counter.engine) as connection:
        assert notices.delivered(connection, one, "push", NOW + 1)
        assert not notices.delivered(connection, one, "reply", NOW + 2)
        notices.put_off(connection, one, 1, NOW + 3)
    [row] = counter.rows(NOTICE)
    assert (row.delivered_by, row.delivered_at, row.due_at, row.tries) == ("push", NOW + 1, None, 0)
    assert (due(counter, NOW + 100), waiting(counter), leased(counter, one)) == ([], [], False)


def test_put_off_comes_again_at_its_time_and_at_once_in_a_reply(counter: Counter) -> None:
    [one] = written(counter, news("paid:1"))
    assert leased(counter, one)
    with writing(counter.engine) as connection:
        notices.put_off(connection, one, 1, NOW + 5)
    assert (due(counter, NOW + 4), due(counter, NOW + 5), waiting(counter)) == ([], ["paid:1"], ["paid:1"])


def test_another_messenger_that_read_it_before_does_not_try_what_was_just_put_off(counter: Counter) -> None:
    [one] = written(counter, news("paid:1"))
    assert leased(counter, one)
    with writing(counter.engine) as connection:
        notices.put_off(connection, one, 1, NOW + 5)
    assert not leased(counter, one)


def test_given_up_it_waits_for_the_next_reply_only(counter: Counter) -> None:
    [one] = written(counter, news("paid:1"))
    with writing(counter.engine) as connection:
        notices.put_off(connection, one, 5, None)
    assert (due(counter, NOW + 10**6), waiting(counter, now=NOW + 10**6)) == ([], ["paid:1"])
    with writing(counter.engine) as connection:
        assert notices.lease(connection, one, NOW + 10**6, 30)


def test_a_card_asked_for_again_is_another_notice_but_not_within_a_second(counter: Counter) -> None:
    for at in (NOW, NOW, NOW + 1):
        written(counter, notices.card_notice("oPayer", "A-1", seconds(later(minutes=30)), at))
    assert counter.notices() == [f"card:A-1:{NOW}", f"card:A-1:{NOW + 1}"]
