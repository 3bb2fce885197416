"""Fixtures that every dialogue shares."""

import os

import pytest

from support.instance import BUILD, Instance


def pytest_collection_modifyitems(config, items):
    why = None
    if os.geteuid() != 0:
        why = "supervisor must be started by root"
    elif not (BUILD / "bin" / "supervisor").exists():
        why = f"{BUILD}/bin/supervisor is not built"
    if why is None:
        return
    for item in items:
        if {"instance", "new_instance", "shared"} & set(
                getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture
def instance(tmp_path):
    """An instance of this test alone, running, with alice and bob."""
    with Instance(tmp_path) as i:
        yield i.start()


@pytest.fixture
def new_instance(tmp_path):
    """Make instances with settings of their own; start() is the test's."""
    made = []

    def make(**options):
        i = Instance(tmp_path / f"instance{len(made)}", **options)
        made.append(i)
        return i

    yield make
    failures = []
    for i in reversed(made):
        try:
            i.close()
        except AssertionError as e:
            failures.append(e)
    if failures:
        raise failures[0]


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """One instance for all tests that leave it as it was.  Users of it take
    addresses of their own from users that they add before: u1 to u40."""
    names = [f"u{n}" for n in range(1, 41)]
    with Instance(tmp_path_factory.mktemp("shared"),
                  users=["alice", "bob", *names]) as i:
        yield i.start()
