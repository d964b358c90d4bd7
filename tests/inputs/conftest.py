"""Fixtures of the tests of whole runs over files."""

from service_fixtures import in_a_directory_of_its_own, make_service, service

__all__ = ["in_a_directory_of_its_own", "make_service", "service"]
