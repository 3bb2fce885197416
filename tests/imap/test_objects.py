"""OBJECTID, SAVEDATE, PREVIEW and QUOTA."""

import base64
import imaplib
import re
import time

from imap.test_quota import TEXT, imap, with_quota

MAIL = b"From: a@b.test\nSubject: one\n\nhello\n"


def one(reply, pattern, word="FETCH"):
    r, = reply.of(word)
    m = re.search(pattern, r)
    assert m, r
    return m[1]


# ---- OBJECTID (RFC 8474)

MAILBOXID = rb"MAILBOXID \((F[0-9a-f]{32})\)"


def test_mailbox_id(session):
    s = session()
    r = s.ok("CREATE a")
    first = re.search(MAILBOXID, r.text.encode())[1]
    assert one(s.ok("STATUS a (MAILBOXID)"), MAILBOXID, "STATUS") == first
    r = b"".join(s.ok("SELECT a"))
    assert re.search(rb"\* OK \[" + MAILBOXID + rb"\]", r)[1] == first
    s.ok("UNSELECT")
    s.ok("RENAME a b")
    assert one(s.ok("STATUS b (MAILBOXID)"), MAILBOXID, "STATUS") == first
    other = re.search(MAILBOXID, s.ok("CREATE a").text.encode())[1]
    assert other != first
    s.ok("DELETE b")
    assert re.search(MAILBOXID, s.ok("CREATE b").text.encode())[1] != first
    # with LIST, and also of INBOX
    r = s.ok('LIST "" INBOX RETURN (STATUS (MAILBOXID))')
    assert re.search(MAILBOXID, r[1])


def test_email_id(session):
    s = session()
    s.append(MAIL)
    s.append(MAIL)
    s.ok("CREATE to")
    s.ok("SELECT INBOX")

    def ids():
        r = s.ok("FETCH 1:* (EMAILID THREADID)")
        assert all(b"THREADID NIL" in x for x in r.of("FETCH"))
        return [re.search(rb"EMAILID \(([A-Za-z0-9_-]+)\)", x)[1]
                for x in r.of("FETCH")]

    was = ids()
    assert len(set(was)) == 2
    assert s.ok(f"SEARCH EMAILID {was[1].decode()}")[0] == b"* SEARCH 2\r\n"
    assert s.ok(f"SEARCH THREADID {was[1].decode()}")[0] == b"* SEARCH\r\n"
    s.ok("COPY 1 to")
    s.ok("MOVE 2 to")
    s.ok("SELECT to")
    assert ids() == was
    assert session().ok("NOOP").status == "OK"


# ---- SAVEDATE (RFC 8514)

def test_save_date(session):
    s = session()
    s.ok('APPEND INBOX " 7-Feb-1994 21:52:25 -0800" {}',
         MAIL.replace(b"\n", b"\r\n"))
    s.ok("CREATE to")
    s.ok("SELECT INBOX")
    saved = one(s.ok("FETCH 1 (SAVEDATE INTERNALDATE)"),
                rb'SAVEDATE "([^"]+)" INTERNALDATE " 8-Feb-1994')
    t = imaplib.Internaldate2tuple(b'INTERNALDATE "%b"' % saved)
    assert abs(time.mktime(t) - time.time()) < 3600
    tomorrow = time.strftime("%d-%b-%Y", time.gmtime(time.time() + 90000))
    for keys, found in [
            ("SAVEDBEFORE 1-Jan-2000", False), ("BEFORE 1-Jan-2000", True),
            (f"SAVEDBEFORE {tomorrow}", True), ("SAVEDATESUPPORTED", True),
            ("SAVEDSINCE 1-Jan-2020", True), (f"SAVEDSINCE {tomorrow}", False),
            (f"NOT SAVEDON {tomorrow}", True), ("SAVEDON 7-Feb-1994", False)]:
        assert s.ok(f"SEARCH {keys}")[0] == (
            b"* SEARCH 1\r\n" if found else b"* SEARCH\r\n"), keys


# ---- PREVIEW (RFC 8970)

HTML = (b"<html><head><title>no</title></head><body><p>Ein <b>sch\xf6ner</b> "
        b"Tag &amp; mehr</p></body></html>")


