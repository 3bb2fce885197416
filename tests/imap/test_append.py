"""MULTIAPPEND, REPLACE, APPENDLIMIT and messages that are no lines."""

import base64
import os
import quopri
import re
import socket

import pytest

from imap.client import wait_for

MAIL = b"From: a@b.test\r\nSubject: %d\r\n\r\nhello %d\r\n"


def mail(n):
    return MAIL.replace(b"%d", b"%d" % n)


def subjects(s, mailbox="INBOX"):
    s.ok(f"EXAMINE {mailbox}")
    r = s.ok("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]")
    s.ok("UNSELECT")
    return [int(re.search(rb"Subject: (\d+)", x)[1]) for x in r.of("FETCH")]


def files(home):
    return [f for d in ("tmp", "new", "cur")
            for f in os.listdir(home / "Maildir" / d)]


def test_several_at_once(session):
    s = session()
    s.append(mail(1))
    s.ok("SELECT INBOX")
    r = s.ask('APPEND INBOX (\\Seen) {} (\\Flagged $k) '
              '" 7-Feb-1994 22:43:04 -0800" {} {}', mail(2), mail(3), mail(4))
    assert re.match(r"\[APPENDUID \d+ 2:4\] ", r.text), r.text
    assert r.of("EXISTS") == [b"* 4 EXISTS\r\n"]
    r = s.ok("FETCH 2:4 (UID FLAGS INTERNALDATE BODY.PEEK[TEXT])")
    assert [re.search(rb"hello (\d)", x)[1] for x in r.of("FETCH")] == [
        b"2", b"3", b"4"]
    assert b"\\Seen" in r[0] and b"\\Flagged" not in r[0]
    assert b"$k" in r[1] and b'" 8-Feb-1994 06:43:04 +0000"' in r[1]


def test_all_or_none(session, home):
    s = session("append_max = 64K\n")
    s.append(mail(1))
    before = files(home)
    # cancelled (RFC 3502), too large, a NUL, a wrong flag, no message at all
    for rest, literals, want in [
            (" {}", [b""], "NO"), (" {}", [bytes(70000)], "NO"),
            (" {}", [b"a\0b"], "NO"), (" (\\Recent) {}", [b"x"], "BAD"),
            (" (\\Seen)", [], "BAD"), (" x", [], "BAD"), (" ", [], "BAD"),
            (" {} {}", [mail(3), b"\0"], "NO")]:
        r = s.ask("APPEND INBOX {}" + rest, mail(2), *literals)
        assert r.status == want, (rest, r.text)
        assert files(home) == before, rest
        s.ok("NOOP")
    assert subjects(s) == [1]


def test_pipelined(session):
    s = session("append_max = 64K\n")
    s.send(b"a APPEND INBOX {%d+}\r\n%b {%d+}\r\n%b\r\nb NOOP\r\n" %
           (len(mail(1)), mail(1), len(mail(2)), mail(2)))
    assert s.response().startswith(b"a OK [APPENDUID")
    assert s.response().startswith(b"b OK")
    # refused with the first; what was sent behind it is read past
    s.send(b"c APPEND none {5+}\r\nabcde {%d+}\r\n%b (\\Bad) {3+}\r\na c\r\n"
           b"d NOOP\r\n" % (len(mail(2)), mail(2)))
    assert s.response().startswith(b"c NO [TRYCREATE]")
    assert s.response().startswith(b"d OK")
    # refused with the second
    s.send(b"e APPEND INBOX {5+}\r\nabcde (\\Bad) {3+}\r\na c {1+}\r\nx\r\n"
           b"f NOOP\r\n")
    assert s.response().startswith(b"e BAD")
    assert s.response().startswith(b"f OK")
    assert subjects(s) == [1, 2]
    s.send(b"g APPEND INBOX {5+}\r\nabcde {65537+}\r\n")
    assert s.response().startswith(b"* BYE ")
    assert s.file.read() == b""
    assert subjects(session()) == [1, 2]


