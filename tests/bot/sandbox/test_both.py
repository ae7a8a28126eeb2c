"""The sandbox as a whole: its keys, its clock, its script of faults, and what a bot is configured with."""

import stat
from pathlib import Path

import pytest

from bot.sandbox.both import Sandbox
from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.keys import FILE_NAME, SandboxKeys
from bot.sandbox.quota import Opened, PushQuota
from bot.sandbox.refusals import Refused
from tests.bot.sandbox_parts import NINE_O_CLOCK, get


def test_a_sandbox_gives_a_bot_everything_it_must_be_told() -> None:
    sandbox = Sandbox.start(None, MovableClock(NINE_O_CLOCK))
    try:
        settings = sandbox.settings_overrides("http://127.0.0.1:8080")
        assert set(settings["wechat"]) == {"app_id", "secret", "token", "encoding_aes_key", "mode", "api_base"}
        assert str(settings["pay"]["private_key"]).startswith("-----BEGIN PRIVATE KEY-----")
        assert str(settings["pay"]["platform_public_key"]).startswith("-----BEGIN PUBLIC KEY-----")
        assert len(str(settings["pay"]["api_v3_key"])) == 32
        assert len(str(settings["wechat"]["encoding_aes_key"])) == 43
        assert not sandbox.wechat.knows("oNew")
        sandbox.wechat.phone("oNew")
        assert sandbox.wechat.knows("oNew")
        assert get(f"{sandbox.pay.url}/v3/nothing").status == 404
    finally:
        sandbox.stop()


def test_kept_keys_are_the_same_at_the_next_start_and_nobody_else_reads_them(tmp_path: Path) -> None:
    first = SandboxKeys.kept_in(tmp_path / "var")
    again = SandboxKeys.kept_in(tmp_path / "var")
    file = tmp_path / "var" / FILE_NAME
    assert again.merchant_key_pem == first.merchant_key_pem
    assert again.token == first.token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == [FILE_NAME]
    file.write_text("{}", "utf-8")
    assert SandboxKeys.kept_in(tmp_path / "var").token != first.token


def test_keys_do_not_show_their_secrets_when_printed() -> None:
    keys = SandboxKeys.fresh()
    assert keys.secret not in repr(keys)
    assert keys.api_v3_key not in repr(keys)


def test_a_clock_runs_moves_and_stands_still() -> None:
    machine = [100.0]
    clock = MovableClock(source=lambda: machine[0])
    clock.move(10)
    assert clock.now() == 110.0
    clock.pin()
    machine[0] = 150.0
    assert clock.now() == 110.0
    clock.move(5)
    assert clock.now() == 115.0
    clock.unpin()
    machine[0] = 151.0
    assert clock.now() == 116.0


def test_a_fault_fires_as_often_as_it_was_put_and_only_where() -> None:
    faults = Faults()
    faults.put("pay.*", Fault.DROP_AFTER, times=2)
    assert Fault.DROP_AFTER not in faults.take("wechat.send")
    assert [Fault.DROP_AFTER in faults.take("pay.close") for _ in range(3)] == [True, True, False]
    faults.put("pay.close", Fault.STATUS_502)
    assert faults.take("pay.close").status == 502
    faults.clear("pay.close")
    assert faults.take("pay.close").status is None


def test_the_same_seed_gives_the_same_faults() -> None:
    def fired(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.put("*", Fault.DROP_BEFORE, probability=0.5)
        return [Fault.DROP_BEFORE in faults.take("pay.query") for _ in range(64)]

    assert fired(1) == fired(1) != fired(2)
    assert 16 < sum(fired(1)) < 48


@pytest.mark.parametrize("by", [Opened.MESSAGE, Opened.TAP, Opened.FOLLOW, Opened.SCAN])
def test_a_window_closes_at_its_last_second(by: Opened) -> None:
    quota = PushQuota()
    quota.open(by, 0.0)
    quota.push(by.seconds - 0.001)
    with pytest.raises(Refused, match="45015"):
        quota.push(float(by.seconds))
