"""What a progress bar says of the time left."""

from __future__ import annotations

import time

from textclf_core import Progress


def test_work_that_a_bar_does_not_count_is_left_out_of_the_time_left() -> None:
    with Progress(quiet=True).bar("train", 10) as bar:
        with bar.paused():
            time.sleep(0.3)
        bar.advance()
        assert bar.seconds_left < 1  # with the pause, nine more steps would take 2.7 s


def test_steps_of_an_earlier_run_are_left_out_of_the_rate() -> None:
    with Progress(quiet=True).bar("train", 1000) as bar:
        bar.skip(998)
        time.sleep(0.1)
        bar.advance()
        assert bar.rate <= 10
        assert bar.seconds_left >= 0.1
