"""Sessions: the same after being stored, and a fresh one instead of whatever cannot be read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.flows import SERVICES
from dialogs.machine import turn
from dialogs.said import Said
from dialogs.session import VERSION, Session
from dialogs.step import Option
from dialogs.texts import say
from tests.dialogs.townspeople import LI, Phone, town

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**6) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
OPTIONS = st.builds(
    Option,
    label=TEXTS,
    value=JSON,
    act=TEXTS,
    go=TEXTS,
    url=TEXTS,
    also=st.lists(TEXTS, max_size=2).map(tuple),
    numbered=st.booleans(),
)
SESSIONS = st.builds(
    Session,
    flow=TEXTS,
    shape=TEXTS,
    known=st.dictionaries(TEXTS, JSON, max_size=4),
    trail=st.lists(TEXTS, max_size=4),
    asked=TEXTS,
    options=st.lists(OPTIONS, max_size=4),
    page=st.integers(0, 9),
    revision=st.integers(0, 2**40),
    stamp=TEXTS,
    wrong=st.integers(0, 9),
    aside=TEXTS,
    past=st.lists(TEXTS, max_size=4),
    at=st.integers(0, 2**40),
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(SESSIONS)
def test_a_session_is_the_same_after_being_stored(session: Session) -> None:
    stored = session.to_json()
    assert Session.from_json(stored) == Session.from_json(stored.decode()) == session
    assert Session.from_json(stored).to_json() == stored


@given(st.lists(OPTIONS, max_size=5))
def test_options_are_the_same_after_being_stored(options: list[Option]) -> None:
    session = Session(options=options)
    assert Session.from_json(session.to_json()).options == options


def test_a_fresh_session_is_stored_in_a_few_bytes() -> None:
    assert Session().to_json() == f'{{"v":{VERSION}}}'.encode()


def test_a_copy_is_of_its_own() -> None:
    session = Session(known={"a": [1]}, trail=["x"])
    copy = session.copy()
    copy.known["a"] = 2
    copy.trail.append("y")
    assert session == Session(known={"a": [1]}, trail=["x"])


@pytest.mark.parametrize(
    "stored",
    [
        None, "", b"", "null", "[]", "1", '"x"', "{", b"\xff\xfe", "{}", '{"v":0}', '{"v":2}', '{"v":"1"}', "nonsense",
        '{"v":1,"flow":1}', '{"v":1,"known":[]}', '{"v":1,"trail":{}}', '{"v":1,"trail":[1]}', '{"v":1,"page":"1"}',
        '{"v":1,"page":-1}', '{"v":1,"page":true}', '{"v":1,"page":1.5}', '{"v":1,"unknown":1}', '{"v":1,"at":null}',
        '{"v":1,"options":[1]}', '{"v":1,"options":[{}]}', '{"v":1,"options":[{"label":1}]}', '{"v":1,"past":[null]}',
        '{"v":1,"options":[{"label":"x","also":"y"}]}', '{"v":1,"options":[{"label":"x","also":[1]}]}',
        '{"v":1,"options":[{"label":"x","old":1}]}', '{"v":1,"revision":NaN}', "[" * 100_000,
        '{"v":1,"known":' + "[" * 100_000, '{"v":1,"at":' + "9" * 5_000 + "}",
    ],
    ids=lambda stored: str(stored)[:40],
)  # fmt: skip
def test_what_cannot_be_read_is_a_fresh_session(stored: str | bytes | None) -> None:
    assert Session.from_json(stored) == Session()


@given(st.text() | st.binary() | ANY_JSON.map(json.dumps))
def test_no_garbage_raises(stored: str | bytes) -> None:
    assert isinstance(Session.from_json(stored), Session)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from([*Session.__struct_fields__, "v"]), ANY_JSON), st.sampled_from(["", "1", "取消"])
)
def test_no_hostile_session_breaks_a_turn(content: dict[str, object], text: str) -> None:
    session = Session.from_json(json.dumps(content | {"v": VERSION}))
    assert turn(session, Said("text", text), town().world(), SERVICES).reply.lines


@settings(deadline=None)
@given(
    st.builds(
        Session,
        flow=st.sampled_from([*SERVICES, "gone", ""]),
        asked=st.sampled_from(["document", "checkout", "gone", ""]),
        aside=st.sampled_from(["", "idle", "switch:home", "switch:gone", "gone"]),
        trail=st.lists(st.sampled_from(["document", "insured", "gone"])),
        page=st.integers(0, 99),
        at=st.integers(0, 2**40),
    ),
    st.sampled_from([Said("text", "1"), Said("text", "返回"), Said("menu", key="home"), Said("tap", option="0.0")]),
)
def test_no_session_of_another_release_breaks_a_turn(session: Session, said: Said) -> None:
    service = SERVICES.get(session.flow)
    session.shape = service.flow.shape if service else "x"
    assert turn(session, said, town().world(), SERVICES).reply.lines


def test_a_session_of_an_older_release_whose_flow_has_changed_starts_again_politely() -> None:
    phone = Phone()
    phone.say("医疗保险费缴纳", LI.number, LI.name)
    stored = json.loads(phone.session.to_json()) | {"shape": "00000000"}
    phone.session = Session.from_json(json.dumps(stored))
    assert phone.say("确认缴费").startswith(say("machine.changed"))
    assert (phone.session.asked, phone.session.known, phone.town.opened) == ("document", {}, [])
