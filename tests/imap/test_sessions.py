"""Several sessions at one mailbox, IDLE, limits of literals, cut-offs."""

import os
import re
import shutil
import socket
import time

import pytest

from imap.client import wait_for

MAIL = b"From: a@b.test\nSubject: x\n\nhello\n"


def test_others_changes(session):
    a, b = session(), session()
    for _ in range(4):
        a.append(MAIL)
    a.ok("SELECT INBOX")
    b.ok("SELECT INBOX")
    a.ok("STORE 2 +FLAGS (\\Flagged new)")
    r = b.ok("NOOP")
    assert len(r.of("FETCH")) == 1
    assert re.match(rb"\* 2 FETCH \(UID 2 FLAGS \(.*\\Flagged.*new", r.of("FETCH")[0])
    assert b"new" in r.of("FLAGS")[0]
    assert a.ok("NOOP").of("FETCH") == []	# its own doing
    a.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
    a.ok("EXPUNGE")
    a.append(MAIL)
    # RFC 3501 section 7.4.1: no EXPUNGE during FETCH, STORE, SEARCH
    for command in ("FETCH 4 FLAGS", "SEARCH ALL", "STORE 4 +FLAGS (\\Seen)"):
        r = b.ask(command)
        assert r.of("EXPUNGE") == [], command
    assert b.ask("FETCH 1 BODY[]").text.startswith("[EXPUNGEISSUED]")
    assert b.ask("COPY 1 INBOX").text.startswith("[EXPUNGEISSUED]")
    r = b.ok("NOOP")
    assert r.of("EXPUNGE") == [b"* 1 EXPUNGE\r\n", b"* 2 EXPUNGE\r\n"]
    assert b.ok("UID SEARCH ALL")[0] == b"* SEARCH 2 4 5\r\n"
    assert a.ok("UID SEARCH ALL")[0] == b"* SEARCH 2 4 5\r\n"


def test_uid_commands_may_expunge(session):
    a, b = session(), session()
    for _ in range(3):
        a.append(MAIL)
    a.ok("SELECT INBOX")
    b.ok("SELECT INBOX")
    a.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    a.ok("EXPUNGE")
    assert b.ok("UID FETCH 3 FLAGS").of("EXPUNGE") == [b"* 1 EXPUNGE\r\n"]


def test_idle(session):
    a, b = session(), session()
    a.ok("SELECT INBOX")
    a.send(b"i IDLE\r\n")
    assert a.response().startswith(b"+ ")
    b.append(MAIL)
    assert a.response() == b"* 1 EXISTS\r\n"
    got = a.response()
    if got.startswith(b"* 1 RECENT"):
        got = None
    b.ok("SELECT INBOX")
    b.ok("STORE 1 +FLAGS (\\Answered)")
    while True:
        got = got or a.response()
        if b"\\Answered" in got:
            break
        got = None
    b.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    b.ok("EXPUNGE")
    while a.response() != b"* 1 EXPUNGE\r\n":
        pass
    a.send(b"DONE\r\n")
    while not (got := a.response()).startswith(b"i "):
        pass
    assert got.startswith(b"i OK")
    a.send(b"j IDLE\r\n")
    assert a.response().startswith(b"+ ")
    a.send(b"NOOP\r\n")
    assert a.response().startswith(b"j BAD")
    a.ok("NOOP")


def test_idle_without_mailbox(session):
    s = session()
    s.send(b"i IDLE\r\nDONE\r\n")
    assert s.response().startswith(b"+ ")
    assert s.response().startswith(b"i OK")


def test_delivered_from_outside(session, home):
    s = session()
    s.ok("SELECT INBOX")
    s.send(b"i IDLE\r\n")
    assert s.response().startswith(b"+ ")
    with open(home / "Maildir/tmp/x", "wb") as f:
        f.write(MAIL)
    os.chown(home / "Maildir/tmp/x", os.stat(home).st_uid, -1)
    os.rename(home / "Maildir/tmp/x", home / "Maildir/new/x")
    assert s.response() == b"* 1 EXISTS\r\n"
    assert s.response() == b"* 1 RECENT\r\n"


def test_mailbox_deleted_under_it(session):
    a, b = session(), session()
    a.ok("CREATE x")
    a.ok("SELECT x")
    b.ok("DELETE x")
    a.send(b"n NOOP\r\n")
    assert a.response().startswith(b"* BYE ")
    assert a.file.read() == b""
    b.ok("NOOP")	# the other goes on


def test_own_mailbox_deleted(session):
    s = session()
    s.ok("CREATE x")
    s.ok("SELECT x")
    s.ok("DELETE x")
    assert s.ask("CHECK").status == "BAD"


