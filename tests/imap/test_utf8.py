"""UTF8=ACCEPT (RFC 6855): names and strings in UTF-8, messages with UTF-8 in
their headers, and what a client is spared that did not ask for it."""

import os

import pytest

from alone.program import UID

MAIL = b"From: a@b.test\r\nSubject: x\r\n\r\nh\xc3\xa9\r\n"
WIDE = "From: jörg@bücher.test\r\nSubject: Grüße\r\n\r\nHallo\r\n".encode()
NFC, NFD = "Entw\u00fcrfe", "Entwu\u0308rfe"
UTF7 = "Entw&APw-rfe"


def enabled(s, what="UTF8=ACCEPT"):
    assert s.ok("ENABLE " + what)[0] == f"* ENABLED {what}\r\n".encode()
    return s


def utf7(name):
    """Modified UTF-7 of one character beyond ASCII and more."""
    out, run = "", ""
    for c in name + "\0":
        if ord(c) > 126:
            run += c
            continue
        if run:
            import base64
            b = base64.b64encode(run.encode("utf-16-be")).decode()
            out += "&" + b.rstrip("=").replace("/", ",") + "-"
            run = ""
        out += "&-" if c == "&" else c
    return out[:-1]


def test_announced_and_enabled_before_select(session):
    s = session()
    before = s.ok("CAPABILITY")[0]
    assert b" UTF8=ACCEPT " in before
    s.ok("SELECT INBOX")
    assert s.ask("ENABLE UTF8=ACCEPT").status == "BAD"
    assert s.ask("ENABLE IMAP4rev2").status == "BAD"
    s.ok("UNSELECT")
    enabled(s)
    assert s.ok("CAPABILITY")[0] == before      # RFC 9051 section 6.3.1
    assert s.ok("ENABLE utf8=accept X")[0] == b"* ENABLED UTF8=ACCEPT\r\n"


def test_names(session):
    """Each side sees the other's folders in its own spelling."""
    old, s = session(), enabled(session())
    s.ok(f'CREATE "{NFC}.tätig"')
    s.ok('CREATE "a&b"')
    s.ok(f'SUBSCRIBE "{NFC}.tätig"')
    listed = b"".join(old.ok('LIST "" *'))
    assert f'"{UTF7}.{utf7("tätig")}"'.encode() in listed
    assert b'"a&-b"' in listed and b"\xc3" not in listed
    assert utf7("tätig").encode() in b"".join(old.ok('LSUB "" *'))
    listed = b"".join(s.ok('LIST "" *'))
    assert f'"{NFC}.tätig"\r\n'.encode() in listed
    assert b'"a&b"\r\n' in listed and b"&-" not in listed
    assert f'"{NFC}.tätig"'.encode() in b"".join(s.ok('LSUB "" *'))
    for pattern in (f"{NFC}.%", f"{NFD}.%", f"*t\u00e4*", "*\u00e4tig"):
        assert len(s.ok(f'LIST "" "{pattern}"').of("LIST")) == 1, pattern
    r = s.ok(f'LIST "" "*tig" RETURN (STATUS (MESSAGES))')
    assert r[1] == f'* STATUS "{NFC}.tätig" (MESSAGES 0)\r\n'.encode()
    name = f"{NFC}.tätig"
    assert s.ok(f'STATUS "{name}" (MESSAGES)')[0].startswith(
        f'* STATUS "{name}" '.encode())
    assert f'"{name}"'.encode() in s.ok(f'GETQUOTAROOT "{name}"')[0]
    # and as a literal; in one spelling only
    s.ok("SELECT {}", name.encode())
    assert s.ask(f'SELECT "{UTF7}.x"').status == "NO"
    s.ok(f'RENAME "{name}" "日本語.𝄞"')
    assert f'"{utf7("日本語")}.{utf7("𝄞")}"'.encode() in b"".join(
        old.ok('LIST "" *'))
    old.ok(f'SELECT "{utf7("日本語")}.{utf7("𝄞")}"')
    s.ok('UNSUBSCRIBE "日本語"')
    s.ok('DELETE "日本語.𝄞"')


@pytest.mark.parametrize("name", [
    "a\u2028b", "a\u2029b", "a\u0085b", "a\u009fb", "a\ufffeb", "a/b", "a..b",
    "\ufdd0", "é" * 300, ".é", "é" * 100 + ".." + "x"])
def test_refused_names(session, name):
    s = enabled(session())
    assert s.ask(f'CREATE "{name}"').status == "NO"
    assert len(s.ok('LIST "" *').of("LIST")) == 1


