"""Checks of networks, losses, optimizers and LR schedules: those of users, and our own in tests.

Each check is a function of one thing; it returns, or raises CheckFailed with the fix.
"""
