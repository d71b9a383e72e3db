"""Property tests without a time limit: machines are shared, and time is measured in benchmarks/ only.

Fifty examples a law: CI draws other ones each time.
"""

from hypothesis import settings

settings.register_profile("untimed", deadline=None, max_examples=50)
settings.load_profile("untimed")
