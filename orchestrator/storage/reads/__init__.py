"""Every query of the stored rows."""
