import os
import shutil

import pytest

from alone.program import UID
from imap.client import Session


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            if "session" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.skip(reason="takes root"))


@pytest.fixture
def home(tmp_path):
    for p in [tmp_path, *tmp_path.parents][:3]:
        os.chmod(p, 0o755)
    path = tmp_path / "home"
    path.mkdir()
    os.chown(path, UID, UID)
    return path


@pytest.fixture
def session(tmp_path, home):
    """Make sessions of one and the same owner."""
    made = []

    def make(*args):
        made.append(Session(tmp_path, *args))
        return made[-1]

    yield make
    for s in made:
        s.close()
