"""Limits on input. Without them a small request could cause hours of work, or exhaust the stack."""

MAX_REQUEST = 1 << 20  # bytes; typically a few hundred, but a request may hold a CA bundle
MAX_DEPTH = 100  # levels of maps and lists; a request needs five
MAX_FILES = 1000  # URLs of one step
MAX_PATH = 1024  # bytes of a relative path; its directories are created one by one
MAX_LOG_LINE = 10_000  # characters; enough for the longest key with every character escaped

# Characters. One value can be used in 1,000 URLs. AWS's own limits are lower: 2,048 for an ARN,
# 1,024 for a key.
MAX_TEXT = 2048
MAX_TEXT_OF = {"ca_bundle": 1 << 20, "session_token": 16384, "aws_web_identity_token": 20000}


def max_text(field: str) -> int:
    """Return how many characters a string in this field may have."""
    return MAX_TEXT_OF.get(field, MAX_TEXT)


def check_depth(json: bytes) -> None:
    """Raise RecursionError for JSON that is nested more deeply than any request.

    msgspec's decoder recurses up to 10,000 levels and can overflow a small stack (`ulimit -s`).
    Invalid JSON may pass; the decoder rejects it.
    """
    if (
        json.count(b"[") + json.count(b"{") <= MAX_DEPTH
    ):  # nearly always, even if some are in strings
        return
    without_strings = b"".join(json.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    level = 0
    for byte in without_strings.translate(None, bytes({*range(256)} - {*b"[]{}"})):
        level += 1 if byte in b"[{" else -1
        if level > MAX_DEPTH:
            raise RecursionError
