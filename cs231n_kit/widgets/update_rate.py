"""How fast a network learns: the updates a second, of late."""

import collections
import time

SPAN = 2.0  # seconds that are counted, and without an update after which counting begins anew


class UpdateRate:
    """Counts updates as they happen; ``per_second`` is how many of them there were in a second of the latest two."""

    def __init__(self):
        self._times = collections.deque()

    def count(self):
        """An update has just been made."""
        now = time.monotonic()
        if self._times and now - self._times[-1] > SPAN:
            self._times.clear()
        self._times.append(now)
        while now - self._times[0] > SPAN and len(self._times) > 2:
            self._times.popleft()

    @property
    def per_second(self):
        """A float; 0.0 where there were less than two updates."""
        if len(self._times) < 2 or self._times[-1] == self._times[0]:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])
