from pyrdpmux.net.budget import TokenBucket


def test_a_burst_and_then_the_rate() -> None:
    bucket = TokenBucket(rate=10.0, burst=20.0)
    assert bucket.available(100.0) == 20.0
    bucket.take(20.0, 100.0)
    assert bucket.wait(100.0) == 0.1
    assert bucket.wait(100.0, 5.0) == 0.5
    assert bucket.available(101.0) == 10.0
    assert bucket.available(1000.0) == 20.0, "no more than the burst"


def test_a_debt_is_waited_for() -> None:
    bucket = TokenBucket(rate=1.0, burst=4.0)
    bucket.take(10.0, 0.0)
    assert bucket.wait(0.0) == 7.0
    assert bucket.wait(7.0) == 0.0


def test_more_than_ever_fits_is_as_much_as_fits() -> None:
    bucket = TokenBucket(rate=1.0, burst=4.0)
    assert bucket.wait(0.0, 100.0) == 0.0


def test_time_that_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(rate=1.0, burst=4.0)
    bucket.take(4.0, 10.0)
    assert bucket.available(9.0) == 0.0
    assert bucket.available(10.0) == 1.0
