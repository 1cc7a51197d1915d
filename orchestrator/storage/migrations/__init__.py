"""Alembic migrations, one file a revision; env.py runs them."""
