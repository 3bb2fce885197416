"""INPROGRESS (RFC 9585): a long command says how far it is."""

import re

MAIL = b"From: a@b.test\nSubject: x\n\n" + b"nothing to be found here\n" * 320000


def test_long_search(session):
    s = session("progress_interval = 1s\n")
    s.append(MAIL)
    s.ok("SELECT INBOX")
    for _ in range(6):	# the copies share one file
        s.ok("COPY 1:* INBOX")
        s.ok("NOOP")
    s.send(b"long.tag SEARCH TEXT zzz\r\n")
    got = s.response()
    m = re.fullmatch(rb'\* OK \[INPROGRESS \("long\.tag" (\d+) (\d+)\)\] .*\r\n',
                     got)
    assert m, got
    assert 0 < int(m[1]) <= int(m[2]) == 64


def test_short_commands_say_nothing(session):
    s = session("progress_interval = 1s\n")
    s.append(b"a: b\n\nc\n")
    s.ok("SELECT INBOX")
    for command in ("SEARCH ALL", "STORE 1 +FLAGS (\\Seen)", "COPY 1 INBOX"):
        assert not any(b"INPROGRESS" in r for r in s.ok(command))
