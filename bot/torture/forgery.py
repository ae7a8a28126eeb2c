"""Callbacks that WeChat Pay never sent, or sent long ago: all of them have to be refused and change nothing (I5)."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import urllib3

from bot.sandbox.both import Sandbox
from bot.sandbox.faults import NOTHING, Fault, Fired
from bot.sandbox.pay_orders import rfc3339
from bot.sandbox.pay_sign import as_json

_WAIT = urllib3.Timeout(total=2.0)


@dataclass
class Forger:
    """Knows real numbers and old callbacks; has no key of WeChat Pay's. `accepted` counts what was believed."""

    sandbox: Sandbox
    url: str  # of the bot's /pay/notify
    random: Random
    tried: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    _wire: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=4, retries=False))
    _old: list[tuple[bytes, dict[str, str], float]] = field(default_factory=list)

    def strike(self) -> None:
        """One of each kind, about an order that exists."""
        pay, now = self.sandbox.pay, self.sandbox.clock.now()
        with pay.orders.lock:
            orders = pay.orders.all()
            if not orders:
                return
            order = self.random.choice(orders)
            told = pay.orders.view(order)
        told |= {"trade_state": "SUCCESS", "transaction_id": f"4200{secrets.randbelow(10**20):020}"}
        told |= {"success_time": rfc3339(now), "trade_type": "JSAPI", "payer": {"openid": "oForger"}}
        told["amount"] = {"total": 1, "payer_total": 1, "currency": "CNY", "payer_currency": "CNY"}
        body = self._body(told)
        headers = pay.platform.headers(body, NOTHING)
        self._post("another key", body, pay.platform.headers(body, Fired(frozenset({Fault.WRONG_SIGNATURE}))))
        self._post("another body", self._body(told | {"transaction_id": "4200000000"}), headers)
        self._post("another time", body, headers | {"Wechatpay-Timestamp": str(int(now) + 1)})
        self._post("no signature", body, {})
        self._replay(now)

    def _replay(self, now: float) -> None:
        """A real one, recorded and sent again when its time is over; and one recorded for later."""
        for body, headers, _at in [one for one in self._old if now - one[2] > 1200][:3]:
            self._post("replayed late", body, headers)
        self._old = [one for one in self._old if now - one[2] <= 1200][-20:]
        real = self.sandbox.pay.deliveries()
        if real:
            body = self.random.choice(real).body
            self._old.append((body, self.sandbox.pay.platform.headers(body, NOTHING), now))

    def _body(self, told: dict[str, object]) -> bytes:
        resource = self.sandbox.pay.platform.seal("transaction", told)
        head = {"id": secrets.token_hex(16), "create_time": rfc3339(self.sandbox.clock.now())}
        head |= {"event_type": "TRANSACTION.SUCCESS", "resource_type": "encrypt-resource", "summary": "支付成功"}
        return as_json(head | {"resource": json.loads(json.dumps(resource))})

    def _post(self, kind: str, body: bytes, headers: dict[str, str]) -> None:
        self.tried += 1
        try:
            answer = self._wire.request(
                "POST", self.url, body=body, headers={"Content-Type": "application/json", **headers}, timeout=_WAIT
            )
        except urllib3.exceptions.HTTPError:
            return
        if 200 <= answer.status < 300:
            self.accepted[kind] += 1
