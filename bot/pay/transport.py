"""The wire under wechatpayv3: signs what is really sent, keeps the connection, believes only signed answers."""

import json
import time
from collections.abc import Callable, Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from wechatpayv3.core import Core
from wechatpayv3.type import RequestType

from bot.pay.answers import done
from bot.pay.gateway_errors import GatewayUnknown
from bot.pay.merchant import Merchant

CLOCK_SKEW_SECONDS = 300
DOWNLOAD_SECONDS = 1800  # of one file, from the first byte to the last
CHUNK = 1 << 16
SIGNATURE_TYPE = "WECHATPAY2-SHA256-RSA2048"
SIGNED_HEADERS = ("Wechatpay-Serial", "Wechatpay-Signature", "Wechatpay-Timestamp", "Wechatpay-Nonce")


class Transport:
    """Takes the place of wechatpayv3's Core inside a WeChatPay made in public-key mode.

    Why (facts/wechat.md C3): the Core opens a connection for every call, signs one rendering of the body and sends
    another, looks the signer's certificate up over the network, and believes a timestamp of 1970. Keys stay parsed in
    the Core. `clock` gives seconds since 1970, `nonce` 32 letters; `timeout` is (connect, read) in seconds.
    """

    def __init__(
        self,
        core: Core,
        merchant: Merchant,
        api_base: str,
        clock: Callable[[], float],
        nonce: Callable[[], str],
        timeout: tuple[float, float],
    ) -> None:
        self._core = core
        self._merchant = merchant
        self._api_base = api_base.rstrip("/")
        self._clock = clock
        self._nonce = nonce
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False  # a .netrc of the machine would replace our Authorization
        # the only thing threads would write to in a shared requests.Session
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def request(self, path: str, method: Any = RequestType.GET, data: dict[str, Any] | None = None) -> tuple[int, str]:
        """Status and text of the answer; a 2xx is given only if WeChat Pay signed it just now. Raises GatewayUnknown.

        4xx answers are never signed (facts/wechat.md B2) and are given as they are.
        """
        body = "" if data is None else json.dumps(data)
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "resident-insurance-bot",
            "Wechatpay-Serial": self._merchant.public_key_id,
            "Authorization": self._authorization(method.value, path, body),
        }
        try:
            answer = self._session.request(
                method.value,
                self._api_base + path,
                data=body.encode() or None,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            )
            text = answer.content.decode("utf-8")
        except (requests.RequestException, UnicodeDecodeError) as broken:
            raise GatewayUnknown(f"no readable answer: {type(broken).__name__}") from None
        if 200 <= answer.status_code < 300:
            self._believe(answer.headers, text)
        return answer.status_code, text

    def download(self, path: str) -> Iterator[bytes]:
        """The file at this path and query, in parts, as the server packed it; the first part may be empty.

        The answer carries no signature (facts/wechat.md B0): whoever asks knows its hash. Raises GatewayUnknown, and
        GatewayRefused for a 4xx.
        """
        headers = {
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "User-Agent": "resident-insurance-bot",
            "Wechatpay-Serial": self._merchant.public_key_id,  # asked for on every request in public-key mode
        }
        request = self._session.prepare_request(requests.Request("GET", self._api_base + path, headers=headers))
        request.headers["Authorization"] = self._authorization("GET", request.path_url, "")
        ends = time.monotonic() + DOWNLOAD_SECONDS
        try:
            with self._session.send(request, stream=True, timeout=self._timeout, allow_redirects=False) as answer:
                if answer.status_code != 200:
                    done(answer.status_code, answer.raw.read(CHUNK).decode("utf-8", "replace"))
                    raise GatewayUnknown(f"the download answers {answer.status_code}")
                for part in answer.iter_content(CHUNK):
                    if time.monotonic() > ends:
                        raise GatewayUnknown("the download does not end")
                    yield part
        except requests.RequestException as broken:
            raise GatewayUnknown(f"the download broke off: {type(broken).__name__}") from None

    def sign(self, words: list[str]) -> str:
        """The merchant's signature, in base64, over these words with a line end after each."""
        signature: str = self._core.sign(words)
        return signature

    def _authorization(self, method: str, path: str, body: str) -> str:
        moment, nonce = str(int(self._clock())), self._nonce()
        signature = self.sign([method, path, moment, nonce, body])
        return (
            f'{SIGNATURE_TYPE} mchid="{self._merchant.mch_id}",nonce_str="{nonce}",signature="{signature}",'
            f'timestamp="{moment}",serial_no="{self._merchant.serial_no}"'
        )

    def _believe(self, headers: Any, text: str) -> None:
        moment = headers.get("Wechatpay-Timestamp", "")
        if headers.get("Wechatpay-Serial") != self._merchant.public_key_id:
            raise GatewayUnknown("the answer is signed by an unknown key")
        if not (moment.isascii() and moment.isdigit() and abs(int(moment[:12]) - self._clock()) <= CLOCK_SKEW_SECONDS):
            raise GatewayUnknown("the answer's timestamp is not of now; is this machine's clock right?")
        signed = {
            "Wechatpay-Signature-Type": SIGNATURE_TYPE,
            **{name: headers.get(name, "") for name in SIGNED_HEADERS},
        }
        try:
            good = self._core._verify_signature(signed, text)
        except Exception:  # wechatpayv3 raises bare exceptions
            good = False
        if not good:
            raise GatewayUnknown("the answer's signature is wrong")
