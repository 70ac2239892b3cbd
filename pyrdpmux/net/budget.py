"""Token buckets: how much somebody may ask of us in a second."""


class TokenBucket:
    """``rate`` tokens a second come in, up to ``burst``; what is taken beyond has to be waited for.

    Without a clock: ``now`` is handed in, in seconds.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._level = burst
        self._at: float | None = None

    def available(self, now: float) -> float:
        """Tokens that may be taken at this moment."""
        if self._at is not None and now > self._at:
            self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now
        return self._level

    def take(self, amount: float, now: float) -> None:
        """May go below zero: then it is a debt, which is waited for."""
        self.available(now)
        self._level -= amount

    def wait(self, now: float, amount: float = 1.0) -> float:
        """Seconds until ``amount`` is there, or as much as ever fits."""
        missing = min(amount, self.burst) - self.available(now)
        return max(missing / self.rate, 0.0)
