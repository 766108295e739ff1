"""
Linq's error envelope, and the text of every code that Linq documents.

Source: Linq's "Error codes" page; the codes it lacks are from the docstrings of its SDK 0.65.0.
"""

from __future__ import annotations


DOCS = "https://docs.linqapp.com/error/codes"

MESSAGES = {
    1001: "Missing required field",
    1002: "Phone number must be in E.164 format",
    1003: "Invalid request body",
    1004: "Invalid message content",
    1005: "Invalid parameter value",
    1006: "Cannot update direct message chats",
    1007: "Rate limit exceeded",
    1008: "Invalid iMessage app message",
    2001: "Chat not found",
    2002: "Message not found",
    2003: "Attachment not found",
    2004: "Unauthorized",
    2005: "Access denied",
    2006: "Phone number permission denied",
    2007: "Attachment not ready",
    2008: "Recipient not allowed",
    2009: "The chat is still being created",
    2010: "Webhook subscription not found",
    2011: "Feature not available",
    2012: "Contact card not found",
    2013: "This chat is unavailable",
    2014: "A contact card already exists for this phone number",
    2015: "Operation conflicts with current state",
    2016: "Operation not supported in group chats",
    2017: "Operation not supported on this chat’s service type",  # noqa: RUF001 - as documented
    2018: "iMessage app messages can only be sent over iMessage",
    2019: "Phone number not found",
    2021: "Payment request not found",
    2022: "Contact card setup failed",
    2023: "Mentions are not supported in direct chats",
    2024: "The recipient asked you to stop",
    2026: "The handle is blocked",
    2027: "The phone number cannot send",
    3001: "Server connection error",
    3002: "Server operation failed",
    3003: "Service connection error",
    3004: "Service operation failed",
    3005: "Network timeout",
    3006: "Internal server error",
    3007: "Maximum delivery attempts exceeded",
    4001: "Delivery failed",
    4002: "Phone not available",
    4003: "Webhook delivery failed",
    4004: "Service unavailable",
    4005: "Recipient does not support this message type",
    4009: "The line has no RCS account",
    4010: "The RCS check could not run",
    5001: "File upload failed",
    5002: "File download failed",
    5003: "Failed to generate file URL",
    5004: "Invalid file type",
    5005: "File too large",
    5006: "Content type mismatch",
    5007: "Failed to download image from the provided URL",
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
            "doc_url": f"{DOCS}/{self.code // 1000}xxx/{self.code}/",
        }
        if self.retry_after is not None:
            error["retry_after"] = self.retry_after
        return {"success": False, "error": error, "trace_id": linq_trace_id}
