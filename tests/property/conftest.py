"""How many examples the property tests try: 300 for each promise, 10,000 with HYPOTHESIS_PROFILE=thorough.

Where CI is set they are the same examples every time; elsewhere each run looks for new ones.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.register_profile("quick", settings.get_profile("default"), max_examples=30)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
