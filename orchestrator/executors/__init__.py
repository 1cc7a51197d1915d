"""Where jobs run: `base` is the seam, `inline` the reference, `ray_tune` the only Ray."""
