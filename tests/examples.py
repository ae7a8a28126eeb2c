"""How many examples a property test plays: the usual number, or EXAMPLES times as many where the environment says."""

import os

TIMES = int(os.environ.get("EXAMPLES", "1"))


def examples(usual: int) -> int:
    return usual * TIMES
