"""Who is told while a sweep runs: hooks, TensorBoard."""
