"""What the environment says about the way to the API: proxies and certificates. Each may be wrong, and then says so."""

from __future__ import annotations

import os
import ssl
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
