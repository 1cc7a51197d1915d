"""What happens before a sweep's first job: checks, counts, decoding, and the first rows."""
