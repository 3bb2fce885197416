"""Greetings, tags, pipelining, and how a session ends."""

import re

MAIL = b"From: a@b.test\nSubject: one\n\nhello\n"

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
