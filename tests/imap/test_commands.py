"""Each command in each state, and what is wrong with it: OK, NO or BAD."""

import re

import pytest

MAIL = b"From: a@b.test\nSubject: one\n\nhello\n"

# command, answer without a mailbox, with one, with one opened by EXAMINE
TABLE = [
    ("CAPABILITY", "OK", "OK", "OK"), ("NOOP", "OK", "OK", "OK"),
    ("CAPABILITY x", "BAD", "BAD", "BAD"), ("FOO", "BAD", "BAD", "BAD"),
    ("ID NIL", "OK", "OK", "OK"), ('ID ("name" "x")', "OK", "OK", "OK"),
    ("ID", "BAD", "BAD", "BAD"), ("NAMESPACE", "OK", "OK", "OK"),
    ("LOGIN a b", "BAD", "BAD", "BAD"), ("STARTTLS", "BAD", "BAD", "BAD"),
    ("AUTHENTICATE PLAIN", "BAD", "BAD", "BAD"),
    ("SELECT INBOX", "OK", "OK", "OK"), ("select inbox", "OK", "OK", "OK"),
    ("EXAMINE INBOX", "OK", "OK", "OK"), ("SELECT none", "NO", "NO", "NO"),
    ("SELECT ../etc", "NO", "NO", "NO"), ("SELECT", "BAD", "BAD", "BAD"),
    ('SELECT "a..b"', "NO", "NO", "NO"), ("SELECT a/b", "NO", "NO", "NO"),
    ("CREATE INBOX", "NO", "NO", "NO"), ("CREATE here", "NO", "NO", "NO"),
    ("CREATE new", "OK", "OK", "OK"), ("CREATE new.", "OK", "OK", "OK"),
    ("CREATE &AAA-", "NO", "NO", "NO"), ("DELETE none", "NO", "NO", "NO"),
    ("DELETE INBOX", "NO", "NO", "NO"), ("DELETE here", "OK", "OK", "OK"),
    ("RENAME here there", "OK", "OK", "OK"),
    ("RENAME none there", "NO", "NO", "NO"),
    ("RENAME here here.below", "NO", "NO", "NO"),
    ("RENAME here", "BAD", "BAD", "BAD"),
    ("SUBSCRIBE here", "OK", "OK", "OK"),
    ("UNSUBSCRIBE here", "OK", "OK", "OK"),
    ('LIST "" ""', "OK", "OK", "OK"), ('LIST "" *', "OK", "OK", "OK"),
    ("LIST", "BAD", "BAD", "BAD"), ('LSUB "" *', "OK", "OK", "OK"),
    ("STATUS INBOX (MESSAGES)", "OK", "OK", "OK"),
    ("STATUS none (MESSAGES)", "NO", "NO", "NO"),
    ("STATUS INBOX ()", "BAD", "BAD", "BAD"),
    ("STATUS INBOX (FOO)", "BAD", "BAD", "BAD"),
    ("APPEND INBOX", "BAD", "BAD", "BAD"),
    ("CHECK", "BAD", "OK", "OK"), ("CLOSE", "BAD", "OK", "OK"),
    ("UNSELECT", "BAD", "OK", "OK"), ("EXPUNGE", "BAD", "OK", "NO"),
    ("UID EXPUNGE 1", "BAD", "OK", "NO"), ("UID NOOP", "BAD", "BAD", "BAD"),
    ("SEARCH ALL", "BAD", "OK", "OK"), ("SEARCH", "BAD", "BAD", "BAD"),
    ("SEARCH CHARSET X-NO ALL", "NO", "NO", "NO"),
    ("UID SEARCH ALL", "BAD", "OK", "OK"),
    ("FETCH 1 FLAGS", "BAD", "OK", "OK"), ("FETCH 2 FLAGS", "BAD", "BAD", "BAD"),
    ("FETCH 1:* FLAGS", "BAD", "OK", "OK"), ("FETCH 7:* FLAGS", "BAD", "OK", "OK"),
    ("FETCH 0 FLAGS", "BAD", "BAD", "BAD"), ("FETCH 1 FOO", "BAD", "BAD", "BAD"),
    ("UID FETCH 99 FLAGS", "BAD", "OK", "OK"),
    ("STORE 1 FLAGS (\\Seen)", "BAD", "OK", "NO"),
    ("STORE 1 +FLAGS.SILENT (\\Seen $x)", "BAD", "OK", "NO"),
    ("STORE 1 FLAGS (\\Recent)", "BAD", "BAD", "BAD"),
    ("STORE 2 FLAGS ()", "BAD", "BAD", "BAD"),
    ("UID STORE 1 -FLAGS (\\Seen)", "BAD", "OK", "NO"),
    ("COPY 1 here", "BAD", "OK", "OK"), ("COPY 1 none", "BAD", "NO", "NO"),
    ("UID COPY 1 here", "BAD", "OK", "OK"), ("MOVE 1 here", "BAD", "OK", "NO"),
    ("UID MOVE 1 here", "BAD", "OK", "NO"),
]


