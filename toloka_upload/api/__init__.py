"""The API: where it is, its calls, and what its answers mean."""
