"""Callbacks to the merchant: sealed, signed, sent again until they are acknowledged (facts/wechat.md A0, B3)."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import urllib3

from tests.elsewhere.crypt import sealed_resource, word
from tests.elsewhere.ledger import Order, Refund

if TYPE_CHECKING:
    from tests.elsewhere.merchant import Merchant

RESENDS = 6  # in fact fifteen over a day; here close together
PAUSE = 0.3  # seconds
REFUNDS = {"SUCCESS": "退款成功", "CLOSED": "退款关闭", "ABNORMAL": "退款异常"}
EVENTS = {"SUCCESS": "REFUND.SUCCESS", "CLOSED": "REFUND.CLOSED", "ABNORMAL": "REFUND.ABNORMAL"}


@dataclass(frozen=True)
class Sent:
    """One callback that was sent, and what the bot answered."""

    event: str
    number: str
    status: int


class Callbacks:
    """Sends on threads of its own; `lost` says that none arrives."""

    def __init__(self, merchant: Merchant, notify_url: str, bot_url: str) -> None:
        self._merchant = merchant
        self.notify_url, self._url = notify_url, f"{bot_url}/pay/notify"
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(5))
        self.lost = False
        self.sent: list[Sent] = []
        self._threads: list[threading.Thread] = []

    def payment(self, order: Order) -> None:
        """TRANSACTION.SUCCESS."""
        self._send("TRANSACTION.SUCCESS", "支付成功", order.told(), "transaction", order.no)

    def refund(self, order: Order, refund: Refund) -> None:
        """REFUND.SUCCESS, CLOSED or ABNORMAL."""
        told = order.refund_notice(refund)
        self._send(EVENTS[refund.status], REFUNDS[refund.status], told, "refund", refund.out_refund_no)

    def body(self, event: str, summary: str, plain: dict[str, Any], kind: str) -> bytes:
        """The body of a callback."""
        sealed = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
        said = {
            "id": str(uuid.uuid4()),
            "create_time": self._merchant.clock.beijing().isoformat(timespec="seconds"),
            "resource_type": "encrypt-resource",
            "event_type": event,
            "summary": summary,
            "resource": sealed_resource(self._merchant.api_v3_key, sealed, kind),
        }
        return json.dumps(said, ensure_ascii=False).encode()

    def post(self, body: bytes, **changed: str | None) -> int:
        """One delivery, freshly signed, with headers replaced (None: left out); the status of the answer."""
        moment, nonce = str(int(self._merchant.clock.now())), word(32)
        headers = {
            "Content-Type": "application/json",
            "Wechatpay-Serial": self._merchant.platform_key_id,
            "Wechatpay-Timestamp": moment,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": self._merchant.platform_key.sign(moment, nonce, body.decode()),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }
        for name, value in changed.items():
            headers.pop(name.replace("_", "-"))
            headers |= {name.replace("_", "-"): value} if value is not None else {}
        began = time.monotonic()
        answer = self._http.request("POST", self._url, body=body, headers=headers)
        violations = self._merchant.violations
        violations.unless(time.monotonic() - began < 5, "a callback was answered after more than five seconds")
        if answer.status >= 400:
            try:
                said = json.loads(answer.data)
            except ValueError:
                said = {}
            violations.unless(said.get("code") == "FAIL" and said.get("message"), f"a failed callback: {answer.data!r}")
        else:
            violations.unless(answer.status in (200, 204), f"a callback is answered {answer.status}")
        return answer.status

    def settle_down(self) -> None:
        """Wait until everything that is under way has arrived or was given up."""
        for thread in self._threads:
            thread.join(20)
        self._threads.clear()

    def _send(self, event: str, summary: str, plain: dict[str, Any], kind: str, number: str) -> None:
        if self.lost:
            return
        thread = threading.Thread(target=self._deliver, args=(event, summary, plain, kind, number), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _deliver(self, event: str, summary: str, plain: dict[str, Any], kind: str, number: str) -> None:
        body = self.body(event, summary, plain, kind)
        for _ in range(RESENDS):
            status = self.post(body)
            self.sent.append(Sent(event, number, status))
            self._merchant.bell.ring()
            if status in (200, 204):
                return
            time.sleep(PAUSE)
        self._merchant.violations.note(f"a {event} callback of {number} was never acknowledged")