@pytest.mark.parametrize("state", range(3), ids=["none", "select", "examine"])
def test_states(session, state):
    s = session()
    for row in TABLE:
        s.ask("UNSELECT")
        for name in ("here", "new", "there"):
            s.ask(f"DELETE {name}")
        s.ok("CREATE here")
        s.ok("SELECT INBOX")
        s.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        s.ok("CLOSE")
        s.append(MAIL)
        if state > 0:
            s.ok(("SELECT", "EXAMINE")[state - 1] + " INBOX")
        r = s.ask(row[0])
        want = row[1 + state]
        # a syntax error is BAD in any state, a wrong charset is one, too
        assert r.status == want, (row, r.text)


def test_greeting_and_logout(session):
    s = session()
    assert s.greeting.startswith(b"t0 OK [CAPABILITY IMAP4rev1 ")
    r = s.ok("CAPABILITY")
    words = r[0].split()[2:]
    for word in (b"IDLE", b"UIDPLUS", b"MOVE", b"UNSELECT", b"LITERAL+",
                 b"NAMESPACE", b"ID", b"CHILDREN"):
        assert word in words
    r = s.ok("LOGOUT")
    assert r[0].startswith(b"* BYE ")
    assert s.file.read() == b""
    assert s.ended() == 0


def test_no_tag(session):
    s = session()
    s.send(b"\r\n")
    assert s.response().startswith(b"* BAD ")
    s.send(b"{3}\r\nabc\r\n")
    assert s.response().startswith(b"+ ")
    assert s.response().startswith(b"* BAD ")
    s.ok("NOOP")


def test_pipelined(session):
    s = session()
    s.append(MAIL)
    s.send(b"a1 SELECT INBOX\r\na2 FETCH 1 BODY.PEEK[TEXT]\r\n"
           b"a3 SEARCH ALL\r\na4 UNSELECT\r\n")
    got = []
    while not (got and got[-1].startswith(b"a4 ")):
        got.append(s.response())
    order = [g[:2] for g in got if g[:1] == b"a"]
    assert order == [b"a1", b"a2", b"a3", b"a4"]


def test_many_bad_commands_end_it(session):
    s = session()
    s.send(b"x y\r\n" * 60)
    got = s.file.read()
    assert got.count(b" BAD ") == 50 and got.splitlines()[-1].startswith(
        b"* BYE ")


def test_stop(session):
    s = session()
    s.stop()
    assert s.response().startswith(b"* BYE ")
    s.sock.close()
    assert s.ended() == 0


def test_select_responses(session):
    s = session()
    s.append(MAIL, flags="(\\Seen $Label1) ")
    s.append(MAIL)
    r = s.ok("SELECT INBOX")
    assert r.text.startswith("[READ-WRITE]")
    text = b"".join(r)
    assert b"* 2 EXISTS\r\n" in text and b"* OK [UNSEEN 2]" in text
    assert re.search(rb"\* FLAGS \(.*\\Seen.*\$Label1\)\r\n", text)
    assert re.search(rb"\[PERMANENTFLAGS \(.*\\\*\)\]", text)
    assert b"[UIDNEXT 3]" in text
    r = s.ok("EXAMINE INBOX")
    assert r.text.startswith("[READ-ONLY]")
    assert b"[PERMANENTFLAGS ()]" in b"".join(r)


def test_failed_select_leaves_no_mailbox(session):
    s = session()
    s.ok("SELECT INBOX")
    assert s.ask("SELECT none").status == "NO"
    assert s.ask("CHECK").status == "BAD"
