"""A run, put together: its order of things, its pools, and the past ones.

In: settings, files, an observer. Out: a `Report`. Knows nothing of terminals.
"""
