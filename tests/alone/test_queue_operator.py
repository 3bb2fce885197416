"""What an operator does with many messages at once (bulkhead queue ... by
domain, by address, all)."""

import os
import struct

import pytest

from alone.program import octets
from alone.queue_world import (DELETE, HOLD, LATER, LIST, QUEUE_ASK,
                               QUEUE_DONE, RELEASE, RETRY, World)
from alone.test_queue_relaying import ALICE, restart

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")
OWN = "retry_min = 1h\nretry_max = 2h\n"


def put_off(w, n):
    """n recipients are tried, and deferred for an hour."""
    seen = []

    def enough():
        while w.parcels:
            p = w.parcels.pop()
            seen.extend(p.to)
            p.answer(result=LATER, text="Not now")
        return len(seen) >= n
    w.until(enough)
    w.quiet(0.3)
    return seen


def test_by_domain_and_all(tmp_path):
    with World(tmp_path, own=OWN) as w:
        for i in range(5):
            w.enqueue(ALICE, [f"x{i}@a.example"])
            w.enqueue(ALICE, [f"y{i}@b.example"])
        both = w.enqueue(ALICE, ["z@a.example", "z@b.example"])
        put_off(w, 12)
        assert w.ask(LIST, limit=100, destination="a.example")[1] == 6
        assert w.ask(LIST, limit=100, destination="X1@a.example")[1] == 1
        assert w.ask(LIST, limit=100)[1] == 11
        status, n, c, _ = w.ask(HOLD, limit=100, destination="a.example")
        assert (status, n) == (0, 6)
        c = w.counters()
        assert (c["held"], c["queued"]) == (7, 5)
        # Nothing held is tried, whoever asks.
        assert w.ask(RETRY, limit=100)[:2] == (0, 5)
        assert all(to.endswith("b.example") for to in put_off(w, 5))
        w2 = restart(w, tmp_path, own=OWN)
    with w2:
        assert w2.counters()["held"] == 7
        # By domain, of a message with others only those there.
        assert w2.ask(DELETE, limit=100, destination="b.example")[:2] == (0, 6)
        c = w2.counters()
        assert (c["deleted"], c["held"], c["queued"]) == (6, 6, 0)
        assert w2.ask(RELEASE, limit=2, destination="a.example")[1] == 2
        assert w2.ask(RELEASE, limit=100)[1] == 4
        assert w2.counters()["held"] == 0
        assert w2.ask(RETRY, both)[:2] == (0, 1)
        [p] = [w2.next_parcel()]
        assert p.queue_id == both and p.to == ["z@a.example"]
        assert w2.ask(DELETE, both)[:2] == (2, 0)	# under way
        p.answer()
        assert w2.ask(DELETE, limit=100)[:2] == (0, 5)
        c = w2.counters()
        assert (c["deleted"], c["delivered"], c["queued"]) == (11, 1, 0)
        assert w2.ask(HOLD, 0xdead)[0] == 1


def test_page_by_page(tmp_path):
    """A page is as long as was asked for, and tells where the next begins."""
    with World(tmp_path, own=OWN) as w:
        ids = [w.enqueue(ALICE, [f"x@d{i}.example"]) for i in range(7)]
        put_off(w, 7)
        seen, after, pages = 0, 0, 0
        while True:
            ch = w.channel("control")
            ch.send(QUEUE_ASK, 1, struct.pack("<BQQI", HOLD, 0, after, 3) +
                    octets(b""))
            kind, _, body, _ = w.serve(ch)
            assert kind == QUEUE_DONE
            _, after, n = struct.unpack_from("<BQQ", body)
            seen, pages = seen + n, pages + 1
            if after == 0:
                break
        assert (seen, pages) == (7, 3) and len(ids) == 7
        assert w.counters()["held"] == 7
