import os

import pytest

from support.instance import BUILD

from .world import Desk, Doors


def pytest_collection_modifyitems(items):
    why = None
    if os.geteuid() != 0:
        why = "supervisor must be started by root"
    elif not (BUILD / "bin" / "supervisor").exists():
        why = f"{BUILD}/bin/supervisor is not built"
    for item in items if why else ():
        item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture
def doors(tmp_path):
    """An instance of this test alone, with alice and bob."""
    with Doors(tmp_path / "doors") as i:
        yield i.start()


@pytest.fixture
def desk(doors):
    """A person's home, whose programs end before the servers do."""
    d = Desk(doors)
    yield d
    d.close()
