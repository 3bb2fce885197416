"""IMAP4rev2 (RFC 9051): what is another after ENABLE IMAP4rev2, and that
without it nothing is."""

import re

import pytest

MAIL = b"From: a@b.test\nSubject: x\n\nhello\n"
NFC, NFD = "Entw\u00fcrfe", "Entwu\u0308rfe"


def rev2(s):
    assert s.ok("ENABLE IMAP4rev2")[0] == b"* ENABLED IMAP4rev2\r\n"
    return s


def test_announced(session):
    s = session()
    words = s.ok("CAPABILITY")[0].split()
    assert words[2:4] == [b"IMAP4rev1", b"IMAP4rev2"]
    # what it has in it is announced to clients of IMAP4rev1 (appendix A)
    for word in (b"NAMESPACE", b"UNSELECT", b"UIDPLUS", b"ESEARCH",
                 b"SEARCHRES", b"ENABLE", b"IDLE", b"LIST-EXTENDED",
                 b"LIST-STATUS", b"MOVE", b"LITERAL+", b"BINARY", b"CHILDREN",
                 b"SPECIAL-USE", b"STATUS=SIZE"):
        assert word in words, word
    rev2(s)
    assert s.ok("CAPABILITY")[0].split() == words


def test_select(session):
    """LIST comes (section 6.3.2); RECENT and UNSEEN do not (appendix E)."""
    s = rev2(session())
    s.ok("CREATE a.b")
    s.ok("CREATE Out (USE (\\Sent))")
    s.append(MAIL)
    r = s.ok("SELECT INBOX")
    text = b"".join(r)
    assert b'* LIST (\\HasNoChildren) "." "INBOX"\r\n' in r
    for code in (b"[PERMANENTFLAGS ", b"[UIDVALIDITY ", b"[UIDNEXT ",
                 b"* FLAGS (", b"* 1 EXISTS"):
        assert code in text
    assert b"RECENT" not in text and b"UNSEEN" not in text
    r = s.ok("EXAMINE inbox")
    assert b"* OK [CLOSED]" in r[0]
    assert b'* LIST (\\HasNoChildren) "." "INBOX" ("OLDNAME" ("inbox"))\r\n' \
        in r
    assert b'* LIST (\\HasNoChildren) "." "a.b"\r\n' in s.ok("SELECT a.b")
    s.ok("CREATE a.b.c")
    s.ok("CREATE INBOX.x")
    assert b'* LIST (\\HasChildren) "." "a.b"\r\n' in s.ok("SELECT a.b")
    assert b'* LIST (\\HasChildren) "." "INBOX"\r\n' in s.ok("SELECT INBOX")
    assert b'* LIST (\\HasNoChildren \\Sent) "." "Out"\r\n' in s.ok(
        "SELECT Out")
    assert not s.ask("SELECT none").of("LIST")


def test_rev1_is_as_before(session):
    s = session()
    s.append(MAIL)
    r = s.ok("SELECT inbox")
    assert not r.of("LIST") and r.of("RECENT")
    assert any(b"[UNSEEN 1]" in x for x in r)
    assert s.ok("SEARCH ALL") == [b"* SEARCH 1\r\n"]
    assert b"\\Recent" in s.ok("FETCH 1 FLAGS")[0]


def test_no_recent(session):
    s, other = rev2(session()), session()
    s.ok("SELECT INBOX")
    other.append(MAIL)
    r = s.ok("NOOP")
    assert r.of("EXISTS") and not r.of("RECENT")
    assert s.ok("FETCH 1 FLAGS") == [b"* 1 FETCH (FLAGS ())\r\n"]
    # it may still be asked for
    assert b"RECENT 0" in s.ok("STATUS INBOX (RECENT)")[0]
    s.ok("SEARCH NEW")


