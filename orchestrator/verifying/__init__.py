"""Every verdict derived again from the stored rows."""
