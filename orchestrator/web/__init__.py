"""The web dashboard, its access control, and the live report."""
