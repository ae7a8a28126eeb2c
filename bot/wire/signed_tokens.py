"""Tokens of links, in their one spelling."""

from __future__ import annotations

import hmac

from itsdangerous import BadSignature, Signer


def read_token(signer: Signer, token: str) -> str:
    """Return what was signed. Raises BadSignature, also for another spelling of a genuine token.

    Base64 lets the unused bits of the last character be anything, so a token could be changed and still be accepted.
    """
    value = signer.unsign(token)
    if not hmac.compare_digest(signer.sign(value), token.encode()):
        raise BadSignature("not the canonical spelling")
    return value.decode()