def test_search_is_extended(session):
    """Section 6.4.4: always ESEARCH, with ALL when nothing is asked for."""
    s = rev2(session())
    for _ in range(3):
        s.append(MAIL)
    s.ok("SELECT INBOX")
    r = s.ok("SEARCH ALL")
    assert re.fullmatch(rb'\* ESEARCH \(TAG "t\d+"\) ALL 1:3\r\n', r[0])
    r = s.ok("UID SEARCH 2")
    assert re.fullmatch(rb'\* ESEARCH \(TAG "t\d+"\) UID ALL 2\r\n', r[0])
    r = s.ok("SEARCH SEEN")
    assert re.fullmatch(rb'\* ESEARCH \(TAG "t\d+"\)\r\n', r[0])
    r = s.ok("SEARCH RETURN (COUNT) ALL")
    assert re.fullmatch(rb'\* ESEARCH \(TAG "t\d+"\) COUNT 3\r\n', r[0])
    assert s.ok("SEARCH RETURN (SAVE) 2:3") == []
    assert len(s.ok("FETCH $ UID").of("FETCH")) == 2
    # section 6.4.4: redundant, and permitted
    r = s.ok('SEARCH CHARSET UTF-8 SUBJECT "x"')
    assert b"ALL 1:3" in r[0]
    r = s.ask("SEARCH CHARSET X-NO ALL")
    assert (r.status, r.text[:12]) == ("NO", "[BADCHARSET ")
    assert len(s.ok("SORT (DATE) UTF-8 ALL").of("SORT")) == 1


def test_unsolicited_fetch_has_the_uid(session):
    s, other = rev2(session()), session()
    s.append(MAIL)
    s.ok("SELECT INBOX")
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS (\\Flagged)")
    assert s.ok("NOOP").of("FETCH") == [
        b"* 1 FETCH (UID 1 FLAGS (\\Flagged))\r\n"]
    assert b"UID 1 " in s.ok("STORE 1 +FLAGS (\\Draft)").of("FETCH")[0]
    assert b"UID 1 " in s.ok("FETCH 1 BODY[TEXT]").of("FETCH")[0]
    # another keyword: no new PERMANENTFLAGS is needed, \* was there
    s.ok("STORE 1 +FLAGS ($MDNSent $Junk $NotJunk $Phishing $Forwarded)")
    flags = s.ok("FETCH 1 FLAGS")[0]
    for f in (b"$MDNSent", b"$Junk", b"$NotJunk", b"$Phishing", b"$Forwarded"):
        assert f in flags
    assert b"\\*" in b"".join(s.ok("SELECT INBOX"))


def test_names_are_utf8(session):
    s = rev2(session())
    assert s.ok(f'CREATE "{NFC}"') == []
    assert f'"{NFC}"'.encode() in b"".join(s.ok('LIST "" *'))
    r = s.ok(f'SELECT "{NFC}"')
    assert f'* LIST (\\HasNoChildren) "." "{NFC}"\r\n'.encode() in r
    assert s.ask(b'SELECT "\xff"').status == "BAD"


def test_oldname(session):
    """Section 6.3.9.7: a name that became another is told of."""
    s = rev2(session())
    plain = f'"." "{NFC}"'
    old = f' ("OLDNAME" ("{NFD}"))\r\n'
    has = "* LIST (\\HasNoChildren) "
    assert s.ok(f'CREATE "{NFD}"') == [(has + plain + old).encode()]
    assert (has + plain + old).encode() in s.ok(f'SELECT "{NFD}"')
    assert s.ok(f'RENAME "{NFD}" other') == [
        (has + '"." "other"' + old).encode()]
    assert s.ok(f'RENAME other "{NFD}"') == [
        (has + plain + ' ("OLDNAME" ("other"))\r\n').encode()]
    assert s.ok(f'DELETE "{NFD}"') == [
        ("* LIST (\\NonExistent) " + plain + old).encode()]
    assert s.ok("CREATE x.") == [] and s.ok("RENAME x y") == []
    assert s.ok("RENAME inbox z") == []


def test_list(session):
    s = rev2(session())
    s.ok("CREATE a.b")
    assert s.ok('LIST "" a') == [
        b'* LIST (\\NonExistent \\HasChildren) "." "a"\r\n']
    s.ok("SUBSCRIBE a.b")
    r = s.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (CHILDREN)')
    assert r == [b'* LIST (\\NonExistent \\HasChildren) "." "a" '
                 b'("CHILDINFO" ("SUBSCRIBED"))\r\n']
    r = s.ok('LIST "" a.b RETURN (SUBSCRIBED STATUS (SIZE DELETED))')
    assert r == [b'* LIST (\\HasNoChildren \\Subscribed) "." "a.b"\r\n',
                 b'* STATUS "a.b" (SIZE 0 DELETED 0)\r\n']


