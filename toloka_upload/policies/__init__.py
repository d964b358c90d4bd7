"""When to send, how much at once, how long to wait, when to give up.

Small objects that are asked and told: none of them sleeps, sends or starts a thread, and none knows
another. The clock and the randomness are handed in.
"""
