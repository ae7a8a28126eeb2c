"""What a verified callback of WeChat Pay sets off."""

from __future__ import annotations

from dataclasses import dataclass

from bot.background.worker import Wakeups
from bot.pay.notify_guard import Notification
from bot.pay.till import Till
from bot.web.services import DoesNotFit
from storage.orders.settling import Settled


@dataclass(frozen=True)
class Callbacks:
    """Books payments and refunds that WeChat Pay tells of."""

    till: Till
    wakeups: Wakeups

    def settle(self, notification: Notification) -> None:
        """Book what a verified callback says; raises DoesNotFit where that is a discrepancy, kept for a person."""
        outcome = self.till.settle(notification.charge, "callback") if notification.charge is not None else None
        if outcome is Settled.DISCREPANCY:
            raise DoesNotFit
        if outcome is Settled.DONE:
            self.wakeups.wake()
        if notification.refund is not None:
            self.till.refund_told(notification.refund)
            self.wakeups.wake()
