"""wechatpy's client with its traps closed: one host, time-outs, stable tokens, one retry, our own errors."""

import json
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast

import requests
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from bot.wechat.account_errors import (
    REFUSED_PUSHES,
    AccountError,
    AccountTrouble,
    AccountUnreachable,
    PushRefused,
)
from bot.wechat.tokens import FreshToken, TokenStore

BUSY = -1
BAD_TOKENS = frozenset({40001, 40014, 42001})
BUSY_PAUSE_SECONDS = 0.2


class AccountClient(WeChatClient):  # type: ignore[misc]
    """Calls go to `api_base` only, each with (connect, read) time-outs in seconds; redirects and cookies are not taken.

    What wechatpy does otherwise: facts/wechat.md C2. Every call raises an AccountTrouble or answers a dict.
    """

    def __init__(
        self,
        api_base: str,
        app_id: str,
        secret: str,
        tokens: TokenStore,
        pause: Callable[[float], None],
        timeout: tuple[float, float] = (2, 3),
    ) -> None:
        super().__init__(app_id, secret, timeout=timeout, auto_retry=False)
        self.API_BASE_URL = f"{api_base.rstrip('/')}/cgi-bin/"
        self._tokens = tokens
        self._pause = pause
        self._http.max_redirects = 0
        self._http.trust_env = False  # a .netrc or a proxy of the machine has no say in what WeChat is sent
        # the only thing threads would write to in a shared requests.Session
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    @property
    def access_token(self) -> str:
        return self._tokens.current(self._fetch)

    def renew_token(self) -> float:
        """See `TokenStore.renewed`."""
        return self._tokens.renewed(self._fetch)

    def fetch_access_token(self) -> None:
        raise NotImplementedError("tokens come from TokenStore")

    def _fetch(self) -> FreshToken:
        asked = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        reply = self._unless_busy(lambda: self._send("post", "stable_token", params={"access_token": None}, data=asked))
        token, seconds = reply.get("access_token"), reply.get("expires_in")
        if not isinstance(token, str) or not token or type(seconds) is not int or seconds <= 0:
            raise AccountUnreachable("the answer holds no access token")
        return FreshToken(token, seconds)

    def _request(self, method: str, url_or_endpoint: str, **kwargs: Any) -> dict[str, Any]:
        params = kwargs.pop("params", {})

        def send(token: str) -> dict[str, Any]:
            with_token = {**params, "access_token": token}
            return self._unless_busy(lambda: self._send(method, url_or_endpoint, params=with_token, **kwargs))

        token = self.access_token
        try:
            return send(token)
        except AccountError as error:
            if error.code not in BAD_TOKENS:
                raise
        return send(self._tokens.instead_of(token, self._fetch))

    def _unless_busy(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """-1 means that WeChat is busy and did nothing: asked once more after a moment, and not again."""
        try:
            return call()
        except AccountError as error:
            if error.code != BUSY:
                raise
        self._pause(BUSY_PAUSE_SECONDS)
        return call()

    def _send(self, method: str, url_or_endpoint: str, **kwargs: Any) -> dict[str, Any]:
        """One HTTP call; raises outside the except blocks, as requests' errors carry the address and so the token."""
        trouble: AccountTrouble
        if isinstance(kwargs.get("data"), dict):  # wechatpy sends JSON without saying so
            kwargs["headers"] = {"Content-Type": "application/json; charset=utf-8"}
        try:
            return cast(dict[str, Any], super()._request(method, url_or_endpoint, **kwargs))
        except AccountTrouble:
            raise
        except WeChatClientException as refused:
            trouble = _told(refused.errcode, refused.errmsg)
        except requests.RequestException as broken:
            trouble = AccountUnreachable(type(broken).__name__)
        except (ValueError, TypeError) as garbled:
            trouble = AccountUnreachable(f"unreadable answer: {type(garbled).__name__}")
        raise trouble

    def _decode_result(self, res: requests.Response) -> dict[str, Any]:
        reply = json.loads(res.content.decode("utf-8"), strict=False)
        if not isinstance(reply, dict):
            raise AccountUnreachable("unreadable answer: not a JSON object")
        return reply


def _told(code: object, message: object) -> AccountTrouble:
    if not isinstance(code, int):
        return AccountUnreachable("WeChat answers with an HTTP error")
    if code in REFUSED_PUSHES:
        return PushRefused(code)
    return AccountError(code, str(message)[:200])
