"""Plans and cost estimates before a sweep, and the comparison with its real cost afterwards."""
