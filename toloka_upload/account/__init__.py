"""The account of what a pool has: learning it (`adopt`), proving it (`verify`), taking it back (`undo`).

In: settings, a past run or files. Out: an `AccountReport`. Knows nothing of terminals.
"""
