"""The page at `/`: one file, no resources from anywhere."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from toloka_upload.emulator.messages import Response


@cache
def page() -> Response:
    """The page, which asks `/_emulator/state` for what it shows.

    Only the script and the style that stand in the file itself may run: whatever else came to stand there, out of
    a task's text say, does not.
    """
    body = files("toloka_upload.emulator").joinpath("page.html").read_bytes()
    policy = (
        f"default-src 'none'; script-src '{_digest(body, b'script')}'; "
        f"style-src '{_digest(body, b'style')}'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(200, headers, body)


def _digest(body: bytes, tag: bytes) -> str:
    """The hash by which a policy allows the one element of that tag."""
    element = re.search(b"<%b>(.*)</%b>" % (tag, tag), body, re.DOTALL)
    assert element  # noqa: S101  the file is ours
    return "sha256-" + base64.b64encode(hashlib.sha256(element[1]).digest()).decode()
