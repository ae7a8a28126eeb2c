"""Python reads this file at its start where its folder is in PYTHONPATH: it lays a movable clock under the process.

ELSEWHERE_CLOCK names a file of eight bytes, the seconds that `time.time` is ahead of the machine's clock.
"""

import mmap
import os
import struct
import time

_FILE = os.environ.get("ELSEWHERE_CLOCK")
if _FILE:
    with open(_FILE, "rb") as _stream:
        _ahead = mmap.mmap(_stream.fileno(), 8, access=mmap.ACCESS_READ)
    _machine = time.time

    def _moved() -> float:
        ahead: float = struct.unpack("d", _ahead)[0]
        return _machine() + ahead

    time.time = _moved
