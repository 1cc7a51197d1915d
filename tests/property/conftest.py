"""Settings of Hypothesis: no deadline, as an example's time depends on the machine."""

from hypothesis import HealthCheck, settings

settings.register_profile("searchctl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("searchctl")
