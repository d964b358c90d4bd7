"""The page at `/`: one file, no resources from anywhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from toloka_upload.emulator.messages import Response

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def page() -> Response:
    """The page, which asks `/_emulator/state` for what it shows."""
    body = files("toloka_upload.emulator").joinpath("page.html").read_bytes()
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(200, headers, body)
