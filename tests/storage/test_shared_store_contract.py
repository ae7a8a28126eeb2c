"""What every store of shared values promises: values that end, leases of one owner, counters with a window."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from storage.sessions.contract import SharedStore
from tests.storage.backends import Backend

NOW = 1_795_000_000.25


def test_a_value_is_there_until_its_time_is_over(shared_store: SharedStore) -> None:
    assert shared_store.get("token", NOW) is None
    value = "a b\n令牌" + "x" * 600
    shared_store.put("token", value, 7200.0, NOW)
    assert shared_store.get("token", NOW + 7199.5) == value
    assert shared_store.get("token", NOW + 7200.0) is None


def test_a_value_put_again_replaces_the_old_one_and_its_time(shared_store: SharedStore) -> None:
    shared_store.put("token", "old", 7200.0, NOW)
    shared_store.put("token", "new", 300.0, NOW)
    assert shared_store.get("token", NOW) == "new"
    assert shared_store.get("token", NOW + 300) is None


def test_a_lease_has_one_owner_until_it_ends_or_is_given_back(shared_store: SharedStore) -> None:
    assert shared_store.lease("renew", "a", 10.0, NOW)
    assert not shared_store.lease("renew", "b", 10.0, NOW + 9.5)
    assert shared_store.lease("renew", "b", 10.0, NOW + 10)
    assert not shared_store.lease("renew", "a", 10.0, NOW + 10)
    shared_store.free("renew", "a")
    assert not shared_store.lease("renew", "a", 10.0, NOW + 10)
    shared_store.free("renew", "b")
    assert shared_store.lease("renew", "a", 10.0, NOW + 10)


def test_an_owner_who_asks_again_renews_the_lease(shared_store: SharedStore) -> None:
    assert shared_store.lease("renew", "a", 10.0, NOW)
    assert shared_store.lease("renew", "a", 10.0, NOW + 8)
    assert not shared_store.lease("renew", "b", 10.0, NOW + 12)
    assert shared_store.lease("renew", "b", 10.0, NOW + 18)


def test_of_many_who_ask_at_once_one_gets_the_lease(backend: Backend) -> None:
    stores = [backend.shared_store() for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda n: stores[n % 2].lease("renew", f"owner {n}", 10.0, NOW), range(40)))
    assert sum(got) == 1


def test_a_counter_starts_its_window_at_the_first_hit_and_begins_again_after_it(shared_store: SharedStore) -> None:
    assert [shared_store.count("verify", 60.0, NOW + second) for second in (0, 10, 59.5)] == [1, 2, 3]
    assert shared_store.count("verify", 60.0, NOW + 60) == 1
    assert shared_store.count("another", 60.0, NOW) == 1


def test_hits_at_once_are_all_counted(backend: Backend) -> None:
    stores = [backend.shared_store() for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        hits = list(pool.map(lambda n: stores[n % 2].count("verify", 60.0, NOW), range(60)))
    assert sorted(hits) == list(range(1, 61))


def test_the_wait_left_is_until_the_counters_window_ends(shared_store: SharedStore) -> None:
    assert shared_store.wait_left("verify", NOW) == 0.0
    shared_store.count("verify", 60.0, NOW)
    shared_store.count("verify", 60.0, NOW + 20)
    assert shared_store.wait_left("verify", NOW + 20) == pytest.approx(40.0)
    assert shared_store.wait_left("verify", NOW + 61) == 0.0


def test_values_leases_and_counters_of_one_name_are_three_things(shared_store: SharedStore) -> None:
    shared_store.put("name", "value", 60.0, NOW)
    assert shared_store.lease("name", "owner", 60.0, NOW)
    assert shared_store.count("name", 60.0, NOW) == 1
    assert shared_store.get("name", NOW) == "value"
