"""Where jobs run: `base` is the seam, `inline` the reference, `ray` all that uses Ray."""
