"""How many strangers one openid may ask about: the same on every backend, over restarts; ordinary life meets none."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.turns.people_limits import DAY_SECONDS, LimitSettings, StoredPeopleLimits
from dialogs.world import PersonLimit
from storage.sessions.contract import SharedStore
from tests.dialogs.worlds import SharedValues
from tests.examples import examples
from tests.storage.backends import Backend

NOW = 1_795_000_000.0
MINUTE = 60.0


@dataclass
class Time:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


def limits_on(store: SharedStore, time: Time) -> StoredPeopleLimits:
    return StoredPeopleLimits(store, LimitSettings(), time)


@pytest.fixture
def time() -> Time:
    return Time()


def test_three_wrong_names_pause_one_number_for_ten_minutes_also_after_a_restart(backend: Backend, time: Time) -> None:
    limits = limits_on(backend.shared_store(), time)
    for _ in range(3):
        assert limits.reached("me", "li") is None
        limits.missed("me", "li")
    again = limits_on(backend.shared_store(), time)
    assert again.reached("me", "li") == PersonLimit(int(NOW) + 600, of_one=True)
    assert again.reached("me", "wang") is None
    assert again.reached("other", "li") is None
    time.now += 600
    assert again.reached("me", "li") is None


def test_nine_wrong_names_for_one_number_are_enough_for_a_day(shared_store: SharedStore, time: Time) -> None:
    limits = limits_on(shared_store, time)
    for _ in range(9):
        limits.missed("me", "li")
        time.now += 601
    found = limits.reached("me", "li")
    assert found is not None
    assert found.until == int(NOW) + DAY_SECONDS


def test_after_eight_numbers_that_do_not_fit_nobody_new_is_asked_about_for_a_day(
    shared_store: SharedStore, time: Time
) -> None:
    limits = limits_on(shared_store, time)
    for number in range(8):
        assert limits.reached("me", f"n{number}") is None
        limits.missed("me", f"n{number}")
        time.now += MINUTE
    first_again = int(NOW) + DAY_SECONDS
    assert limits.reached("me", "li") == limits.reached("me", "nobody") == PersonLimit(first_again)
    time.now = first_again
    assert limits.reached("me", "li") is None


def test_ten_new_people_a_day_and_thirty_in_thirty_days(shared_store: SharedStore, time: Time) -> None:
    limits = limits_on(shared_store, time)
    for day in range(3):
        time.now = NOW + day * (DAY_SECONDS + 1)
        for number in range(10):
            assert limits.reached("me", f"n{day}.{number}") is None
            limits.met("me", f"n{day}.{number}")
            limits.met("me", f"n{day}.{number}")  # the same person again is nobody new
        assert limits.reached("me", "li") is not None
        assert limits.has_met("me", f"n{day}.0")
        assert limits.reached("me", f"n{day}.0") is None
    time.now = NOW + 10 * DAY_SECONDS
    assert limits.reached("me", "li") == PersonLimit(int(NOW) + 30 * DAY_SECONDS)
    time.now = NOW + 30 * DAY_SECONDS + 1
    assert limits.reached("me", "li") is None
    assert not limits.has_met("me", "n0.0")


def test_ten_misses_over_all_openids_want_a_code_before_the_name_for_a_day(
    shared_store: SharedStore, time: Time
) -> None:
    limits = limits_on(shared_store, time)
    for number in range(10):
        assert not limits.wants_code("li")
        limits.missed(f"openid{number}", "li")
    assert limits.wants_code("li")
    assert not limits.wants_code("wang")
    time.now += DAY_SECONDS
    assert not limits.wants_code("li")


@dataclass(frozen=True)
class Errand:
    """Somebody of a household does something for one of its people; now and then a name is mistyped first."""

    day: int
    person: int
    typos: int


HOUSEHOLD = st.lists(
    st.builds(Errand, st.integers(0, 364), st.integers(0, 17), st.sampled_from([0, 0, 0, 0, 1, 2])), max_size=200
)


@settings(max_examples=examples(60), deadline=None)
@given(HOUSEHOLD)
def test_a_family_of_six_with_twelve_contacts_meets_no_limit_in_a_year(errands: list[Errand]) -> None:
    """Eighteen people: six of the family, twelve contacts, whom `is_known` takes out before any limit is asked."""
    time = Time()
    limits = limits_on(SharedValues(), time)
    known = set(range(6, 18))
    for errand in sorted(errands, key=lambda one: one.day):
        time.now = max(time.now, NOW + errand.day * DAY_SECONDS) + 5 * MINUTE
        person = f"p{errand.person}"
        if errand.person in known:
            continue
        for _ in range(errand.typos):
            assert limits.reached("me", person) is None, errand
            limits.missed("me", person)
            time.now += MINUTE
        time.now += 10 * MINUTE if limits.reached("me", person) else 0.0  # the pause after a third slip
        assert limits.reached("me", person) is None, errand
        limits.met("me", person)
        known.add(errand.person)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.sampled_from([0, 0, 0, 1, 2]), min_size=8, max_size=8))
def test_a_village_helper_who_pays_for_eight_neighbours_on_one_day_meets_no_limit(typos: list[int]) -> None:
    time = Time()
    limits = limits_on(SharedValues(), time)
    for neighbour, slips in enumerate(typos):
        person = f"n{neighbour}"
        for _ in range(slips):
            assert limits.reached("me", person) is None
            limits.missed("me", person)
        assert limits.reached("me", person) is None
        limits.met("me", person)
        time.now += 5 * MINUTE
