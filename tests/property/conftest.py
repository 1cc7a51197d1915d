"""How Hypothesis tries examples: the time of one says more of the machine than of our code."""

from hypothesis import HealthCheck, settings

settings.register_profile("searchctl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("searchctl")
