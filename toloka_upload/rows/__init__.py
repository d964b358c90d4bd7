"""Reading: files of every format a requester has, as streams of rows."""

from toloka_upload.rows.model import Fault, Kind, ReadOptions, Row, RowFile
from toloka_upload.rows.opening import open_rows

__all__ = ["Fault", "Kind", "ReadOptions", "Row", "RowFile", "open_rows"]
