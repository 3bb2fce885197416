import os

import pytest

from support.instance import BUILD
from .site import Site


@pytest.fixture
def site(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("configuration directories belong to root")
    if not (BUILD / "bin" / "bulkhead").exists():
        pytest.skip(f"{BUILD}/bin/bulkhead is not built")
    os.chmod(tmp_path, 0o755)
    with_users = Site(tmp_path)
    with_users.add_user("alice")
    return with_users
