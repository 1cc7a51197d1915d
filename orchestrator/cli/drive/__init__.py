"""The verbs that drive a sweep, and the options that they share."""
