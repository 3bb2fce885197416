"""CREATE, DELETE, RENAME, LIST, LSUB, STATUS; APPEND, COPY, MOVE, EXPUNGE."""

import re

MAIL = b"From: a@b.test\nSubject: %d\n\nhello %d\n"


def mail(n):
    return MAIL.replace(b"%d", b"%d" % n)


def names(reply, word="LIST"):
    return {re.search(rb'"\." "?([^"\r]*)"?\r\n', r)[1].decode():
            re.search(rb"\(([^)]*)\)", r)[1].decode()
            for r in reply.of(word)}


def test_list(session):
    s = session()
    for name in ("a.b.c", "a.d", "e", "&AOQ-"):
        s.ok(f"CREATE {name}")
    assert names(s.ok('LIST "" *')) == {
        "INBOX": "\\HasNoChildren", "a": "\\Noselect \\HasChildren",
        "a.b": "\\Noselect \\HasChildren", "a.b.c": "\\HasNoChildren",
        "a.d": "\\HasNoChildren", "e": "\\HasNoChildren",
        "&AOQ-": "\\HasNoChildren"}
    assert set(names(s.ok('LIST "" %'))) == {"INBOX", "a", "e", "&AOQ-"}
    assert set(names(s.ok('LIST a. %'))) == {"a.b", "a.d"}
    assert set(names(s.ok('LIST "" "a*b*"'))) == {"a.b", "a.b.c"}
    assert set(names(s.ok('LIST "" inbox'))) == {"INBOX"}
    assert names(s.ok('LIST "" nothing')) == {}
    assert s.ok('LIST "" ""')[0] == b'* LIST (\\Noselect) "." ""\r\n'
    assert s.ask('LIST "" "%s"' % ("x%" * 300)).status == "NO"


def test_lsub(session):
    s = session()
    s.ok("CREATE a.b")
    s.ok("SUBSCRIBE a.b")
    s.ok("SUBSCRIBE gone")
    assert set(names(s.ok('LSUB "" *'), "LSUB")) == {"a.b", "gone"}
    assert names(s.ok('LSUB "" %'), "LSUB") == {"a": "\\Noselect",
                                                "gone": ""}
    s.ok("UNSUBSCRIBE gone")
    assert set(names(s.ok('LSUB "" *'), "LSUB")) == {"a.b"}


def test_rename(session):
    s = session()
    s.ok("CREATE a.b")
    s.ok("CREATE a")
    s.append(mail(1), "a.b")
    s.ok("RENAME a z")
    assert set(names(s.ok('LIST "" *'))) == {"INBOX", "z", "z.b"}
    assert b"MESSAGES 1" in s.ok("STATUS z.b (MESSAGES)")[0]
    s.append(mail(2))
    s.ok("RENAME INBOX old")
    assert b"MESSAGES 0" in s.ok("STATUS INBOX (MESSAGES)")[0]
    assert b"MESSAGES 1" in s.ok("STATUS old (MESSAGES)")[0]


def test_status(session):
    s = session()
    s.append(mail(1), flags="(\\Seen) ")
    s.append(mail(2))
    r = s.ok("STATUS inbox (MESSAGES UNSEEN UIDNEXT UIDVALIDITY RECENT)")[0]
    assert re.fullmatch(rb'\* STATUS "INBOX" \(MESSAGES 2 RECENT \d+ UIDNEXT 3'
                        rb' UIDVALIDITY \d+ UNSEEN 1\)\r\n', r)


def test_append(session):
    s = session()
    r = s.ok('APPEND INBOX (\\Flagged $x) " 7-Feb-1994 21:52:25 -0800" {}',
             mail(1).replace(b"\n", b"\r\n"))
    assert re.match(r"\[APPENDUID \d+ 1\]", r.text)
    s.ok("SELECT INBOX")
    r = s.ok("FETCH 1 (FLAGS INTERNALDATE)")
    assert b'INTERNALDATE " 8-Feb-1994 05:52:25 +0000"' in r[0]
    assert b"\\Flagged" in r[0] and b"$x" in r[0]
    r = s.append(mail(2))
    assert r.of("EXISTS") == [b"* 2 EXISTS\r\n"]
    assert s.ask("APPEND none {}", b"x").text.startswith("[TRYCREATE]")
    assert s.ask("APPEND INBOX {}", b"").status == "NO"
    assert s.ask("APPEND INBOX {}", b"a\0b").text.startswith("[CANNOT]")
    r = s.ask("APPEND INBOX (\\Seen) {} ", b"x\r\n")
    assert r.status == "BAD"
    assert s.ok("SEARCH ALL")[0] == b"* SEARCH 1 2\r\n"


def test_append_mailbox_as_literal(session):
    s = session()
    s.ok("CREATE {}", b"a b")
    s.ok("APPEND {} {}", b"a b", b"Subject: x\r\n\r\n")
    assert b"MESSAGES 1" in s.ok('STATUS "a b" (MESSAGES)')[0]


def test_append_refused_before_it_is_read(session):
    s = session("append_max = 64K\n")
    s.send(b"a APPEND INBOX {65537}\r\n")
    assert s.response().startswith(b"a NO [TOOBIG]")
    s.send(b"b APPEND none {10}\r\n")
    assert s.response().startswith(b"b NO [TRYCREATE]")
    s.send(b"c APPEND none {10+}\r\n0123456789\r\nd NOOP\r\n")
    assert s.response().startswith(b"c NO [TRYCREATE]")
    assert s.response().startswith(b"d OK")
    s.send(b"e APPEND INBOX {65537+}\r\n")
    assert s.response().startswith(b"* BYE ")
    assert s.file.read() == b""


