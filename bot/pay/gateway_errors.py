"""How a call to WeChat Pay can fail, by what may be done next."""


class GatewayTrouble(Exception):
    """Any failed call; its words hold no key and no answer but WeChat Pay's own error message."""


class GatewayUnknown(GatewayTrouble):
    """It may have happened: no answer, a 5xx, 429 or 202, or one whose signature or form is wrong.

    Repeat it with the same number and the same words.
    """


class GatewayRefused(GatewayTrouble):
    """WeChat Pay said no (4xx, with its code), or the words break its rules: PARAM_ERROR, without a call."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class NotPlaced(GatewayTrouble):
    """WeChat Pay knows no order of this number (404 ORDER_NOT_EXIST)."""
