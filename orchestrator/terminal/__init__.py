"""What people see of a sweep on a terminal."""