@pytest.mark.parametrize("octets", [
    b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"a\x80"])
def test_not_utf8_is_bad(session, octets):
    """RFC 6855 section 3: in a quoted string BAD, whatever command it is."""
    s = enabled(session())
    s.append(MAIL)
    for command in (b'CREATE "%b"', b'LIST "" "%b*"', b'STATUS "%b" (MESSAGES)',
                    b'SELECT "%b"', b'ID ("name" "%b")', b'NOOP "%b"'):
        assert s.ask(command % octets).status == "BAD", command
    assert s.ask(b'APPEND "%b" {}' % octets, MAIL).status == "BAD"
    # in a literal it is a name that cannot be
    assert s.ask("CREATE {}", octets).status == "NO"
    s.ok("SELECT INBOX")
    assert s.ask(b'SEARCH SUBJECT "%b"' % octets).status == "BAD"
    s.ok("NOOP")


def test_without_it_names_are_modified_utf7(session):
    s = session()
    assert s.ask(f'CREATE "{NFC}"').status == "NO"
    assert s.ask("CREATE {}", NFC.encode()).status == "NO"
    s.ok(f"CREATE {UTF7}")
    assert s.ask(f'SELECT "{NFC}"').status == "NO"


def test_normalization(session, home):
    """One folder for both spellings; what another program made in the other
    form is there, too."""
    s, old = enabled(session()), session()
    s.ok(f'CREATE "{NFD}"')
    assert f'"{UTF7}"'.encode() in b"".join(old.ok('LIST "" *'))
    assert s.ask(f'CREATE "{NFC}"').status == "NO"
    assert s.ask(f'CREATE "{NFD}"').status == "NO"
    for name in (NFC, NFD):
        s.ok(f'SELECT "{name}"')
        s.ok(f'STATUS "{name}" (MESSAGES)')
        s.ok(f'SUBSCRIBE "{name}"')
        s.ok(f'APPEND "{name}" {{}}', MAIL)
    assert s.ok('LSUB "" *') == [f'* LSUB () "." "{NFC}"\r\n'.encode()]
    s.ok(f'DELETE "{NFD}"')
    # not in that form on disk
    for d in ("", "/cur", "/new", "/tmp"):
        path = home / "Maildir" / (f".{utf7(NFD)}" + d)
        path.mkdir()
        os.chown(path, UID, UID)
    assert f'"{NFD}"'.encode() in b"".join(s.ok('LIST "" *'))
    s.ok(f'SELECT "{NFD}"')
    assert s.ask(f'SELECT "{NFC}"').status == "NO"
    assert s.ask(f'CREATE "{NFD}"').status == "NO"
    s.ok(f'RENAME "{NFD}" "{NFC}"')
    s.ok(f'SELECT "{NFC}"')


def test_append_wants_it_declared(session):
    """RFC 6855 section 4: NO while nothing was enabled."""
    s = session()
    for command, literals in (
            ("APPEND INBOX {}", [WIDE]), ("APPEND INBOX {} {}", [MAIL, WIDE]),
            ("APPEND INBOX {} {}", [WIDE, MAIL])):
        r = s.ask(command, *literals)
        assert (r.status, r.text[:8]) == ("NO", "[CANNOT]"), r.text
    s.send(b"a APPEND INBOX UTF8 (~{%d+}\r\n%b)\r\nb NOOP\r\n" %
           (len(WIDE), WIDE))
    assert s.response().startswith(b"a NO")
    assert s.response().startswith(b"b OK")
    assert b"MESSAGES 0" in s.ok("STATUS INBOX (MESSAGES)")[0]
    s.append(MAIL)              # in a body anything may be
    s.ok("APPEND INBOX {}", b"\r\n" + WIDE)
    s.ok("SELECT INBOX")
    assert s.ask("REPLACE 1 INBOX {}", WIDE).status == "NO"


def test_append_by_setting(session):
    s = session("raw_headers = keep\n")
    s.ok("APPEND INBOX {}", WIDE)
    s.ok("SELECT INBOX")
    assert s.literal("FETCH 1 BODY.PEEK[]", "BODY[]") == WIDE


def data(s, rest, message, sign=b""):
    """APPEND or REPLACE with the data item of section 4."""
    s.send(b"u " + rest + b" UTF8 (~{%d%b}\r\n" % (len(message), sign))
    if not sign:
        r = s.response()
        if not r.startswith(b"+"):
            return r
    s.send(message + b")\r\n")
    while not (r := s.response()).startswith(b"u "):
        pass
    return r