def test_expunge_and_close(session):
    s = session()
    for n in range(1, 8):
        s.append(mail(n))
    s.ok("SELECT INBOX")
    s.ok("STORE 2,4,6:7 +FLAGS (\\Deleted)")
    r = s.ok("UID EXPUNGE 1:5")
    assert r.of("EXPUNGE") == [b"* 2 EXPUNGE\r\n", b"* 3 EXPUNGE\r\n"]
    r = s.ok("EXPUNGE")
    assert r.of("EXPUNGE") == [b"* 4 EXPUNGE\r\n", b"* 4 EXPUNGE\r\n"]
    assert s.ok("UID SEARCH ALL")[0] == b"* SEARCH 1 3 5\r\n"
    s.ok("STORE 1 +FLAGS (\\Deleted)")
    r = s.ok("CLOSE")
    assert r.of("EXPUNGE") == []
    s.ok("SELECT INBOX")
    assert s.ok("UID SEARCH ALL")[0] == b"* SEARCH 3 5\r\n"
    s.ok("STORE 1 +FLAGS (\\Deleted)")
    s.ok("UNSELECT")
    assert b"* 2 EXISTS\r\n" in s.ok("SELECT INBOX")


def test_copy_and_move(session):
    s = session()
    s.ok("CREATE to")
    for n in range(1, 7):
        s.append(mail(n), flags="(\\Flagged $k) ")
    s.ok("SELECT INBOX")
    r = s.ok("COPY 1,3:4 to")
    assert re.match(r"\[COPYUID \d+ 1,3:4 1:3\]", r.text)
    r = s.ok("UID MOVE 2,5 to")
    assert re.match(rb"\* OK \[COPYUID \d+ 2,5 4:5\]", r[0])
    assert r.of("EXPUNGE") == [b"* 2 EXPUNGE\r\n", b"* 4 EXPUNGE\r\n"]
    assert s.ok("UID SEARCH ALL")[0] == b"* SEARCH 1 3 4 6\r\n"
    s.ok("SELECT to")
    r = s.ok("FETCH 1:* (FLAGS BODY.PEEK[TEXT])")
    assert [re.search(rb"hello (\d)", x)[1] for x in r.of("FETCH")] == [
        b"1", b"3", b"4", b"2", b"5"]
    assert all(b"\\Flagged" in x and b"$k" in x for x in r.of("FETCH"))
    assert s.ok("UID COPY 99 to").of("EXISTS") == []
    r = s.ok("COPY 1 to")
    assert s.ok("NOOP").of("EXISTS") == [b"* 6 EXISTS\r\n"]


def test_store(session):
    s = session()
    s.append(mail(1))
    s.ok("SELECT INBOX")

    def flags(reply):
        m = re.search(rb"FLAGS \(([^)]*)\)", reply.of("FETCH")[0])
        return set(m[1].decode().split()) - {"\\Recent"}

    assert flags(s.ok("STORE 1 FLAGS (\\Seen a B)")) == {"\\Seen", "a", "B"}
    r = s.ok("UID STORE 1 +FLAGS \\Draft A")
    assert flags(r) == {"\\Seen", "\\Draft", "a", "B"}
    assert b"UID 1" in r.of("FETCH")[0]
    assert flags(s.ok("STORE 1 -FLAGS (\\Seen b none)")) == {"\\Draft", "a"}
    assert s.ok("STORE 1 FLAGS.SILENT ($Forwarded)").of("FETCH") == []
    assert flags(s.ok("FETCH 1 FLAGS")) == {"$Forwarded"}
    assert s.ok("SEARCH KEYWORD $forwarded")[0] == b"* SEARCH 1\r\n"
    for n in range(62):
        s.ok(f"STORE 1 +FLAGS (k{n})")
    assert s.ask("STORE 1 +FLAGS (one-too-many)").text.startswith("[LIMIT]")
    want = {"$Forwarded"} | {f"k{n}" for n in range(62)}
    assert flags(s.ok("FETCH 1 FLAGS")) == want
    assert s.ok("SEARCH KEYWORD k61")[0] == b"* SEARCH 1\r\n"
    other = session()  # these are no letters of the file's name
    other.ok("SELECT INBOX")
    assert flags(other.ok("FETCH 1 FLAGS")) == want
    other.ok("STORE 1 -FLAGS.SILENT (k61)")
    assert flags(s.ok("NOOP")) == want - {"k61"}
    assert s.ok("STORE 1 FLAGS ()").status == "OK"


def test_body_sets_seen_and_peek_does_not(session):
    s = session()
    s.append(mail(1))
    s.ok("SELECT INBOX")
    for item in ("BODY.PEEK[]", "RFC822.HEADER", "ENVELOPE", "BODY",
                 "BODYSTRUCTURE", "RFC822.SIZE"):
        assert b"\\Seen" not in b"".join(s.ok(f"FETCH 1 {item}"))
    assert b"FLAGS (" in s.ok("FETCH 1 BODY[TEXT]")[0]
    assert b"\\Seen" in s.ok("FETCH 1 FLAGS")[0]
    s.ok("STORE 1 FLAGS.SILENT ()")
    s.ok("EXAMINE INBOX")
    s.ok("FETCH 1 RFC822")
    assert b"\\Seen" not in s.ok("FETCH 1 FLAGS")[0]
