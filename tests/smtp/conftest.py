import os

import pytest

from .world import BUILD, World


def pytest_collection_modifyitems(items):
    why = None
    if os.geteuid() != 0:
        why = "the sandbox is entered from root"
    elif not (BUILD / "bin" / "tests-smtp-harness").exists():
        why = f"{BUILD}/bin/tests-smtp-harness is not built"
    for item in items:
        if why and "tests/smtp/" in str(item.path):
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture
def world(tmp_path):
    """An smtpd of this test alone, with standard settings."""
    w = World(tmp_path / "world")
    yield w
    w.close()


@pytest.fixture
def new_world(tmp_path):
    """Make an smtpd with settings."""
    made = []

    def make(settings="", **options):
        made.append(World(tmp_path / f"world{len(made)}", settings,
                          **options))
        return made[-1]

    yield make
    for w in made:
        w.close()


@pytest.fixture(scope="module")
def tireless(tmp_path_factory):
    """One smtpd for a module's tests, that never tires of errors, and takes
    what comes in one piece."""
    w = World(tmp_path_factory.mktemp("smtpd"),
              "max_errors = 10000\nmax_idle_commands = 1000000\n"
              "early_commands = accept\n")
    yield w
    w.close()