@pytest.mark.parametrize("command,code", [
    ("CREATE here", "ALREADYEXISTS"), ("RENAME here here2", "ALREADYEXISTS"),
    ("DELETE none", "NONEXISTENT"), ("RENAME none x", "NONEXISTENT"),
    ("SELECT none", "NONEXISTENT"), ("DELETE up", "HASCHILDREN"),
    ("CREATE a..b", "CANNOT"), ("DELETE INBOX", "CANNOT"),
    ("COPY 1 none", "TRYCREATE"), ("MOVE 1 none", "TRYCREATE"),
    ("UID COPY 1 none", "TRYCREATE"), ("APPEND none {}", "TRYCREATE"),
    ("STORE 1 FLAGS (%s)" % " ".join(f"k{n}" for n in range(64)), None),
    ("STORE 1 +FLAGS (more)", "LIMIT"),
    ("FETCH 2 BINARY[1]", "UNKNOWN-CTE"),
    ("SEARCH CHARSET X-NO ALL", "BADCHARSET"),
    ("SETQUOTA x ()", "NOPERM")])
def test_response_codes(session, command, code):
    s = rev2(session())
    for name in ("here", "here2", "up.down"):
        s.ok(f"CREATE {name}")
    s.append(MAIL)
    s.append(b"Content-Transfer-Encoding: x-none\n\nx\n")
    s.ok("SELECT INBOX")
    if command == "STORE 1 +FLAGS (more)":
        s.ok("STORE 1 FLAGS (%s)" % " ".join(f"k{n}" for n in range(64)))
        # MUST be told when there can be no more (section 7.1)
        assert b"\\*" not in b"".join(s.ok("SELECT INBOX"))
    r = s.ask(command, *[MAIL] * command.count("{}"))
    if code is None:
        assert r.status == "OK"
    else:
        assert r.status == "NO", r.text
        assert re.match(r"\[%s\b" % code, r.text), r.text


def test_copyuid_of_move(session):
    s = rev2(session())
    s.ok("CREATE to")
    for command in ("MOVE 1 to", "UID MOVE 2 to"):
        s.append(MAIL)
        s.ok("SELECT INBOX")
        r = s.ok(command)
        assert any(b"[COPYUID " in x and x.startswith(b"* OK") for x in r)
        assert r.of("EXPUNGE")


def test_obsolete_commands_still_work(session):
    """A client of IMAP4rev1 asked for them: CHECK, LSUB, RFC822."""
    s = rev2(session())
    s.append(MAIL)
    s.ok("SELECT INBOX")
    s.ok("CHECK")
    s.ok('LSUB "" *')
    s.ok("FETCH 1 (RFC822.HEADER RFC822.TEXT RFC822)")


def test_parameters_in_pieces(session):
    """Appendix E 6: RFC 2231 continuations are put together."""
    s = rev2(session())
    s.append(b"Content-Type: application/x; name*0=\"one \"; name*1=two\n\nx\n")
    s.ok("SELECT INBOX")
    assert b'"name" "one two"' in s.ok("FETCH 1 BODYSTRUCTURE")[0].lower()


def test_numbers_of_63_bits(session):
    """Appendix E 1."""
    s = rev2(session())
    s.append(MAIL)
    s.ok("SELECT INBOX")
    most = 2 ** 63 - 1
    assert b"ALL 1\r\n" in s.ok(f"SEARCH SMALLER {most}")[0]
    assert b"ALL" not in s.ok(f"SEARCH LARGER {2 ** 32}")[0]
    assert s.literal(f"FETCH 1 BODY.PEEK[TEXT]<2.{most}>",
                     "BODY[TEXT]<2>") == b"llo\r\n"
    assert s.literal(f"FETCH 1 BODY.PEEK[]<{most}.{most}>",
                     f"BODY[]<{most}>") == b""
    for bad in (f"SEARCH LARGER {most + 1}", f"FETCH 1 BODY[]<0.{most + 1}>"):
        assert s.ask(bad).status == "BAD"
    # refused before it is read
    s.send(b"a APPEND INBOX {%d}\r\n" % most)
    assert s.response().startswith(b"a NO [TOOBIG]")
    s.send(b"b NOOP {%d}\r\n" % most)
    assert s.response().startswith(b"b BAD [TOOBIG]")
    s.ok("NOOP")
