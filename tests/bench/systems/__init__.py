"""What is measured: Bulkhead, and the mail systems of Debian beside it.

Each has: name, port (SMTP on 127.0.0.1), start(), pids() (all its processes),
maildirs() (where the mail of u1, u2, ... arrives), stop(), before_250 (what it
syncs until then).  Mail for DOMAIN is its own; that for RELAYED goes to
127.0.0.1:ports.sink, that for DEAD to ports.dead, where nobody listens.  Those
that have a submission_port take mail there by implicit TLS from users who log
in.
"""

from collections import namedtuple

DOMAIN = "example.org"
RELAYED = "sink.example.net"
DEAD = "dead.example.net"
Ports = namedtuple("Ports", "smtp submission sink dead")


def children(pid):
    """It and all that came from it."""
    found = [pid]
    for p in found:
        try:
            with open(f"/proc/{p}/task/{p}/children") as f:
                found += map(int, f.read().split())
        except OSError:
            pass
    return found
