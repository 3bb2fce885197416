import os

import pytest

from .world import World


@pytest.fixture
def world(tmp_path):
    """Make a host with system users; start is the maker's second word."""
    if os.geteuid() != 0:
        pytest.skip("supervisor must be started by root")
    made = []

    def make(start=True, **options):
        w = World(tmp_path / f"instance{len(made)}", **options)
        made.append(w)
        if start:
            w.i.start()
        return w

    yield make
    for w in made:
        w.close()
