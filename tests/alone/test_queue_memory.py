"""What a memory full of one mailbox's mail means for the others."""

import os
import struct
import time

import pytest

from alone.program import octets
from alone.queue_world import DELIVERED, OK, Reader, World

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")
STUCK, IN_MEMORY = "alice@example.org", 1000


class OneHangs(World):
    """local-delivery, with a mailbox on a disk that does not answer."""

    def _on_deliver(self, ident, body, fds):
        r = Reader(body)
        for kind in "QQIBQQq":
            r.number(kind)
        reverse, to = r.octets(), r.octets()
        for fd in fds:
            os.close(fd)
        if to == STUCK:
            return
        self.delivered.append((to, reverse, b""))
        self.delivery.send(DELIVERED, ident, struct.pack(
            "<BBHBBB", OK, 0, 250, 2, 0, 0) + octets(b"As told"))


def test_who_gathers_is_not_put_away(tmp_path):
    """More mail than memory takes waits for one mailbox, and a hundred letters a
    second come in for others: these wait for each other, and then arrive, and none
    of them is sent back to the index to wait for the one that hangs."""
    tmp_path.chmod(0o755)
    sent = 0
    with OneHangs(tmp_path, own="retry_min = 5m\n"
                  f"active_messages = {IN_MEMORY}\n") as w:
        for _ in range(IN_MEMORY * 3 // 2):
            w.enqueue("a@example.net", [STUCK])
        w.quiet(4)		# they are in the index, too
        began = time.monotonic()
        while time.monotonic() - began < 12:
            w.enqueue("b@example.net", [f"n{sent % 100}@example.org"])
            sent += 1
            w.serve(seconds=max(0, began + sent / 120 - time.monotonic()))
        w.until(lambda: len(w.delivered) == sent)
    if sent < 12 * 80:
        pytest.skip("too slow a machine: nobody has gathered")
