"""Checking rows before anything is sent: their structure, and their values against the project's spec."""

from toloka_upload.check.spec import Spec

__all__ = ["Spec"]
