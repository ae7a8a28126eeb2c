"""How a call to the official account's API can fail, by what the caller can do about it."""

REFUSED_PUSHES = frozenset({40003, 43004, 43019, 45015, 45047})
"""Not following, blacklisted, out of time, out of count: trying again cannot help (facts/wechat.md A2)."""


class AccountTrouble(Exception):
    """Any failed call; its words never hold an access token, a secret or a message's text."""


class PushRefused(AccountTrouble):
    """WeChat will not deliver this to this citizen now; do not repeat it, use the next rung of the ladder."""

    def __init__(self, code: int) -> None:
        super().__init__(f"WeChat refuses the push: {code}")
        self.code = code


class AccountError(AccountTrouble):
    """WeChat understood and said no: a setting, a quota or the content is wrong."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"WeChat answers {code}: {message}")
        self.code = code
        self.message = message


class AccountUnreachable(AccountTrouble):
    """No answer, or one that cannot be read: whether it was done is unknown."""
