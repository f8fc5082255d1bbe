"""The business errors of the API: HTTP 400 with a code and a message."""

from __future__ import annotations

MESSAGES = {
    1: "The request is invalid.",
    2004: "The app doesn't exist.",
    3000: "The form doesn't exist.",
    4001: "The data doesn't exist.",
    4815: "The filter is invalid.",
    8301: "The API key is invalid.",
    8302: "The API key has no permission.",
    8303: "超出请求频率限制",
    8304: "The request frequency of this API exceeds the limit.",
    17017: "A parameter is invalid.",
    17023: "Too many records in one batch.",
    17034: "The value doesn't fit the field's type.",
    17053: "The API key has no permission for the app.",
    30002: "The preset form of the CRM suite doesn't support the API.",
}


class BusinessError(Exception):
    """Answered as HTTP 400 ``{"code", "msg"}``."""

    def __init__(self, code: int) -> None:
        super().__init__(MESSAGES[code])
        self.code = code

    @property
    def body(self) -> dict[str, object]:
        """The answer."""
        return {"code": self.code, "msg": MESSAGES[self.code]}
