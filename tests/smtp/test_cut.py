"""Clients that go away after every octet of a dialogue, and those that say
it octet by octet: the daemon lives, keeps nothing, and accepts a message only
when its last dot was there."""

import socket
import time

TEXT = (b"EHLO x\r\nMAIL FROM:<a@b> SIZE=20\r\nRCPT TO:<bob@hamburger.edu>\r\n"
        b"RCPT TO:<slow@hamburger.edu>\r\nDATA\r\nA: b\r\n\r\n..x\r\n.\r\n"
        b"RSET\r\nMAIL FROM:<>\r\nRCPT TO:<bob@hamburger.edu>\r\nDATA\r\n"
        b"y\r\n.\r\nQUIT\r\n")
DOTS = [i + 5 for i in range(len(TEXT)) if TEXT[i:i + 5] == b"\r\n.\r\n"]


def settle(world, descriptors):
    end = time.monotonic() + 10
    while world.descriptors() > descriptors and time.monotonic() < end:
        time.sleep(0.01)
    assert world.descriptors() == descriptors


def test_cut_after_every_octet(tireless):
    tireless.forget_messages()
    before = tireless.descriptors()
    most = 0
    for cut in range(len(TEXT) + 1):
        with tireless.connect(greeting=False) as c:
            c.send(TEXT[:cut])
            c.socket.shutdown(socket.SHUT_WR)
            while c.line() is not None:
                pass
        most += sum(cut >= dot for dot in DOTS)
    settle(tireless, before)
    assert len(tireless.messages()) == most


def test_reset_after_every_octet(tireless):
    """The same with a reset, which loses what was under way: a message may
    be there or not, but never without its dot."""
    tireless.forget_messages()
    before = tireless.descriptors()
    most = 0
    for cut in range(len(TEXT) + 1):
        c = tireless.connect(greeting=False)
        c.send(TEXT[:cut])
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
        c.socket.close()
        most += sum(cut >= dot for dot in DOTS)
    settle(tireless, before)
    kept = tireless.messages()
    assert len(kept) <= most
    assert all(m.body in (b"A: b\r\n\r\n.x\r\n", b"\r\ny\r\n") for m in kept)


def test_octet_by_octet(tireless):
    tireless.forget_messages()
    with tireless.connect() as c:
        for octet in TEXT:
            c.send(bytes([octet]))
        codes = []
        while (reply := c.reply())[0] is not None:
            codes.append(reply[0])
    assert codes == [250, 250, 250, 250, 354, 250,
                     250, 250, 250, 354, 250, 221]
    assert len(tireless.messages()) == 2
