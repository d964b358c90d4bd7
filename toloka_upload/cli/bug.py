"""What a user sees of an error of ours: a sentence, and a file to send along."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback

from toloka_upload._version import __version__
from toloka_upload.api.redaction import without_tokens
from toloka_upload.errors import UploadError


def report_bug(error: BaseException, arguments: list[str]) -> UploadError:
    """Write down what happened, privately and without tokens, and say how to report it."""
    details = without_tokens("".join(traceback.format_exception(error)))
    what = without_tokens(f"{type(error).__name__}: {error}")
    program = f"toloka-upload {__version__}, Python {sys.version}, {platform.platform()}"
    text = f"{program}\n{without_tokens(str(arguments))}\n\n{details}"
    where = "the text above" if sys.stderr is None else "this message"
    try:
        handle, path = tempfile.mkstemp(prefix="toloka-upload-bug-", suffix=".txt")
        with os.fdopen(handle, "w", errors="backslashreplace") as file:
            file.write(text)
        where = path
    except OSError:
        pass
    return UploadError(
        f"This is an error of toloka-upload itself ({what}). What was sent is in the journal; "
        f"the same command goes on from there. Please report it with {where} attached.",
        code="BUG",
    )
