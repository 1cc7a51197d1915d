"""Everything that uses Ray: jobs of a sweep, and drivers that are jobs of a cluster."""