@pytest.mark.parametrize("sign", [b"", b"+"])
@pytest.mark.parametrize("what", ["UTF8=ACCEPT", "IMAP4rev2"])
def test_append_utf8(session, sign, what):
    s = enabled(session(), what)
    assert data(s, b"APPEND INBOX", WIDE, sign).startswith(b"u OK [APPENDUID ")
    assert data(s, b'APPEND INBOX (\\Seen) "17-Jul-1996 02:44:25 -0700"', WIDE,
                sign).startswith(b"u OK [APPENDUID ")
    s.ok("APPEND INBOX {}", WIDE)       # it was enabled: that will do
    s.ok("SELECT INBOX")
    assert data(s, b"REPLACE 1", WIDE, sign).startswith(b"u BAD")
    assert data(s, b"REPLACE 1 INBOX", WIDE, sign).startswith(b"u OK")
    for n in (1, 2, 3):
        assert s.literal(f"FETCH {n} BODY.PEEK[]", "BODY[]") == WIDE


def test_append_utf8_syntax(session):
    s = enabled(session())
    n = len(WIDE)
    s.send(b"a APPEND INBOX UTF8 (~{%d+}\r\n%b) UTF8 (~{%d+}\r\n%b) "
           b"(\\Seen) {%d+}\r\n%b\r\n" % (n, WIDE, n, WIDE, n, WIDE))
    assert s.response().startswith(b"a OK [APPENDUID ")
    for bad in (b"UTF8 (~{3+}\r\nabc", b"UTF8 (~{3+}\r\nabc))",
                b"UTF8 (~{3+}\r\nabc {3+}\r\nabc", b"UTF8 ({3+}\r\nabc)",
                b"UTF8 ~{3+}\r\nabc", b"UTF8 (~{3+}\r\nabc) UTF8 ({3+}\r\nabc)",
                b"UTF8", b"UTF8 (", b"UTF8 ()", b"UTF8 (~{3+}\r\nabc) x",
                b"(\\Seen) UTF8 (~{3+}\r\nabc", b"{3+}\r\nabc)"):
        s.send(b"b APPEND INBOX " + bad + b"\r\nc NOOP\r\n")
        assert s.response().startswith(b"b BAD"), bad
        assert s.response().startswith(b"c OK"), bad
    assert b"MESSAGES 3" in s.ok("STATUS INBOX (MESSAGES)")[0]
    s.ok("CREATE UTF8")
    s.ok("APPEND UTF8 {}", MAIL)


def test_search(session):
    s = enabled(session())
    s.ok("APPEND INBOX {}", WIDE)
    s.append(MAIL)
    s.ok("SELECT INBOX")
    for key in ('SUBJECT "grüße"', 'FROM "JÖRG"', 'SUBJECT "gru\u0308ße"'):
        assert s.ok("SEARCH " + key) == [b"* SEARCH 1\r\n"], key
    assert s.ok('SEARCH BODY "É"') == [b"* SEARCH 2\r\n"]
    assert s.ask("SEARCH CHARSET UTF-8 ALL").status == "BAD"
    assert s.ask("UID SEARCH CHARSET US-ASCII ALL").status == "BAD"
    # RFC 5256 leaves no choice
    assert s.ok('SORT (DATE) UTF-8 SUBJECT "grüße"') == [b"* SORT 1\r\n"]


def test_what_a_client_gets(session):
    """Quoted strings hold UTF-8 only for who asked; the message itself is the
    same for all."""
    s = enabled(session())
    s.ok("APPEND INBOX {}", WIDE)
    for client in (s, session(), enabled(session(), "IMAP4rev2")):
        client.ok("EXAMINE INBOX")
        assert client.literal("FETCH 1 BODY.PEEK[]", "BODY[]") == WIDE
        r = client.ok("FETCH 1 ENVELOPE")[0]
        assert "{7}\r\nGrüße".encode() in r and b'"Gr' not in r
        assert client.literal("FETCH 1 PREVIEW", "PREVIEW") == b"Hallo"


def test_preview_is_quoted(session):
    s, old = enabled(session()), session()
    s.append(b"Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
             b"h\xc3\xa9llo\r\n")
    s.ok("SELECT INBOX")
    old.ok("SELECT INBOX")
    assert b'PREVIEW "h\xc3\xa9llo"' in s.ok("FETCH 1 PREVIEW")[0]
    assert b"PREVIEW {6}\r\nh\xc3\xa9llo" in old.ok("FETCH 1 PREVIEW")[0]
