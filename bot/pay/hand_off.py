"""The hand-off at /pay/<token>: about 1 KB that WeChat's browser turns into its cashier, or one plain sentence."""

import base64
import hashlib
import html
import json
from collections.abc import Mapping

STYLE = "body{font:24px/1.6 sans-serif;margin:3em 1em;text-align:center}"
SCRIPT = """(function(){
var d=document,sheet=JSON.parse(d.getElementById('sheet').textContent);
function pay(){WeixinJSBridge.invoke('getBrandWCPayRequest',sheet,function(r){
if(/:(ok|cancel)$/.test(r.err_msg)){WeixinJSBridge.call('closeWindow')}
else{d.getElementById('opening').hidden=true;var f=d.getElementById('failed'),x=new XMLHttpRequest();
f.hidden=false;x.open('GET','?failed='+f.getAttribute('data-attempt'));x.send()}})}
if(window.WeixinJSBridge){pay()}else{d.addEventListener('WeixinJSBridgeReady',pay)}
})()"""


def hand_off_page(sheet: Mapping[str, str], texts: Mapping[str, str], attempt: int = 1) -> tuple[bytes, dict[str, str]]:
    """The page (UTF-8 HTML) and headers that open the cashier with the six parameters of `sheet`, and close.

    `texts` holds the sentences "title", "opening" (seen while the cashier opens) and "failed" (seen if WeChat will not
    open it). The page loads nothing and goes nowhere. The outcome it sees proves nothing, so "ok" is not sent at all;
    "fail" is reported to the page's own address with `attempt`, the attempt's place in its order: the next opening then
    has a new attempt. A false report moves no money.
    """
    body = (
        f'<p id="opening">{html.escape(texts["opening"])}</p>'
        f'<p id="failed" data-attempt="{attempt}" hidden>{html.escape(texts["failed"])}</p>'
        f'<script type="application/json" id="sheet">{_json(sheet)}</script>'
        f"<script>{SCRIPT}</script>"
    )
    # the bridge of older WeChat versions talks through frames of these two schemes; nothing can be loaded from them
    bridge = f"script-src {_hash(SCRIPT)}; frame-src weixin: wvjbscheme:; connect-src 'self'; "
    return _page(texts["title"], body), _headers(bridge)


def plain_sentence(title: str, sentence: str) -> tuple[bytes, dict[str, str]]:
    """The page and headers that say one sentence: expired, paid, unknown, not opened in WeChat."""
    return _page(title, f"<p>{html.escape(sentence)}</p>"), _headers("")


def _page(title: str, body: str) -> bytes:
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style><body>{body}</body></html>"
    ).encode("utf-8", "replace")


def _headers(script: str) -> dict[str, str]:
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": f"default-src 'none'; {script}style-src {_hash(STYLE)}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex",
    }


def _json(sheet: Mapping[str, str]) -> str:
    text = json.dumps(dict(sheet), separators=(",", ":"))
    for sign in "<>&":  # no value can end the element it stands in
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
