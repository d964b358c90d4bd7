"""What is reported while a run works: the events, and the observer protocol. Public; its home is `report`."""

from toloka_upload.report.observer import *  # noqa: F403  # a public address: it hands on all of it
