"""Input that is meant to hurt: deep, long, many, cut off."""

import os
import resource
import time

import pytest

MAIL = b"From: a@b.test\nSubject: x\n\nhello\n"


def peak_kib(s):
    with open(f"/proc/{s.pid}/status") as f:
        return int([x for x in f if x.startswith("VmHWM")][0].split()[1])


def small(s):
    if not os.environ.get("BULKHEAD_SANITIZE"):
        assert peak_kib(s) < 64 * 1024


TREES = {
    "huge": "1 " * 20000 + "1",
    "wide": " ".join(["SEEN"] * 10000), "or": "OR 1 " * 8000 + "1",
    "not": "NOT " * 10000 + "SEEN", "deep": "(" * 10000 + "ALL" + ")" * 10000,
    "open": "(" * 10000, "close": ")" * 10000,
    "bushy": "(OR " * 63 + "SEEN SEEN)" + " SEEN)" * 62,
    "numbers": ",".join(str(n) for n in range(1, 10000)),
    "ranges": ",".join("4294967295:1" for _ in range(4000)),
    "uid": " ".join(["UID 1:*"] * 6000), "text": " ".join(["TEXT x"] * 5000),
}


@pytest.mark.parametrize("name", TREES)
def test_search_tree(session, name):
    s = session()
    s.append(MAIL)
    s.ok("SELECT INBOX")
    r = s.ask("SEARCH " + TREES[name])
    want = {"open": "BAD", "close": "BAD", "huge": "NO", "text": "NO"}
    assert r.status == want.get(name, "OK"), r.text
    assert r.status != "NO" or r.text.startswith("[LIMIT]")
    s.ok("NOOP")
    small(s)


def test_tree_says_the_truth(session):
    """One term in thousands decides."""
    s = session()
    for _ in range(3):
        s.append(MAIL)
    s.ok("SELECT INBOX")
    s.ok("STORE 2 +FLAGS (\\Flagged)")
    for tree, want in (("OR SEEN " * 8000 + "FLAGGED", b" 2"),
                       ("OR 9 " * 5000 + "UID 3", b" 3"),
                       ("NOT " * 9999 + "FLAGGED", b" 1 3"),
                       ("UNSEEN " * 9000 + "FLAGGED", b" 2"),
                       ("(" * 9000 + "FLAGGED" + ")" * 9000, b" 2")):
        assert s.ok("SEARCH " + tree) == [b"* SEARCH%b\r\n" % want]


def bomb(session, home, content):
    s = session()
    path = home / "Maildir/tmp/bomb"
    with open(path, "wb") as f:
        for piece in content:
            f.write(piece)
    os.chown(path, os.stat(home).st_uid, -1)
    os.rename(path, home / "Maildir/new/bomb")
    s.ok("SELECT INBOX")
    return s


BOMBS = {
    "parts": lambda: [b"Content-Type: multipart/mixed; boundary=b\n\n",
                      b"--b\n\nx\n" * 100000],
    "levels": lambda: [b"Content-Type: multipart/mixed; boundary=b%d\n\n"
                       b"--b%d\n" % (n, n) for n in range(10000)],
    "messages": lambda: [b"Content-Type: message/rfc822\n\n" * 10000],
    "header": lambda: [b"Subject: x\nX: "] + [b"y" * 1000000] * 100 +
    [b"\n\nz\n"],
    "fields": lambda: [b"X: y\n" * 200000 + b"\nz\n"],
    "parameters": lambda: [b"Content-Type: text/plain",
                           b"; a=b" * 100000, b"\n\nx\n"],
    "addresses": lambda: [b"To: ", b"a@b.test, " * 100000, b"c@d.test\n\nx\n"],
    "comments": lambda: [b"To: " + b"(" * 100000 + b"\n\nx\n"],
}


@pytest.mark.parametrize("name", BOMBS)
def test_mime_bomb(session, home, name):
    """Answered, in memory that is bounded, and the next one is served."""
    s = bomb(session, home, BOMBS[name]())
    for command in ("FETCH 1 (ENVELOPE BODYSTRUCTURE RFC822.SIZE)",
                    "FETCH 1 (BODY.PEEK[1.1.1.1.1.1.1] BODY.PEEK[1.MIME])",
                    "FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
                    "SEARCH SUBJECT nothing", "SEARCH TEXT nothing"):
        r = s.ask(command)
        assert r.status in ("OK", "NO"), (command, r.text)
    small(s)
    s.ok("NOOP")


COMMANDS = [
    b"a FETCH 1 BODY[" + b"1." * 5000 + b"1]", b"a FETCH 1 BODY[HEADER.FIELDS (" +
    b"x " * 10000 + b"y)]", b"a FETCH 1 (" + b"UID " * 10000 + b"FLAGS)",
    b"a STORE 1 FLAGS (" + b"k " * 10000 + b"k)", b"a ENABLE" + b" X" * 20000,
    b"a ID (" + b'"a" "b" ' * 5000 + b")", b"a SELECT x (QRESYNC (1 1 " +
    b"1:2," * 10000 + b"3))", b"a SELECT x (CONDSTORE" + b" CONDSTORE" * 5000,
    b"a" * 60000 + b" NOOP", b"a \x00\x01\x02\xff", b"a NOOP\x00", b"\xff\xfe NOOP",
    b"a UID UID UID NOOP", b"a SEARCH RETURN (" + b"MIN " * 10000 + b"MAX) ALL",
    b"a LIST \"\" " + b"*%" * 200, b"a STATUS x (" + b"UNSEEN " * 9000 + b")",
    b"a APPEND x (" + b"\\Seen " * 9000 + b") {5+}\r\nhello",
]


@pytest.mark.parametrize("n", range(len(COMMANDS)))
def test_malformed(session, n):
    s = session()
    s.append(MAIL)
    s.ok("SELECT INBOX")
    s.send(COMMANDS[n] + b"\r\nz NOOP\r\n")
    got = b""
    while not got.startswith(b"z "):
        got = s.response()
        assert got != b"", "the connection ended"
    assert got.startswith(b"z OK")
    small(s)


def test_literals_that_add_up(session):
    s = session()
    s.send(b"a SEARCH OR TEXT {60000}\r\n")
    assert s.response().startswith(b"+ ")
    s.send(b"x" * 60000 + b" TEXT {60000}\r\n")
    assert s.response().startswith(b"a BAD [TOOBIG]")
    s.ok("NOOP")
    small(s)


def test_slow_client_holds_up_nobody(session):
    """One that does not read its response, and one that sends half a command."""
    slow, half, s = session(), session(), session()
    for _ in range(3):
        s.append(MAIL * 20000)
    slow.ok("SELECT INBOX")
    slow.send(b"f FETCH 1:* BODY.PEEK[]\r\n" * 20)
    half.send(b"h SELECT INB")
    s.ok("SELECT INBOX")
    s.ok("STORE 1:* +FLAGS (\\Seen)")
    s.ok("STORE 2 +FLAGS (\\Deleted)")
    s.ok("EXPUNGE")
    assert slow.running() and half.running()
    half.send(b"OX\r\n")
    while not (r := half.response()).startswith(b"h "):
        assert r != b""
    assert r.startswith(b"h OK")
