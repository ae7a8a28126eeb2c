"""The hand-off page opens the cashier with six parameters, and can do nothing else."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from bot.pay.hand_off import hand_off_page, plain_sentence

SHEET = {
    "appId": "wx1234567890abcdef",
    "timeStamp": "1795000000",
    "nonceStr": "0123456789abcdef0123456789abcdef",
    "package": "prepay_id=wx201410272009395522657a690389285100",
    "signType": "RSA",
    "paySign": "abc+/=" * 57,
}
TEXTS = {"title": "微信支付", "opening": "正在打开微信支付……", "failed": "没有打开，请回到公众号再点一次。"}
STRICT = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Type": "text/html; charset=utf-8",
}


class Page(HTMLParser):
    """The elements of a page, with what stands in them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[int, str] = {}
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.inside[len(self.elements) - 1] = self.inside.get(len(self.elements) - 1, "") + data

    def texts(self, tag: str) -> list[str]:
        return [self.inside.get(at, "") for at, (name, _) in enumerate(self.elements) if name == tag]


def allowed(headers: dict[str, str], kind: str) -> str:
    found = re.search(rf"(?:^|; ){kind} ([^;]*)", headers["Content-Security-Policy"])
    return found.group(1) if found else ""


def sha256(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def test_the_six_parameters_stand_in_it_as_one_json_object() -> None:
    page = Page(hand_off_page(SHEET, TEXTS)[0])
    data, script = page.texts("script")
    assert json.loads(data) == SHEET
    assert "WeixinJSBridgeReady" in script
    assert script.index("getBrandWCPayRequest") < script.index("closeWindow")


def test_it_is_about_one_kilobyte_and_says_what_happens() -> None:
    body, _ = hand_off_page(SHEET, TEXTS)
    assert len(body) < 2048
    assert Page(body).texts("p") == [TEXTS["opening"], TEXTS["failed"]]


def test_it_has_no_form_no_link_and_loads_nothing() -> None:
    elements = Page(hand_off_page(SHEET, TEXTS)[0]).elements
    assert {name for name, _ in elements} == {"html", "meta", "title", "style", "body", "p", "script"}
    assert not any({"src", "href", "action", "onclick", "style"} & set(given) for _, given in elements)
    assert not any("refresh" in (given.get("http-equiv") or "") for _, given in elements)


def test_only_its_own_script_and_style_may_run() -> None:
    body, headers = hand_off_page(SHEET, TEXTS)
    page = Page(body)
    assert allowed(headers, "default-src") == "'none'"
    assert allowed(headers, "script-src") == sha256(page.texts("script")[1])
    assert allowed(headers, "style-src") == sha256(page.texts("style")[0])
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers.items() >= STRICT.items()


@pytest.mark.parametrize("value", ["</script><script>alert(1)</script>", "<!--", "&lt;", '"}', "\u2028", "\ud800"])
def test_no_value_ends_the_element_it_stands_in(value: str) -> None:
    body, _ = hand_off_page({**SHEET, "package": value}, TEXTS)
    scripts = Page(body).texts("script")
    assert len(scripts) == 2
    assert json.loads(scripts[0])["package"] == value


def test_a_sentence_is_escaped_and_runs_no_script() -> None:
    body, headers = plain_sentence("微信支付", "订单已过期 <b>&</b><script>")
    page = Page(body)
    assert page.texts("p") == ["订单已过期 <b>&</b><script>"]
    assert {name for name, _ in page.elements} == {"html", "meta", "title", "style", "body", "p"}
    assert allowed(headers, "default-src") == "'none'"
    assert allowed(headers, "script-src") == ""
    assert headers.items() >= STRICT.items()
