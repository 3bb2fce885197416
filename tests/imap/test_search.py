"""Every key of SEARCH."""

import pytest

MESSAGES = [
    # 1
    ("(\\Seen \\Answered $x) \"01-Jan-2001 12:00:00 +0000\" ",
     b"Date: 2 Feb 2002 23:00:00 -0500\nFrom: Alice <alice@a.test>\n"
     b"To: bob@b.test\nSubject: =?iso-8859-1?Q?Gr=FC=DFe?=\n"
     b"X-Thing: blue\n\nThe quick brown fox\n"),
    # 2
    ("(\\Flagged \\Draft) \"02-Jan-2001 23:59:59 +0000\" ",
     b"Date: 3 Feb 2002 01:00:00 +0000\nFrom: carol@c.test\nCc: dave@d.test\n"
     b"Bcc: eve@e.test\nSubject: second one\nContent-Type: text/plain; "
     b"charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"
     b"caf=E9 au =\nlait\n"),
    # 3
    ("(\\Deleted) \"03-Jan-2001 00:00:00 +0000\" ",
     b"Date: nonsense\nSubject: third\nMIME-Version: 1.0\nContent-Type: "
     b"multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64"
     b"\n\nc2VjcmV0IHdvcmRz\n--b\nContent-Type: image/png\n\nfox in a picture"
     b"\n--b\nContent-Type: message/rfc822\n\nSubject: embedded\n\ninner\n"
     b"--b--\n" + b"x" * 5000 + b"\n"),
]

TABLE = [
    ("ALL", "1 2 3"), ("1:2", "1 2"), ("*", "3"), ("2:*", "2 3"),
    ("9", ""), ("UID 1,3", "1 3"), ("UID 3:*", "3"), ("UID 99:*", "3"),
    ("SEEN", "1"), ("UNSEEN", "2 3"), ("ANSWERED", "1"),
    ("UNANSWERED", "2 3"), ("FLAGGED", "2"), ("UNFLAGGED", "1 3"),
    ("DRAFT", "2"), ("UNDRAFT", "1 3"), ("DELETED", "3"),
    ("UNDELETED", "1 2"), ("KEYWORD $X", "1"), ("UNKEYWORD $x", "2 3"),
    ("KEYWORD none", ""), ("UNKEYWORD none", "1 2 3"),
    ("BEFORE 2-Jan-2001", "1"), ("ON 2-Jan-2001", "2"),
    ("SINCE \"2-Jan-2001\"", "2 3"),
    ("SENTBEFORE 3-Feb-2002", "1"), ("SENTON 2-Feb-2002", "1"),
    ("SENTON 3-Feb-2002", "2"), ("SENTSINCE 2-Feb-2002", "1 2"),
    ("LARGER 4000", "3"), ("SMALLER 4000", "1 2"),
    ("FROM alice", "1"), ("FROM ALICE@A", "1"), ("TO bob", "1"),
    ("CC dave", "2"), ("BCC eve", "2"), ("SUBJECT second", "2"),
    ("SUBJECT {7+}\r\nGr\u00fc\u00dfe", "1"),
    ("CHARSET UTF-8 SUBJECT {7+}\r\ngR\u00fc\u00dfE", "1"),
    ("CHARSET us-ascii SUBJECT one", "2"),
    ("HEADER X-Thing blue", "1"), ("HEADER X-Thing \"\"", "1"),
    ("HEADER X-Thing red", ""), ("HEADER subject \"\"", "1 2 3"),
    ("BODY \"brown fox\"", "1"), ("BODY fox", "1"), ("BODY alice", ""),
    ("TEXT alice", "1"), ("TEXT \"x-thing: blue\"", "1"),
    ("BODY {13+}\r\ncaf\u00e9 au lait",
     "2"),
    ("BODY \"secret words\"", "3"), ("BODY embedded", "3"),
    ("BODY inner", "3"), ("TEXT c2VjcmV0", ""), ("BODY \"\"", "1 2 3"),
    ("NOT SEEN", "2 3"), ("OR SEEN FLAGGED", "1 2"),
    ("OR (SEEN FLAGGED) NOT (OR SEEN FLAGGED)", "3"),
    ("(ALL) NOT NOT DELETED", "3"), ("UNSEEN TEXT fox", ""),
    ("OR OR 1 2 3", "1 2 3"), ("SEEN SINCE 1-Jan-2000 BODY quick", "1"),
    ("SUBJECT aab", ""),
]


@pytest.fixture
def box(session):
    s = session()
    for flags, text in MESSAGES:
        s.append(text, flags=flags)
    s.ok("SELECT INBOX")
    return s


def test_keys(box):
    for keys, want in TABLE:
        r = box.ok(f"SEARCH {keys}".encode())
        assert r[0] == (f"* SEARCH {want}".rstrip() + "\r\n").encode(), keys


def test_uid_search(box):
    box.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    box.ok("UID EXPUNGE 1")
    assert box.ok("UID SEARCH ALL")[0] == b"* SEARCH 2 3\r\n"
    assert box.ok("SEARCH UID 2:3")[0] == b"* SEARCH 1 2\r\n"


def test_recent(session):
    s = session()
    s.append(b"Subject: x\n\nx\n")
    s.ok("SELECT INBOX")
    new = s.ok("SEARCH NEW")[0]
    assert s.ok("SEARCH RECENT")[0] == new
    other = b"* SEARCH 1\r\n" if new == b"* SEARCH\r\n" else b"* SEARCH\r\n"
    assert s.ok("SEARCH OLD")[0] == other


def test_limits(box):
    deep = "(" * 5000 + "ALL" + ")" * 5000
    assert box.ok(f"SEARCH {deep}")[0] == b"* SEARCH 1 2 3\r\n"
    for many in ("NOT " * 10000 + "ALL", "OR ALL " * 8000 + "ALL"):
        assert box.ok("SEARCH " + many)[0] == b"* SEARCH 1 2 3\r\n"
    texts = " ".join(["TEXT e"] * 1000)
    assert box.ok(f"SEARCH {texts}")[0].startswith(b"* SEARCH")
    for many in ("(" * 16383 + "ALL" + ")" * 16383, "NOT " * 16000 + "ALL "
                 "ALL", "1 " * 20000 + "1", texts + " SUBJECT x"):
        r = box.ask("SEARCH " + many)
        want = "OK" if many.startswith("NOT") else "NO"
        assert r.status == want and (want == "OK" or
                                     r.text.startswith("[LIMIT]"))
    # RFC 5182 section 2.1: NO leaves nothing
    box.ok("SEARCH RETURN (SAVE) ALL")
    assert box.ask("SEARCH RETURN (SAVE) " + "1 " * 20000 + "1").status == "NO"
    assert box.ok("SEARCH $")[0] == b"* SEARCH\r\n"
    many = ",".join(["1:*"] * 5000)
    assert box.ok(f"SEARCH {many}")[0] == b"* SEARCH 1 2 3\r\n"
