"""The whole sandbox: both stand-ins with one set of keys, one clock and one script of faults."""

from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Faults
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.pay import PayStandIn
from bot.sandbox.wechat import WeChatStandIn


@dataclass(frozen=True)
class Sandbox:
    """WeChat and WeChat Pay on the loopback."""

    keys: SandboxKeys
    clock: MovableClock
    faults: Faults
    wechat: WeChatStandIn
    pay: PayStandIn

    @classmethod
    def start(
        cls,
        folder: Path | None = None,
        clock: MovableClock | None = None,
        *,
        seed: int = 0,
        keys: SandboxKeys | None = None,
    ) -> "Sandbox":
        """Start both. With `folder` the keys are kept there for the next start; `seed` is for the faults."""
        keys = keys or (SandboxKeys.fresh() if folder is None else SandboxKeys.kept_in(folder))
        time = clock or MovableClock()
        faults = Faults(seed)
        wechat = WeChatStandIn(keys, time, faults)
        pay = PayStandIn(keys, time, faults, knows=wechat.knows, on_paid=wechat.paid, machine_clock=time.now)
        return cls(keys, time, faults, wechat.start(), pay.start())

    def stop(self) -> None:
        """Stop both."""
        self.pay.stop()
        self.wechat.stop()

    def settings_overrides(self, public_url: str) -> dict[str, dict[str, object]]:
        """The configuration that makes a bot at `public_url` talk to this sandbox, by section and key."""
        keys = self.keys
        return {
            "server": {"public_url": public_url},
            "wechat": {
                "app_id": keys.app_id,
                "secret": keys.secret,
                "token": keys.token,
                "encoding_aes_key": keys.encoding_aes_key,
                "mode": "safe",
                "api_base": self.wechat.url,
            },
            "pay": {
                "mch_id": keys.mch_id,
                "api_v3_key": keys.api_v3_key,
                "serial_no": keys.merchant_serial,
                "private_key": keys.merchant_key_pem,
                "platform_public_key": keys.platform_public_key_pem,
                "platform_public_key_id": keys.platform_public_key_id,
                "api_base": self.pay.url,
            },
        }
