"""Times and ids as the API writes them."""

from __future__ import annotations

import pytest

from toloka_upload.sending.listing_look import earlier
from toloka_upload.sending.request import same_id

ID = "9de10bd8-5183-5a27-8dea-456334298564"


@pytest.mark.parametrize(
    "written",
    [
        "2024-03-01T12:00:10",
        "2024-03-01T12:00:10Z",
        "2024-03-01T12:00:10+00:00",
        "2024-03-01T15:00:10+03:00",
        "2024-03-01T07:30:10-04:30",
    ],
)
def test_a_time_with_an_offset_is_the_moment_that_it_says(written: str) -> None:
    """Without one it is UTC."""
    assert earlier(written) == "2024-03-01T12:00:00"


@pytest.mark.parametrize("written", [None, "", "yesterday", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_time_bounds_nothing(written: str | None) -> None:
    """The whole listing is looked through then."""
    assert earlier(written) is None


@pytest.mark.parametrize(
    "other", [ID, ID.upper(), ID.replace("-", ""), ID.replace("-", "").upper()]
)
def test_an_operation_id_is_the_same_however_it_is_written(other: str) -> None:
    """With dashes or without, in capitals or not."""
    assert same_id(ID, other)
    assert same_id(other, ID)
    assert not same_id(ID, "0" + other[1:])
    assert not same_id(ID, None)
