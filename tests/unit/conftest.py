"""Property tests without a time limit: machines are shared, and time is measured in benchmarks/ only.

Fifty examples a law, the same ones in every run of the same code; `make test-laws` draws new ones.
"""

import os

from hypothesis import settings

settings.register_profile("same", deadline=None, max_examples=50, derandomize=True)
settings.register_profile("new", deadline=None, max_examples=50)
settings.load_profile(os.environ.get("DECIDUA_EXAMPLES", "same"))
