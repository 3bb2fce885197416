"""The loopback of a network namespace of one's own."""

import fcntl
import socket
import struct

SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1


def loopback_up():
    """ip link set lo up, where there may be no ip(8)."""
    with socket.socket() as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