def previews(s, item="PREVIEW"):
    got = []
    for r in s.ok(f"FETCH 1:* ({item})").of("FETCH"):
        m = re.search(rb"PREVIEW (?:(NIL)|\"([^\"]*)\"|\{(\d+)\}\r\n)", r)
        got.append(None if m[1] else m[2].decode() if m[2] is not None else
                   r[m.end():m.end() + int(m[3])].decode())
    return got


def test_previews(session):
    s = session()
    for m in [
            MAIL, b"Subject: empty\n\n", b"Content-Type: image/png\n\nxxx\n",
            b"Content-Type: text/html; charset=iso-8859-1\n"
            b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(HTML),
            b"Content-Type: multipart/alternative; boundary=b\n\n--b\n"
            b"Content-Type: text/html\n\n<p>markup</p>\n--b\n"
            b"Content-Type: text/plain; charset=utf-8\n\n> quoted\n\n"
            b"gr\xc3\xbc\xc3\x9fe  \n \"alle\"\n--b--\n",
            b"Subject: long\n\n" + b"word " * 1000,
            b"Content-Type: text/plain\nContent-Disposition: attachment\n\nno\n",
    ]:
        s.append(m)
    s.ok("SELECT INBOX")
    want = ["hello", "", "", "Ein schöner Tag & mehr", 'grüße "alle"',
            ("word " * 40).strip(), ""]
    assert previews(s, "PREVIEW (LAZY)") == [None] * 7
    assert [p.strip() for p in previews(s)] == want
    # what was made is there from now on
    assert [p.strip() for p in previews(s, "UID PREVIEW (LAZY)")] == want
    assert b"\\Seen" not in b"".join(s.ok("FETCH 1:* FLAGS"))
    assert len(s.ok("FETCH 1 PREVIEW").of("FETCH")) == 1


# ---- QUOTA (RFC 9208)

def test_no_quota(session):
    s = session()
    assert s.ok("GETQUOTAROOT INBOX") == [b'* QUOTAROOT "INBOX"\r\n']
    assert s.ask("GETQUOTA account").status == "NO"
    assert s.ask('GETQUOTA ""').status == "NO"
    assert s.ask("SETQUOTA account (STORAGE 512)").status == "NO"
    assert s.ask("GETQUOTAROOT a..b").status == "NO"
    assert s.ok("GETQUOTAROOT not.there").of("QUOTAROOT")


def test_deleted_storage(session):
    s = session()
    for _ in range(3):
        s.append(MAIL)
    s.ok("SELECT INBOX")
    s.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
    size = 2 * (len(MAIL) + MAIL.count(b"\n"))
    assert s.ok("STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)").of(
        "STATUS")[0] == (b'* STATUS "INBOX" (MESSAGES 3 DELETED 2 '
                         b'DELETED-STORAGE %d)\r\n' % size)


def test_quota(new_instance):
    i = with_quota(new_instance, "quota=100K messages=5")
    m = imap(i, "alice")
    typ, data = m.getquotaroot("INBOX")
    assert typ == "OK"
    assert data[0] == [b'"INBOX" "account"']
    assert data[1] == [b'"account" (STORAGE 0 100 MESSAGE 0 5)']
    for _ in range(3):
        assert m.append("INBOX", None, None, TEXT)[0] == "OK"
    big = TEXT + b"0123456789abcde\r\n" * 2048
    assert m.append("INBOX", None, None, big)[0] == "OK"
    typ, data = m.getquota("account")
    assert re.fullmatch(rb'"account" \(STORAGE 3[2-4] 100 MESSAGE 4 5\)',
                        data[0]), data
    assert m.append("INBOX", None, None, TEXT)[0] == "OK"
    assert m.append("INBOX", None, None, TEXT)[0] == "NO"
    # of REPLACE only what it adds counts (RFC 8508 section 3.4)
    m.select()
    imaplib.Commands["REPLACE"] = ("SELECTED",)
    m.literal = big
    typ, data = m._simple_command("REPLACE", "4", "INBOX")
    assert typ == "OK", data
    m.literal = TEXT + b"0123456789abcde\r\n" * 8000
    assert m._simple_command("REPLACE", "5", "INBOX")[0] == "NO"
    typ, data = m.setquota("account", "(STORAGE 1000)")
    assert typ == "NO"
    m.logout()
    m = imap(i, "bob")
    assert m.getquotaroot("INBOX")[1][0] == [b'"INBOX"']
    m.logout()
