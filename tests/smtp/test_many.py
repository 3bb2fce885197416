"""Many clients at once: what an idle one costs, and that slow ones do not
hold up a quick one."""

import resource
import time

import pytest

from .world import SANITIZED

IDLE = 2000


@pytest.fixture
def many_files():
    old = resource.getrlimit(resource.RLIMIT_NOFILE)
    if old[1] < IDLE + 500:
        pytest.skip("RLIMIT_NOFILE is too low for this test")
    resource.setrlimit(resource.RLIMIT_NOFILE, (old[1], old[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, old)


def test_idle(world, many_files, record_property):
    before = world.memory()
    clients = [world.connect() for _ in range(IDLE)]
    for c in clients:
        c.expect("EHLO crepes.fr", 250)
    each = (world.memory() - before) / IDLE
    record_property("octets per idle session", int(each))
    print(f"{each:.0f} octets for each of {IDLE} idle sessions")
    assert SANITIZED or each < 4096
    with world.connect() as c:
        c.expect("EHLO x", 250)
        assert c.deliver("x: y\r\n")[0] == 250
    for c in clients:
        c.expect("QUIT", 221)
        c.socket.close()


def test_slow_clients_do_not_hold_up_a_quick_one(world, many_files):
    world.order("forget")
    slow = [world.connect() for _ in range(500)]
    for c in slow:
        c.start()
    began = time.monotonic()
    with world.connect() as c:
        c.expect("EHLO x", 250)
        for _ in range(100):
            for s in slow[:5]:
                s.send("x")
            assert c.deliver("x: y\r\n")[0] == 250
    assert time.monotonic() - began < 5
    for c in slow:
        c.expect("\r\n.", 250)
        c.socket.close()
