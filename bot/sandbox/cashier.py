"""WeChat's cashier: the sheet that slides up, on which the payer sees the amount and types the password."""

import re
from collections.abc import Callable, Mapping

from bot.sandbox.keys import SandboxKeys
from bot.sandbox.pay_orders import CashierRefused, Order, Orders
from bot.sandbox.pay_sign import signed

_BANK_TYPES = {"零钱": "OTHERS", "银行卡": "ICBC_DEBIT"}
_PARAMETERS = {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}


class Sheet:
    """One open cashier: shows `amount` (fen) and `description`; pay, or give up."""

    def __init__(
        self, orders: Orders, order: Order, handle: str, openid: str, on_paid: Callable[[Order], None]
    ) -> None:
        self.amount = order.terms.total
        self.description = order.terms.description
        self.out_trade_no = order.terms.out_trade_no
        self.openid = openid
        self._orders = orders
        self._handle = handle
        self._on_paid = on_paid
        self._open = True

    def pay(self, method: str = "零钱", password: str = "123456") -> str:  # noqa: S107 - any six digits will do
        """Take the money and give back the transaction_id; raises CashierRefused, and then nothing was taken."""
        if not self._open:
            raise CashierRefused("支付已结束")
        if method not in _BANK_TYPES:
            raise ValueError(f"method is one of {', '.join(_BANK_TYPES)}")
        if not re.fullmatch(r"[0-9]{6}", password):
            raise CashierRefused("支付密码错误，请重试")
        order = self._orders.take(self._handle, self.openid, _BANK_TYPES[method])
        self._open = False
        self._on_paid(order)
        return order.transaction_id or ""

    def give_up(self) -> None:
        """Close the sheet without paying; the order can still be paid from another."""
        self._open = False


def check_bridge(params: Mapping[str, object], openid: str, keys: SandboxKeys, orders: Orders) -> tuple[Order, str]:
    """The order behind the six parameters of getBrandWCPayRequest, and its prepay_id; raises CashierRefused."""
    if set(params) != _PARAMETERS or not all(isinstance(value, str) for value in params.values()):
        raise CashierRefused(f"调用支付JSAPI缺少参数：{sorted(_PARAMETERS ^ set(params))}")
    said = {name: str(value) for name, value in params.items()}
    if said["appId"] != keys.app_id:
        raise CashierRefused("该公众号没有权限使用支付JSAPI")
    shape = re.fullmatch(r"prepay_id=([0-9A-Za-z_]+)", said["package"])
    if said["signType"] != "RSA" or not shape or not re.fullmatch(r"[0-9]{10}", said["timeStamp"]):
        raise CashierRefused("支付参数错误")
    text = f"{said['appId']}\n{said['timeStamp']}\n{said['nonceStr']}\n{said['package']}\n"
    right = signed(text, said["paySign"], keys.merchant_key.public_key())
    if not 1 <= len(said["nonceStr"]) <= 32 or not right:
        raise CashierRefused("支付验证签名失败")
    order = orders.payable(shape.group(1))
    if order.terms.trade_type != "JSAPI":
        raise CashierRefused("支付参数错误")
    if order.terms.openid != openid:
        raise CashierRefused("下单账号与支付账号不一致")
    return order, shape.group(1)
