"""
Linq's error envelope and the texts of the codes the simulator can answer with.

Source: Linq's "Error codes" page.
"""

from __future__ import annotations


DOCS = "https://docs.linqapp.com/error-codes"

MESSAGES = {
    1001: "Missing required field",
    1002: "Phone number must be in E.164 format",
    1003: "Invalid request body",
    1004: "Invalid message content",
    1005: "Invalid parameter",
    1006: "Cannot update a direct chat",
    1007: "Rate limit exceeded",
    2001: "Chat not found",
    2002: "Message not found",
    2004: "Unauthorized",
    2005: "Access denied",
    2008: "Recipient not allowed",
    2009: "Chat is still being created",
    2010: "Webhook subscription not found",
    2013: "Chat unavailable",
    2015: "Request conflicts with the current state",
    2019: "Not found",
    3005: "Network timeout",
    3006: "Internal server error",
    4001: "Delivery failed",
    4004: "Service unavailable",
    4005: "Recipient does not support this message type",
    5005: "Payload too large",
}
USUAL = {
    400: 1003,
    401: 2004,
    403: 2005,
    404: 2019,
    409: 2015,
    413: 5005,
    422: 4005,
    429: 1007,
    503: 4004,
    504: 3005,
}


class ApiError(Exception):
    """
    An answer in Linq's error envelope.
    """

    def __init__(
        self,
        status: int,
        code: int | None = None,
        message: str | None = None,
        *,
        retry_after: int | None = None,
    ) -> None:
        self.status = status
        self.code = code or USUAL.get(status, 3006)
        self.message = message or MESSAGES.get(self.code, "Request failed")
        self.retry_after = retry_after
        super().__init__(self.message)

    def envelope(self, linq_trace_id: str) -> dict[str, object]:
        """
        The JSON body.
        """
        error: dict[str, object] = {
            "status": self.status,
            "code": self.code,
            "message": self.message,
            "doc_url": f"{DOCS}/{self.code // 1000}xxx/{self.code}",
        }
        if self.retry_after is not None:
            error["retry_after"] = self.retry_after
        return {"success": False, "error": error, "trace_id": linq_trace_id}
