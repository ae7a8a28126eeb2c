"""Who we are at WeChat Pay, and wechatpayv3 built for it."""

from dataclasses import dataclass, field

from wechatpayv3 import WeChatPay, WeChatPayType


@dataclass(frozen=True)
class Merchant:
    """Keys are PEM texts (`private_key` in PKCS8); `public_key` and its PUB_KEY_ID_ are WeChat Pay's (微信支付公钥)."""

    app_id: str
    mch_id: str
    serial_no: str
    private_key: str = field(repr=False)
    api_v3_key: str = field(repr=False)
    public_key: str
    public_key_id: str


def wechatpay(merchant: Merchant, notify_url: str) -> WeChatPay:
    """wechatpayv3 in public-key mode, which makes no call when it is built. Raises ValueError for a key it cannot read.

    The PEM texts are parsed here, once: it costs a hundred signatures (facts/performance.md).
    """
    if not (merchant.public_key and merchant.public_key_id):
        raise ValueError("WeChat Pay keys: without platform_public_key and its id every forged callback makes a call")
    try:
        return WeChatPay(
            wechatpay_type=WeChatPayType.JSAPI,
            mchid=merchant.mch_id,
            private_key=merchant.private_key,
            cert_serial_no=merchant.serial_no,
            appid=merchant.app_id,
            apiv3_key=merchant.api_v3_key,
            notify_url=notify_url,
            public_key=merchant.public_key,
            public_key_id=merchant.public_key_id,
        )
    except Exception as unreadable:  # wechatpayv3 raises bare exceptions
        raise ValueError(f"WeChat Pay keys: {unreadable}") from None
