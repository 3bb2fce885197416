"""ESEARCH (RFC 4731), SEARCHRES (5182), WITHIN (5032), PARTIAL (9394),
STATUS=SIZE (8438)."""

import os
import re
import time

import pytest

from imap.client import fetched

MAIL = b"From: a@b.test\nSubject: x\n\nhello\n"


@pytest.fixture
def ten(session):
    """Messages 1 to 10 with UIDs 2 to 11; 2, 4, 6 are flagged."""
    s = session()
    for _ in range(11):
        s.append(MAIL)
    s.ok("SELECT INBOX")
    s.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    s.ok("EXPUNGE")
    s.ok("STORE 2,4,6 +FLAGS.SILENT (\\Flagged)")
    return s


def esearch(reply, tag=True):
    (line,) = reply.of("ESEARCH")
    m = re.fullmatch(rb'\* ESEARCH \(TAG "(t\d+)"\)(.*)\r\n', line)
    assert m, line
    assert reply.of("SEARCH") == []
    return m[2].decode().strip()


RETURNS = [
    ("(MIN)", "MIN 2", "UID MIN 3"), ("(MAX)", "MAX 6", "UID MAX 7"),
    ("(ALL)", "ALL 2,4,6", "UID ALL 3,5,7"), ("()", "ALL 2,4,6", "UID ALL 3,5,7"),
    ("(COUNT)", "COUNT 3", "UID COUNT 3"),
    ("(count min max all)", "MIN 2 MAX 6 ALL 2,4,6 COUNT 3",
     "UID MIN 3 MAX 7 ALL 3,5,7 COUNT 3"),
    ("(PARTIAL 1:2)", "PARTIAL (1:2 2,4)", "UID PARTIAL (1:2 3,5)"),
    ("(PARTIAL -1:-2 COUNT)", "COUNT 3 PARTIAL (-1:-2 4,6)",
     "UID COUNT 3 PARTIAL (-1:-2 5,7)"),
    ("(PARTIAL 3:100)", "PARTIAL (3:100 6)", "UID PARTIAL (3:100 7)"),
    ("(PARTIAL 4:5)", "PARTIAL (4:5 NIL)", "UID PARTIAL (4:5 NIL)"),
]


def test_return(ten):
    for options, seqs, uids in RETURNS:
        assert esearch(ten.ok(f"SEARCH RETURN {options} FLAGGED")) == seqs
        assert esearch(ten.ok(f"UID SEARCH RETURN {options} FLAGGED")) == uids
    for options, _, _ in RETURNS:	# of nothing, a count and a range alone
        got = esearch(ten.ok(f"SEARCH RETURN {options} ANSWERED"))
        want = [w for w in ("COUNT 0", "PARTIAL") if w.split()[0] in
                options.upper()]
        assert all(w in got for w in want) and "ALL" not in got
        assert "MIN" not in got and "MAX" not in got
    assert ten.ok("SEARCH FLAGGED")[0] == b"* SEARCH 2 4 6\r\n"
    assert esearch(ten.ok("SEARCH RETURN (ALL) ALL")) == "ALL 1:10"


def test_return_modseq(ten):
    ten.ok("ENABLE CONDSTORE")
    of = {q: fetched(ten.ok(f"FETCH {q} MODSEQ").of("FETCH")[0])["MODSEQ"][0]
          for q in (2, 4, 6)}
    ten.ok("STORE 4 +FLAGS (\\Seen)")
    top = fetched(ten.ok("FETCH 4 MODSEQ").of("FETCH")[0])["MODSEQ"][0]
    for options, want in (("MIN", of[2]), ("MAX", of[6]),
                          ("MIN MAX", max(of[2], of[6])), ("ALL", top),
                          ("MIN COUNT", top)):
        got = esearch(ten.ok(f"SEARCH RETURN ({options}) FLAGGED MODSEQ 1"))
        assert got.endswith(f" MODSEQ {want}"), (options, got)
    assert "MODSEQ" not in esearch(ten.ok(
        f"SEARCH RETURN (ALL) MODSEQ {2**62}"))


def saved(s):
    return [fetched(r)["UID"] for r in s.ok("UID FETCH $ FLAGS").of("FETCH")]


SAVES = [
    ("SAVE", [3, 5, 7]), ("SAVE ALL", [3, 5, 7]), ("SAVE COUNT", [3, 5, 7]),
    ("SAVE MIN", [3]), ("SAVE MAX", [7]), ("MIN MAX SAVE", [3, 7]),
    ("SAVE MIN COUNT", [3, 5, 7]), ("SAVE PARTIAL 2:2", [5]),
    ("SAVE PARTIAL 2:2 MIN", [3, 5]), ("SAVE PARTIAL 2:2 MAX", [5, 7]),
    ("SAVE PARTIAL 2:2 MIN MAX", [3, 5, 7]),
    ("SAVE PARTIAL 2:2 COUNT", [3, 5, 7]), ("SAVE PARTIAL 9:9", []),
]


@pytest.mark.parametrize("options,want", SAVES)
def test_save(ten, options, want):
    """The tables of RFC 5182 section 2.4 and RFC 9394 section 3.2."""
    r = ten.ok(f"SEARCH RETURN ({options}) FLAGGED")
    assert (r.of("ESEARCH") == []) == (options == "SAVE")
    assert saved(ten) == want


