"""The circuit breaker: when it pauses the stage, when it tries again."""

from streams.breaker import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    TRIP_AFTER,
    Breaker,
    Circuit,
)


def tripped() -> Breaker:
    breaker = Breaker()
    for _ in range(TRIP_AFTER):
        breaker.began(0)
        breaker.failed(0)
    return breaker


def test_single_failures_do_not_open_it() -> None:
    breaker = Breaker()
    for _ in range(10):
        for _ in range(TRIP_AFTER - 1):
            breaker.failed(0)
        breaker.succeeded()
    assert breaker.state(0) is Circuit.CLOSED


def test_failures_in_a_row_open_it_for_the_pause() -> None:
    breaker = tripped()
    assert breaker.state(0) is Circuit.OPEN
    assert not breaker.admits(FIRST_PAUSE_SECONDS / 2)
    assert breaker.wait(0) == FIRST_PAUSE_SECONDS
    assert breaker.state(FIRST_PAUSE_SECONDS) is Circuit.HALF_OPEN


def test_half_open_one_attempt_is_let_through_at_a_time() -> None:
    breaker, now = tripped(), FIRST_PAUSE_SECONDS
    assert breaker.admits(now)
    breaker.began(now)
    assert not breaker.admits(now)
    breaker.succeeded()
    assert breaker.admits(now)
    assert breaker.state(now) is Circuit.CLOSED


def test_each_failed_trial_doubles_the_pause_up_to_a_limit() -> None:
    breaker, now, pauses = tripped(), 0.0, []
    for _ in range(8):
        pauses.append(breaker.wait(now))
        now += breaker.wait(now)
        breaker.began(now)
        breaker.failed(now)
    assert pauses[:3] == [FIRST_PAUSE_SECONDS, 2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS]
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_attempts_that_began_before_it_opened_do_not_lengthen_the_pause() -> None:
    breaker = tripped()
    for _ in range(10):
        breaker.failed(0)
    assert breaker.wait(0) == FIRST_PAUSE_SECONDS


def test_after_a_recovery_the_pause_is_short_again() -> None:
    breaker = tripped()
    breaker.began(FIRST_PAUSE_SECONDS)
    breaker.failed(FIRST_PAUSE_SECONDS)
    breaker.succeeded()
    for _ in range(TRIP_AFTER):
        breaker.failed(100)
    assert breaker.wait(100) == FIRST_PAUSE_SECONDS
