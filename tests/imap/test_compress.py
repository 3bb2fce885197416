"""COMPRESS=DEFLATE (RFC 4978)."""

import io
import re
import socket
import zlib

import pytest

from imap.client import wait_for


class Deflated(io.RawIOBase):
    """What the client reads: the socket, inflated."""

    def __init__(self, sock):
        self.sock, self.z, self.left = sock, zlib.decompressobj(-15), b""

    def readable(self):
        return True

    def readinto(self, to):
        while not self.left:
            data = self.sock.recv(65536)
            if not data:
                return 0
            self.left = self.z.decompress(data)
        n = min(len(to), len(self.left))
        to[:n], self.left = self.left[:n], self.left[n:]
        return n


def compress(s):
    s.ok("COMPRESS DEFLATE")
    s.file = io.BufferedReader(Deflated(s.sock))
    s.z = zlib.compressobj(6, zlib.DEFLATED, -15)
    plain = s.sock.sendall

    def send(data):
        data = data if isinstance(data, bytes) else data.encode()
        plain(s.z.compress(data) + s.z.flush(zlib.Z_SYNC_FLUSH))

    s.send, s.raw = send, plain
    return s


def test_a_session(session):
    s = session()
    s.append(b"Subject: before\n\nbody\n")
    compress(s)
    for n in range(200):
        s.append(b"Subject: %d\n\n" % n + b"line\n" * n)
    s.ok("SELECT INBOX")
    r = s.ok("FETCH 1:* (FLAGS ENVELOPE BODY.PEEK[])")
    assert len(r.of("FETCH")) == 201
    assert b"line\r\n" * 199 in r.of("FETCH")[200]
    # commands in one piece, and one octet at a time
    s.send(b"x NOOP\r\ny NOOP\r\n")
    assert s.response().startswith(b"x OK")
    assert s.response().startswith(b"y OK")
    for c in b"z NOOP\r\n":
        s.send(bytes([c]))
    assert s.response().startswith(b"z OK")
    s.send(b"i IDLE\r\n")
    assert s.response().startswith(b"+")
    s.send(b"DONE\r\n")
    assert s.response().startswith(b"i OK")
    assert s.ok("LOGOUT").of("BYE")
    assert s.file.read() == b""


def test_refused_twice_and_others(session):
    s = session()
    for bad in ("COMPRESS", "COMPRESS GZIP", "COMPRESS DEFLATE x"):
        assert s.ask(bad).status == "BAD"
    assert b" COMPRESS=DEFLATE" in s.ok("CAPABILITY")[0]
    compress(s)
    r = s.ask("COMPRESS DEFLATE")
    assert r.status == "BAD" and "COMPRESSIONACTIVE" in r.text
    s.ok("NOOP")


def test_behind_a_long_answer_that_waits(session):
    """The answer to COMPRESS leaves in clear, however much is before it."""
    s = session()
    s.append(b"Subject: x\n\n" + b"0123456789abcde\n" * 200000)
    s.ok("SELECT INBOX")
    s.send(b"a FETCH 1 BODY.PEEK[]\r\nb COMPRESS DEFLATE\r\n")
    assert s.response().endswith(b")\r\n")
    assert s.response().startswith(b"a OK")
    assert s.response().startswith(b"b OK")
    s.file = io.BufferedReader(Deflated(s.sock))
    z = zlib.compressobj(6, zlib.DEFLATED, -15)
    s.sock.sendall(z.compress(b"c NOOP\r\n") + z.flush(zlib.Z_SYNC_FLUSH))
    assert s.response().startswith(b"c OK")


def test_clear_text_behind_the_command_is_not_used(session):
    """Octets that came in clear are never taken for a command."""
    s = session()
    s.send(b"a COMPRESS DEFLATE\r\nb CREATE stolen\r\n")
    assert s.response().startswith(b"a OK")
    s.file = io.BufferedReader(Deflated(s.sock))
    z = zlib.compressobj(6, zlib.DEFLATED, -15)
    s.sock.sendall(z.compress(b'c LIST "" *\r\n') + z.flush(zlib.Z_SYNC_FLUSH))
    try:
        r = s.response() + s.response()
    except (AssertionError, OSError, zlib.error):
        r = b""
    assert b"stolen" not in r


@pytest.mark.parametrize("junk", [b"a NOOP\r\n\xff\xff\xff", b"\x00" * 50,
                                  b"\xff" * 50])
def test_nonsense_ends_the_session(session, junk):
    s = compress(session())
    s.ok("NOOP")
    s.raw(junk)
    s.sock.shutdown(socket.SHUT_WR)
    while s.sock.recv(65536):
        pass
    wait_for(lambda: "session-ended" in s.log())


def memory(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1])


def test_bombs(session):
    """A command, a literal and a message of nothing but blanks."""
    s = compress(session("append_max = 64K\n"))
    s.send(b"a " + b" " * 10_000_000)
    assert s.response().startswith(b"* BYE a command is too long")
    s = compress(session("append_max = 64K\n"))
    s.send(b"a APPEND INBOX {99999999+}\r\n" + b" " * 10_000_000)
    assert s.response().startswith(b"* BYE ")
    s = compress(session())
    before = memory(s.pid)
    s.ok("APPEND INBOX {}", b"\r\n" * 30_000_000)
    assert memory(s.pid) - before < 8000
    s.ok("NOOP")


def test_a_stream_that_the_client_ends(session):
    s = compress(session())
    s.raw(s.z.compress(b"a NOOP\r\n") + s.z.flush(zlib.Z_FINISH))
    assert s.response().startswith(b"a OK")
    wait_for(lambda: "session-ended" in s.log())
