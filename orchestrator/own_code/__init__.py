"""A user's own code: found by its imports, stored with the sweep, and compared at a resume."""
