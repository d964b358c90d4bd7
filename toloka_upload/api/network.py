"""The way to the API: what the environment says of it (proxies, certificates), and why it leads nowhere, in words."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies

from toloka_upload.errors import NoInput


def check_proxies() -> None:
    """
    Notice a proxy whose port is none.

    Raises:
        ValueError: Says which.
    """
    for address in getproxies().values():
        try:
            _ = urlsplit(address if "://" in address else f"http://{address}").port
        except ValueError as error:
            raise ValueError(f"{error}.") from error


def tls_context() -> ssl.SSLContext:
    """
    Trust the certificates that `SSL_CERT_FILE` names, else those of certifi.

    Raises:
        NoInput: They cannot be read.
    """
    import certifi

    bundle = os.environ.get("SSL_CERT_FILE") or certifi.where()
    try:
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        # Only the file for keys is named by the error.
        what = f"The file {bundle} (SSL_CERT_FILE) is no bundle of certificates"
        if error.filename:
            what = f"The file {error.filename} (SSLKEYLOGFILE) cannot be written"
        raise NoInput(
            f"{what}: {error.strerror or error}. Correct the variable, or unset it.",
            code="CERTIFICATES",
        ) from error


def why_silent(error: BaseException, place: str) -> str:
    """
    Why no answer came, in words: "cannot resolve api.example".

    Args:
        error: What was raised, with what it was raised from.
        place: The API's host, with its port if it names one.
    """
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return f"cannot resolve {place}"
        if isinstance(cause, ConnectionRefusedError):
            return f"{place} refuses connections"
        if isinstance(cause, ssl.SSLError):
            return f"no secure connection to {place}: {cause.strerror or cause}"
        if isinstance(cause, TimeoutError):
            return f"no answer from {place}"
        if isinstance(cause, ConnectionError):
            return f"the connection to {place} broke"
        if isinstance(cause, OSError) and cause.strerror:
            return f"no connection to {place}: {cause.strerror.lower()}"
    return f"no answer from {place}: {str(error) or type(error).__name__}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that it came from, the innermost first."""
    if error is not None:
        yield from _causes(error.__cause__ or error.__context__)
        yield error