def test_saved_result(session, ten):
    assert saved(ten) == []	# nothing yet: no error
    assert ten.ok("COPY $ INBOX").text
    ten.ok("UID SEARCH RETURN (SAVE) FLAGGED")
    assert ten.ok("SEARCH $")[0] == b"* SEARCH 2 4 6\r\n"
    assert ten.ok("SEARCH NOT UID $ 1:5")[0] == b"* SEARCH 1 3 5\r\n"
    assert ten.ok("SEARCH OR $ 1")[0] == b"* SEARCH 1 2 4 6\r\n"
    ten.ok("SEARCH RETURN (SAVE) $ SMALLER 1")
    assert saved(ten) == []
    ten.ok("UID SEARCH RETURN (SAVE) FLAGGED")
    # another session removes one of them: it is removed from "$", too
    other = session()
    other.ok("SELECT INBOX")
    other.ok("STORE 1,4 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    ten.ok("NOOP")
    assert saved(ten) == [3, 7]
    assert [r for r in ten.ok("FETCH $ UID").of("FETCH")] == [
        b"* 1 FETCH (UID 3)\r\n", b"* 4 FETCH (UID 7)\r\n"]
    ten.ok("CREATE x")
    assert re.match(r"\[COPYUID \d+ 3,7 1:2\]", ten.ok("COPY $ x").text)
    ten.ok("STORE $ +FLAGS (\\Answered)")
    assert ten.ok("SEARCH ANSWERED")[0] == b"* SEARCH 1 4\r\n"
    # BAD leaves it as it is, NO empties it, and so does another mailbox
    assert ten.ask("SEARCH RETURN (SAVE) FOO").status == "BAD"
    assert saved(ten) == [3, 7]
    assert ten.ask("SEARCH RETURN (SAVE) CHARSET X-NONE ALL").status == "NO"
    assert saved(ten) == []
    ten.ok("SEARCH RETURN (SAVE) ALL")
    ten.ok("SELECT x")
    assert saved(ten) == []
    ten.ok("SEARCH RETURN (SAVE) ALL")
    r = ten.ok("MOVE $ INBOX")
    assert len(r.of("EXPUNGE")) == 2
    ten.send(b"p1 SEARCH RETURN (SAVE) ALL\r\np2 FETCH $ UID\r\n")
    assert ten.response().startswith(b"p1 OK")
    assert ten.response().startswith(b"p2 OK")


def test_within(session, home):
    s = session()
    for _ in range(3):
        s.append(MAIL)
    now = time.time()
    cur = home / "Maildir"
    for n, age in enumerate((10, 5000, 900000), 1):
        (f,) = [f for d in ("new", "cur") for f in (cur / d).iterdir()
                if re.search(rf"-{n}(:2,)?$", f.name)]
        os.utime(f, (now - age, now - age))
    s.ok("SELECT INBOX")
    assert s.ok("SEARCH YOUNGER 4000")[0] == b"* SEARCH 1\r\n"
    assert s.ok("SEARCH OLDER 4000")[0] == b"* SEARCH 2 3\r\n"
    assert s.ok("SEARCH OLDER 4000 YOUNGER 800000")[0] == b"* SEARCH 2\r\n"
    assert s.ok("SEARCH YOUNGER 4294967295")[0] == b"* SEARCH 1 2 3\r\n"


def test_fetch_partial(ten):
    def uids(command):
        return [fetched(r)["UID"] for r in ten.ok(command).of("FETCH")]

    assert uids("UID FETCH 1:* FLAGS (PARTIAL 1:3)") == [2, 3, 4]
    assert uids("UID FETCH 1:* FLAGS (PARTIAL -1:-3)") == [9, 10, 11]
    assert uids("UID FETCH 3:4,7,9:20 FLAGS (PARTIAL 2:4)") == [4, 7, 9]
    assert uids("UID FETCH 3:4,7,9:20 FLAGS (PARTIAL -5:-4)") == [4, 7]
    assert uids("UID FETCH 1:* FLAGS (PARTIAL 20:30)") == []
    ten.ok("ENABLE CONDSTORE")
    top = fetched(ten.ok("STORE 9 +FLAGS (\\Seen)").of("FETCH")[0])["MODSEQ"][0]
    assert uids(f"UID FETCH 1:* FLAGS (CHANGEDSINCE {top - 1} PARTIAL -1:-3)"
                ) == [10]
    assert ten.ask("FETCH 1:* FLAGS (PARTIAL 1:3)").status == "BAD"


def test_status_size(ten):
    size = sum(fetched(r)["RFC822.SIZE"] for r in
               ten.ok("FETCH 1:* RFC822.SIZE").of("FETCH"))
    ten.ok("STORE 3,5 +FLAGS.SILENT (\\Deleted)")
    r = ten.ok("STATUS INBOX (SIZE DELETED MESSAGES)")
    assert r[0] == b"* STATUS \"INBOX\" (MESSAGES 10 SIZE %d DELETED 2)\r\n" % size
    r = ten.ok('LIST "" INBOX RETURN (STATUS (SIZE))')
    assert b"SIZE %d" % size in r.of("STATUS")[0]
    ten.ok("CREATE empty")
    assert ten.ok("STATUS empty (SIZE)")[0] == b"* STATUS \"empty\" (SIZE 0)\r\n"
