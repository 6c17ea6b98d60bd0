"""Waiting for another process to let go of a file."""

import os
import time
from collections.abc import Callable

from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtRuntimeError

SECONDS_VARIABLE, DEFAULT_SECONDS = "LEADLIGHT_LOCK_SECONDS", "60"


def seconds_to_wait() -> float:
    """Return how long a command waits for another one that writes the same files."""
    text = os.environ.get(SECONDS_VARIABLE, DEFAULT_SECONDS)
    try:
        return float(text)
    except ValueError:
        raise DbtRuntimeError(
            f"{SECONDS_VARIABLE} is '{text}'; write a number of seconds, such as {DEFAULT_SECONDS}."
        ) from None


def wait_until(is_done: Callable[[], bool], notice: Callable[[], str]) -> bool:
    """Try until it is done or the time is up; say once what is waited for. Return whether it is done."""
    seconds = seconds_to_wait()
    deadline = time.monotonic() + seconds
    has_said = False
    while not is_done():
        if time.monotonic() >= deadline:
            return False
        if not has_said:
            AdapterLogger("Leadlight").info(
                f"{notice()} Waiting for up to {seconds:g} s ({SECONDS_VARIABLE})."
            )
            has_said = True
        time.sleep(0.1)
    return True
