import os

import pytest

from support.instance import BUILD


def pytest_collection_modifyitems(items):
    why = None
    if os.geteuid() != 0:
        why = "an instance is started by root"
    elif not (BUILD / "bin" / "supervisor").exists():
        why = f"{BUILD}/bin/supervisor is not built"
    for item in items:
        if why and "tests/lmtp/" in str(item.path):
            item.add_marker(pytest.mark.skip(reason=why))
