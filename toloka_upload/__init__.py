"""Upload big task files into Toloka pools: each row exactly once, whatever happens on the way."""

from toloka_upload._version import __version__

__all__ = ["__version__"]
