"""Calibrates a ladder on the user's own data: can its small samples be trusted?"""