def test_cut_off(session, home):
    s = session()
    s.send(b"a APPEND INBOX {5}\r\n")
    assert s.response().startswith(b"+")
    s.send(b"abcde {10}\r\n")
    assert s.response().startswith(b"+")
    s.send(b"01234")
    s.sock.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: files(home) == [])
    # killed in the middle: what is left in tmp/ is no message
    other = session()
    other.send(b"a APPEND INBOX {5}\r\n")
    assert other.response().startswith(b"+")
    other.send(b"abcde {10}\r\n")
    assert other.response().startswith(b"+")
    other.close()
    assert subjects(session()) == []


def test_many(session):
    s = session()
    n = 1100    # the flags of all of them would be more than 1 MiB
    r = s.ask("APPEND INBOX" + " (\\Seen) {}" * n, *[mail(i) for i in range(n)])
    assert r.status == "OK" and r.text.startswith("[APPENDUID")
    assert subjects(s) == list(range(n))


def test_replace_tells_highestmodseq(session):
    """It expunges, so with QRESYNC the answer says up to where (RFC 7162
    section 3.2.7)."""
    s = session()
    s.append(mail(1))
    s.ok("ENABLE QRESYNC")
    s.ok("SELECT INBOX")
    r = s.ok("REPLACE 1 INBOX {}", mail(2))
    assert r.of("VANISHED") == [b"* VANISHED 1\r\n"]
    assert re.match(r"\[HIGHESTMODSEQ \d+\] ", r.text), r.text


def test_append_limit(session):
    s = session("append_max = 100K\n")
    assert b" APPENDLIMIT=102400" in s.ok("CAPABILITY")[0]
    assert s.ok("STATUS INBOX (APPENDLIMIT)")[0] == (
        b'* STATUS "INBOX" (APPENDLIMIT 102400)\r\n')
    r = s.ok('LIST "" INBOX RETURN (STATUS (APPENDLIMIT))')
    assert r[1] == b'* STATUS "INBOX" (APPENDLIMIT 102400)\r\n'
    s.ok("APPEND INBOX {}", b"x" * 102400)
    s.send(b"x APPEND INBOX {102401}\r\n")
    assert s.response().startswith(b"x NO [TOOBIG]")


# ---- REPLACE (RFC 8508)

def test_replace(session):
    s = session()
    for n in range(1, 4):
        s.append(mail(n), flags="(\\Flagged) ")
    s.ok("SELECT INBOX")
    r = s.ask("REPLACE 2 INBOX (\\Seen) {}", mail(7))
    assert r.status == "OK", r.text
    kinds = [x.split()[1:3] for x in r]
    assert kinds.index([b"OK", b"[APPENDUID"]) == 0
    assert r.of("EXPUNGE") == [b"* 2 EXPUNGE\r\n"]
    assert [x for x in r if b"EXISTS" in x][-1] in (
        b"* 4 EXISTS\r\n", b"* 3 EXISTS\r\n")
    r = s.ok("FETCH 3 (UID FLAGS)")
    assert b"UID 4" in r[0] and b"\\Flagged" not in r[0]
    assert subjects(s) == [1, 3, 7]


def test_uid_replace_into_another(session):
    s = session()
    s.ok("CREATE Sent")
    s.append(mail(1))
    s.append(mail(2))
    s.ok("SELECT INBOX")
    r = s.ask("UID REPLACE 1 Sent {}", mail(9))
    assert r.status == "OK" and r.of("EXPUNGE") == [b"* 1 EXPUNGE\r\n"]
    assert re.match(rb"\* OK \[APPENDUID \d+ 1\]", r[0])
    assert subjects(s) == [2] and subjects(s, "Sent") == [9]


def test_replace_refused(session):
    s = session()
    s.append(mail(1))
    s.send(b"a REPLACE 1 INBOX {3}\r\n")
    assert s.response().startswith(b"a BAD")
    s.send(b"b REPLACE 1 INBOX {3+}\r\nabc\r\n")
    assert s.response().startswith(b"b BAD")
    s.ok("SELECT INBOX")
    for command, want in [
            ("REPLACE 2 INBOX", "BAD"), ("UID REPLACE 99 INBOX", "NO"),
            ("REPLACE 1 none", "NO"), ("REPLACE 1:2 INBOX", "BAD"),
            ("REPLACE 0 INBOX", "BAD"), ("REPLACE 1 INBOX (\\Recent)", "BAD")]:
        assert s.ask(command + " {}", b"x").status == want, command
    assert s.ask("REPLACE 1 INBOX {}", b"").status == "NO"
    # one message for one
    assert s.ask("REPLACE 1 INBOX {} {}", mail(2), mail(3)).status == "BAD"
    s.ok("EXAMINE INBOX")
    assert s.ask("REPLACE 1 INBOX {}", b"x").status == "NO"
    s.ok("UNSELECT")
    assert subjects(s) == [1]


