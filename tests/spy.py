"""Look at a folder as another user: only root can start it.

As a script, `python spy.py FOLDER...` names each file that user nobody could open, once.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

NOBODY = 65534
# between two looks, in seconds
PAUSE = 0.005


@contextmanager
def spied(*folders: Path) -> Iterator[set[str]]:
    """Yield a set that holds, at the end, the names of the files that user nobody could open meanwhile."""
    for way in {parent for folder in folders for parent in [folder, *folder.parents]}:
        assert way.stat().st_mode & 0o005 == 0o005, f"{way}: nobody would see nothing in it"
    found: set[str] = set()
    spy = subprocess.Popen([sys.executable, __file__, *map(str, folders)], stdout=subprocess.PIPE, text=True)
    assert spy.stdout
    assert spy.stdout.readline() == "ready\n"
    try:
        yield found
        assert spy.poll() is None, "the spy ended early"
    finally:
        spy.terminate()
        found |= set(spy.communicate()[0].splitlines())


def spy(folders: list[str]) -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    print("ready", flush=True)
    found: set[str] = set()
    while True:
        # unlike glob, it does not mind what vanishes meanwhile
        for folder, _, names in chain.from_iterable(map(os.walk, folders)):
            for name in set(names) - found:
                with suppress(OSError):
                    Path(folder, name).open("rb").close()
                    found.add(name)
                    print(name, flush=True)
        time.sleep(PAUSE)


if __name__ == "__main__":
    spy(sys.argv[1:])
