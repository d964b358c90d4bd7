"""Reading: files of every format a requester has, as streams of rows."""

from toloka_upload.rows.model import Fault, Kind, ReadOptions, Row, RowFile

__all__ = ["Fault", "Kind", "ReadOptions", "Row", "RowFile"]