def test_replace_what_another_session_removed(session):
    s, other = session(), session()
    s.append(mail(1))
    s.append(mail(2))
    s.ok("SELECT INBOX")
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    r = s.ask("REPLACE 1 INBOX {}", mail(3))
    assert r.status in ("OK", "NO") and r.of("EXPUNGE") == [
        b"* 1 EXPUNGE\r\n"]
    assert 2 in subjects(s)


# ---- literal8 (RFC 3516)

def append8(s, message, mailbox="INBOX", plus=b""):
    s.tags += 1
    tag = f"t{s.tags}"
    s.send(b"%b APPEND %b ~{%d%b}\r\n" %
           (tag.encode(), mailbox.encode(), len(message), plus))
    if not plus:
        got = s.response()
        assert got.startswith(b"+"), got
    s.send(message + b"\r\n")
    return s.finish(tag, [], s.response())


def test_literal8_of_lines_stays_as_it_is(session):
    s = session()
    message = (b"Content-Type: text/plain; charset=utf-8\r\n"
               b"Content-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa4\r\n" +
               b"x" * 2000)
    assert append8(s, message).status == "OK"
    assert append8(s, message, plus=b"+").status == "OK"
    s.ok("SELECT INBOX")
    for n in (1, 2):
        assert s.literal(f"FETCH {n} BODY.PEEK[]", "BODY[]") == message


def test_binary_parts_lose_nothing(session):
    content = bytes(range(256)) * 50 + b"\n\r\r\n\0"
    text = b"one\ntwo\r\nthree\0"
    message = (
        b"Subject: binary\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n"
        b"--b\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n" + content +
        b"\r\n--b\r\nContent-Type: text/plain\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n" + text +
        b"\r\n--b\r\n\r\nplain\r\n--b--\r\n")
    s = session()
    assert append8(s, message).status == "OK"
    s.ok("SELECT INBOX")
    assert base64.b64decode(
        s.literal("FETCH 1 BODY.PEEK[1]", "BODY[1]")) == content
    got = s.literal("FETCH 1 BODY.PEEK[2]", "BODY[2]")
    assert quopri.decodestring(got).replace(b"\r\n", b"\n") == \
        text.replace(b"\r\n", b"\n")
    assert s.literal("FETCH 1 BODY.PEEK[3]", "BODY[3]") == b"plain"
    head = s.literal("FETCH 1 BODY.PEEK[HEADER]", "BODY[HEADER]")
    assert b"Subject: binary\r\n" in head and b"binary\r\n\r\n" not in head
    whole = s.literal("FETCH 1 BODY.PEEK[]", "BODY[]")
    assert b"\0" not in whole and b"\x80" not in whole


@pytest.mark.parametrize("message", [
    b"Subject: a\0b\r\n\r\nx\r\n",
    b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n"
    b"a\0b\r\n--b--\r\n",
    b"Content-Transfer-Encoding: base64\r\n\r\na\0b\r\n"],
    ids=["header", "signed", "encoded"])
def test_binary_that_cannot_be_stored(session, home, message):
    s = session()
    r = append8(s, message)
    assert r.status == "NO" and r.text.startswith("[UNKNOWN-CTE]"), r.text
    assert files(home) == []
    s.ok("NOOP")


def test_literal8_among_others_and_elsewhere(session, home):
    s = session()
    s.send(b"a APPEND INBOX {%d+}\r\n%b ~{16+}\r\n\r\n0123456789\0ab\r\n"
           b"b SELECT ~{5+}\r\nINBOX\r\n" % (len(mail(1)), mail(1)))
    assert s.response().startswith(b"a OK [APPENDUID")
    assert s.response().startswith(b"b BAD")
    assert len(files(home)) == 2
