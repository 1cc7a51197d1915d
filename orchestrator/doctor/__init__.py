"""What `searchctl doctor` looks at: what a sweep needs, whether it is there, and what to fix."""