def test_index_deleted_meanwhile(session, home):
    s = session()
    for _ in range(3):
        s.append(MAIL)
    s.ok("SELECT INBOX")
    before = s.ok("FETCH 1:* (UID ENVELOPE BODYSTRUCTURE RFC822.SIZE)")
    for f in (home / "index").iterdir():
        f.unlink()
    after = s.ok("FETCH 1:* (UID ENVELOPE BODYSTRUCTURE RFC822.SIZE)")
    assert list(before) == list(after)


LITERALS = [
    (b"{65537}", "NO wait"), (b"{4294967295}", "NO wait"),
    (b"{4294967296}", "NO wait"), (b"{99999999999999999999}", "NO wait"),
    (b"{65537+}", "BYE"), (b"{4294967296+}", "BYE"),
]


@pytest.mark.parametrize("literal,want", LITERALS)
def test_literal_limits(session, literal, want):
    s = session()
    s.send(b"a SELECT " + literal + b"\r\n")
    got = s.response()
    if want == "BYE":
        assert got.startswith(b"* BYE ")
        assert s.file.read() == b""
    else:	# refused before it is read: the next line is a command
        assert got.startswith(b"a BAD [TOOBIG]")
        s.ok("NOOP")


def test_command_too_long(session):
    s = session()
    s.send(b"a SELECT " + b"x" * 70000)
    assert s.response().startswith(b"* BYE ")
    assert s.file.read() == b""


def test_unfinished_literals_add_up(session):
    s = session()
    s.send(b"a RENAME")
    for _ in range(70):
        try:
            s.send(b" {1000+}\r\n" + b"y" * 1000)
        except (BrokenPipeError, ConnectionResetError):
            break
    got = s.file.read()
    assert got.startswith(b"* BYE ")


DIALOGUE = (b"a SELECT INBOX\r\nb APPEND INBOX (\\Seen) {12+}\r\nSubject: x"
            b"\r\n\r\nc FETCH 1:* (FLAGS BODY[])\r\nd IDLE\r\nDONE\r\n"
            b"e STORE 1 +FLAGS (\\Deleted)\r\nf LOGOUT\r\n")


def test_cut_after_every_byte(session, home):
    """The process ends by itself, nothing half done is left behind."""
    for n in range(0, len(DIALOGUE), 3):
        s = session()
        s.send(DIALOGUE[:n])
        s.sock.shutdown(socket.SHUT_WR)
        s.file.read()
        assert s.ended() == 0, n
        assert list((home / "Maildir/tmp").iterdir()) == []
        s.close()
    s = session()
    s.ok("SELECT INBOX")
    for r in s.ok("FETCH 1:* BODY.PEEK[]").of("FETCH"):
        assert r.endswith(b"{12}\r\nSubject: x\r\n)\r\n")


def test_octet_by_octet(session):
    s = session()
    for i in range(len(DIALOGUE)):
        s.send(DIALOGUE[i:i + 1])
        time.sleep(0.0005)
    got = s.file.read()
    for tag in b"abcdef":
        assert b"\r\n%c OK " % tag in got, got


def test_idle_memory(session):
    s = session()
    for _ in range(20):
        s.append(MAIL * 100)
    s.ok("SELECT INBOX")
    s.ok("FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[])")
    s.ok("SEARCH TEXT hello")
    os.sync()

    def dirty():
        with open(f"/proc/{s.pid}/smaps_rollup") as f:
            return int(re.search(r"Private_Dirty:\s+(\d+)", f.read())[1])

    if os.environ.get("BULKHEAD_SANITIZE"):
        pytest.skip("a sanitizer build has memory of its own")
    wait_for(lambda: dirty() <= 400)


def test_the_index_goes_while_ten_look(session, home):
    """index/ is deleted, directory and all, while ten sessions have the mailbox
    open: none of them sees anything of it, and what the others change is right."""
    first = session()
    for n in range(20):
        first.append(MAIL)
    sessions = [first] + [session() for _ in range(9)]
    for s in sessions:
        s.ok("SELECT INBOX")
    what = "FETCH 1:20 (UID RFC822.SIZE ENVELOPE)"
    before = first.ok(what).of("FETCH")
    assert len(before) == 20
    for turn, s in enumerate(sessions):
        shutil.rmtree(home / "index")
        s.ok(f"STORE {turn + 1} +FLAGS (\\Flagged)")
        for other in sessions:
            r = other.ok("NOOP")
            assert r.of("EXPUNGE") == [] and r.of("EXISTS") == []
            assert other.ok(what).of("FETCH") == before
            r = other.ok(f"FETCH {turn + 1} (FLAGS)")
            assert b"\\Flagged" in r.of("FETCH")[0]
    late = session()
    late.ok("SELECT INBOX")
    assert late.ok(what).of("FETCH") == before
