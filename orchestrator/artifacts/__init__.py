"""The files of a sweep: what it begins with, what is kept, and what may go."""
