"""SIGKILL of a session in the middle of APPEND, MOVE and EXPUNGE, at the level of
the protocol: another session goes on, nothing is half there, what was answered
holds (CRASH.md's U7 and U8 in the project's words: durable before it is told)."""

import os
import re
import time

import pytest

MAIL = b"From: a@b.test\r\nSubject: %d\r\n\r\nhello\r\n"


def kill(s):
    """Answers what had been sent; unread input may cut that off."""
    os.kill(s.pid, 9)
    assert s.ended() == -9
    told = b""
    try:
        while piece := s.sock.recv(65536):
            told += piece
    except ConnectionResetError:
        pass
    s.close()
    return told


def uids(s, mailbox):
    s.ok(f"SELECT {mailbox}")
    return [int(u) for u in s.ok("UID SEARCH ALL")[0].split()[2:]]


def subjects(s, mailbox):
    s.ok(f"SELECT {mailbox}")
    r = s.ok("FETCH 1:* (BODY.PEEK[])") if uids(s, mailbox) else []
    whole = [re.search(rb"Subject: (\d+)\r\n\r\nhello\r\n\)?", x) for x in r
             if b"FETCH" in x]
    assert all(whole), "a message is cut short"
    return sorted(int(m[1]) for m in whole)


@pytest.mark.parametrize("sent", [0, 1, 20, 42, 44])
def test_append(session, home, sent):
    """Cut after so many octets of the literal: the message is not there."""
    other, s = session(), session()
    text = MAIL % 7
    s.send(b"a APPEND INBOX {%d+}\r\n" % len(text) + text[:sent])
    time.sleep(0.1)
    kill(s)
    assert uids(other, "INBOX") == []
    r = other.ok("APPEND INBOX {}", text)
    assert subjects(other, "INBOX") == [7]
    # a file in tmp/ may be left, and is nobody's message
    assert len(os.listdir(home / "Maildir/tmp")) <= 1


def many(session, n):
    s = session()
    s.ok("CREATE x")
    for i in range(n):
        s.ok("APPEND INBOX (\\Seen) {}", MAIL % i)
    return s


@pytest.mark.parametrize("after_ms", [0, 1, 2, 4, 8, 16, 40, 100])
def test_move(session, after_ms):
    """Each message is in the one place or the other, or in both, never in
    none; with COPYUID told, all are in the other."""
    other = many(session, 60)
    s = session()
    s.ok("SELECT INBOX")
    s.send(b"m MOVE 1:* x\r\n")
    time.sleep(after_ms / 1000)
    told = kill(s)
    here, there = subjects(other, "INBOX"), subjects(other, "x")
    assert set(here) | set(there) == set(range(60))
    assert len(set(here)) == len(here) and len(set(there)) == len(there)
    if b"COPYUID" in told:
        assert there == list(range(60))
    if b"m OK" in told:
        assert here == []
    # and it can be done again
    other.ok("SELECT INBOX")
    if here:
        other.ok("MOVE 1:* x")
    assert uids(other, "INBOX") == []


@pytest.mark.parametrize("after_ms", [0, 1, 2, 4, 8, 16, 40])
def test_expunge(session, after_ms):
    """A part of those that were marked may be gone, no others; a client that
    comes back hears of each."""
    other = many(session, 80)
    other.ok("ENABLE QRESYNC")
    r = other.ok("SELECT INBOX")
    since = int(re.search(rb"HIGHESTMODSEQ (\d+)", b"".join(r))[1])
    validity = int(re.search(rb"UIDVALIDITY (\d+)", b"".join(r))[1])
    other.ok("UNSELECT")
    s = session()
    s.ok("SELECT INBOX")
    s.ok("STORE 1:60 +FLAGS.SILENT (\\Deleted)")
    s.send(b"e EXPUNGE\r\n")
    time.sleep(after_ms / 1000)
    told = kill(s)
    r = other.ok(f"SELECT INBOX (QRESYNC ({validity} {since} 1:80))")
    gone = set()
    for x in r.of("VANISHED"):
        for part in x.split()[-1].decode().split(","):
            a, _, b = part.partition(":")
            gone |= set(range(int(a), int(b or a) + 1))
    left = set(uids(other, "INBOX"))
    assert set(range(61, 81)) <= left
    assert gone == set(range(1, 81)) - left
    if b"e OK" in told:
        assert left == set(range(61, 81))
