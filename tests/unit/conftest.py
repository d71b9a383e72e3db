"""Property tests without a time limit: machines are shared, and time is measured in benchmarks/ only."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
