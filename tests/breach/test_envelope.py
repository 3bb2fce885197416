"""What an envelope says of itself is believed of nobody who may not say it: a
captured smtpd forges the marks of mail that queue-manager made (reports, which
are never answered) and of mail that a user's ~/.forward sends on (whose
reverse-path is rewritten and which no alias is looked up for).  A worker or a
runner has no channel to queue-manager, and no message of its own that would
say so (common/ipc/test_forward.c: test_who_may_enqueue)."""

import os
import struct

import pytest

from alone.program import octets
from alone.queue_world import ENQUEUE, TEXT, World, envelope, memfd

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")
MARKS = {"report": 1 << 2, "report of a report": 1 << 3, "forwarded": 1 << 6,
         "unknown": 1 << 10}


def forge(w, role, flags):
    """The enqueue of a message with these flags; how the channel ends."""
    ch = w.peer(role)
    e = envelope("alice@example.org", ["bob@example.org"], flags=flags,
                 client="192.0.2.1")
    w.ids[role] += 1
    fd = memfd(TEXT)
    ch.send(ENQUEUE, w.ids[role], struct.pack(
        "<QIIQI", w.ids[role], 0, len(TEXT), len(TEXT), len(e)) + octets(e),
        [fd])
    os.close(fd)
    try:
        end = ch.receive()
    except ConnectionResetError:
        end = None
    del w.peers[role]
    ch.close()
    return end


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("role", ["smtpd", "smtpd-submit", "smtpd-lmtp"])
def test_forged_marks(tmp_path, role, mark):
    with World(tmp_path) as w:
        assert forge(w, role, MARKS[mark]) is None	# thrown out
        # The next smtpd is served, and nothing of the forgery is there.
        w.enqueue("alice@example.org", ["bob@example.org"], role=role,
                  client="192.0.2.1")
        w.until(lambda: w.counters()["queued"] == 0)
        assert w.counters()["accepted"] == 1
        assert [d[0] for d in w.delivered] == ["bob@example.org"]
