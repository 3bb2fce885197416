"""CONDSTORE and QRESYNC (RFC 7162): what a client that was away is told."""

import os
import random
import re

import pytest

from imap.client import fetched, wait_for

MAIL = b"From: a@b.test\nSubject: x\n\nhello\n"


def highest(reply):
    m = re.search(r"\[HIGHESTMODSEQ (\d+)\]", reply.text)
    for line in reply:
        m = re.search(rb"\[HIGHESTMODSEQ (\d+)\]", line) or m
    assert m, (list(reply), reply.text)
    return int(m[1])


def modseq(reply, seq=1):
    for r in reply.of("FETCH"):
        if r.startswith(b"* %d FETCH" % seq):
            return fetched(r)["MODSEQ"][0]
    raise AssertionError(list(reply))


def numbers(text):
    """A set as numbers: "3:5,7"."""
    out = set()
    for part in text.split(","):
        a, _, b = part.partition(":")
        out |= set(range(int(a), int(b or a) + 1))
    return out


def vanished(reply, earlier=False):
    word = rb"\* VANISHED " + (rb"\(EARLIER\) " if earlier else b"")
    out = set()
    for line in reply:
        m = re.fullmatch(word + rb"([\d:,]+)\r\n", line)
        if m:
            out |= numbers(m[1].decode())
    return out


def test_enable(session):
    s = session()
    assert s.ok("ENABLE CONDSTORE")[0] == b"* ENABLED CONDSTORE\r\n"
    assert s.ok("ENABLE X-FOO")[0] == b"* ENABLED\r\n"
    assert set(s.ok("ENABLE X-FOO qresync")[0].split()[2:]) == {
        b"CONDSTORE", b"QRESYNC"}
    assert s.ask("ENABLE").status == "BAD"
    assert s.ask('ENABLE "x"').status == "BAD"


@pytest.mark.parametrize("command", [
    "FETCH 1 MODSEQ", "FETCH 1 FLAGS (CHANGEDSINCE 1)", "SEARCH MODSEQ 1",
    "STORE 1 (UNCHANGEDSINCE 99999) +FLAGS (\\Seen)", "ENABLE CONDSTORE",
    "STATUS INBOX (HIGHESTMODSEQ)"])
def test_enabling_commands(session, command):
    """Each makes the server tell HIGHESTMODSEQ once, and then modification
    sequences and UIDs in every FETCH response of its own."""
    s, other = session(), session()
    s.append(MAIL)
    s.ok("SELECT INBOX")
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS (\\Draft)")
    assert b"MODSEQ" not in s.ok("NOOP").of("FETCH")[0]
    assert highest(s.ok(command)) > 0
    assert not any(b"HIGHESTMODSEQ" in r and r.startswith(b"* OK")
                   for r in s.ok(command))
    other.ok("STORE 1 +FLAGS (\\Flagged)")
    got = fetched(s.ok("NOOP").of("FETCH")[0])
    assert got["UID"] == 1 and got["MODSEQ"][0] > 1
    assert b"\\Flagged" in got["FLAGS"]
    got = fetched(s.ok("FETCH 1 BODY[]").of("FETCH")[0])
    # \Seen was set by one of these commands, or is now
    assert "MODSEQ" in got or command.startswith("STORE")
    s.ok("UNSELECT")
    assert highest(s.ok("SELECT INBOX")) >= got.get("MODSEQ", [0])[0]


def test_modseq_grows_only_with_changes(session):
    s = session()
    s.append(MAIL)
    s.append(MAIL)
    s.ok("SELECT INBOX (CONDSTORE)")
    before = modseq(s.ok("FETCH 1 MODSEQ"))
    r = s.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
    after = modseq(r)
    assert after > before and "FLAGS" not in fetched(r.of("FETCH")[0])
    assert modseq(s.ok("STORE 1 +FLAGS (\\Flagged)")) == after
    assert modseq(s.ok("STORE 1 -FLAGS.SILENT (\\Draft)")) == after
    assert modseq(s.ok("FETCH 2 MODSEQ"), 2) < after
    r = s.ok(f"FETCH 1:* FLAGS (CHANGEDSINCE {after - 1})")
    assert [fetched(x)["MODSEQ"][0] for x in r.of("FETCH")] == [after]
    assert s.ok(f"FETCH 1:* FLAGS (CHANGEDSINCE {after})").of("FETCH") == []
    assert s.ok(f"SEARCH MODSEQ {after}")[0] == (
        b"* SEARCH 1 (MODSEQ %d)\r\n" % after)
    assert s.ok('SEARCH MODSEQ "/flags/\\\\draft" all 1')[0].startswith(
        b"* SEARCH 1 2 (MODSEQ")
    assert s.ok(f"SEARCH MODSEQ {after + 1}")[0] == b"* SEARCH\r\n"
    r = s.ok("STATUS INBOX (HIGHESTMODSEQ)")
    assert int(re.search(rb"HIGHESTMODSEQ (\d+)", r[0])[1]) >= after
    # what is appended is newer than all before it
    s.append(MAIL)
    assert modseq(s.ok("FETCH 3 MODSEQ"), 3) > after


def test_conditional_store(session):
    a, b = session(), session()
    for _ in range(4):
        a.append(MAIL)
    start = highest(a.ok("SELECT INBOX (CONDSTORE)"))
    b.ok("SELECT INBOX")
    b.ok("STORE 2 +FLAGS (\\Flagged)")
    b.ok("STORE 4 +FLAGS (\\Draft)")
    b.ok("STORE 4 -FLAGS (\\Draft)")	# to and fro is a change, too
    r = a.ok(f"STORE 1:* (UNCHANGEDSINCE {start}) +FLAGS.SILENT (\\Deleted)")
    assert r.text.startswith("[MODIFIED 2,4]"), r.text
    got = {fetched(x)["UID"]: fetched(x) for x in r.of("FETCH")}
    assert sorted(got) == [1, 2, 3, 4]	# also what was changed by the other
    assert b"\\Flagged" in got[2]["FLAGS"]
    b.ok("NOOP")
    flags = [fetched(x)["FLAGS"] for x in b.ok("FETCH 1:* FLAGS").of("FETCH")]
    assert [b"\\Deleted" in f for f in flags] == [True, False, True, False]
    r = a.ok(f"UID STORE 1:4 (UNCHANGEDSINCE 0) +FLAGS (\\Answered)")
    assert r.text.startswith("[MODIFIED 1:4]")
    now = max(got[u]["MODSEQ"][0] for u in got)
    r = a.ok(f"UID STORE 2,4 (UNCHANGEDSINCE {now}) +FLAGS (\\Answered)")
    assert "MODIFIED" not in r.text
    b.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
    b.ok("EXPUNGE")
    r = a.ask(f"STORE 1:4 (UNCHANGEDSINCE {start}) +FLAGS (\\Seen)")
    assert r.status == "NO" and r.text.startswith("[MODIFIED 2,4]")


@pytest.mark.parametrize("command,status", [
    ("STORE 1 (UNCHANGEDSINCE) +FLAGS (\\Seen)", "BAD"),
    ("STORE 1 (UNCHANGEDSINCE -1) +FLAGS (\\Seen)", "BAD"),
    ("STORE 1 (UNCHANGEDSINCE 9223372036854775808) FLAGS (\\Seen)", "BAD"),
    ("STORE 1 (UNCHANGEDSINCE 9223372036854775807) FLAGS (\\Seen)", "OK"),
    ("STORE 1 (FOO 1) FLAGS (\\Seen)", "BAD"), ("STORE 1 () FLAGS ()", "BAD"),
    ("FETCH 1 FLAGS (CHANGEDSINCE)", "BAD"), ("FETCH 1 FLAGS ()", "BAD"),
    ("FETCH 1 FLAGS (VANISHED)", "BAD"), ("FETCH 1 FLAGS (FOO)", "BAD"),
    ("FETCH 1 FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 2)", "BAD"),
    ("UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)", "BAD"),
    ("SELECT INBOX (QRESYNC (1 1))", "BAD"), ("SELECT INBOX (FOO)", "BAD"),
    ("SELECT INBOX ()", "BAD"), ("SEARCH MODSEQ", "BAD"),
    ("SEARCH MODSEQ \"x\" foo 1", "BAD"), ("SEARCH MODSEQ x", "BAD"),
    ("SELECT INBOX (CONDSTORE)", "OK"), ("EXAMINE INBOX (CONDSTORE)", "OK"),
])
def test_syntax(session, command, status):
    s = session()
    s.append(MAIL)
    s.ok("SELECT INBOX")
    assert s.ask(command).status == status


@pytest.mark.parametrize("parameter,status", [
    ("(1 0)", "BAD"), ("(0 1)", "BAD"), ("(1)", "BAD"), ("(1 1 *)", "BAD"),
    ("(1 1 1:*)", "BAD"), ("(1 1 (1 2)", "BAD"), ("(1 1 5 (1 *))", "BAD"),
    ("(1 1 5 (1))", "BAD"), ("(1 1 1:5 (1 1))", "OK"), ("(1 1)", "OK"),
    ("(1 1 (5:1,9,3 4294967295:1))", "OK"), ("(1 9223372036854775807)", "OK"),
])
def test_qresync_syntax(session, parameter, status):
    s = session()
    s.ok("ENABLE QRESYNC")
    r = s.ask(f"SELECT INBOX (QRESYNC {parameter})")
    assert r.status == status
    assert s.ask("CHECK").status == ("OK" if status == "OK" else "BAD")


def test_vanished_instead_of_expunge(session):
    a, b = session(), session()
    for _ in range(6):
        a.append(MAIL)
    a.ok("ENABLE QRESYNC")
    a.ok("SELECT INBOX")
    b.ok("SELECT INBOX")
    b.ok("STORE 1,2,5 +FLAGS.SILENT (\\Deleted)")
    b.ok("EXPUNGE")
    r = a.ok("NOOP")
    assert vanished(r) == {1, 2, 5} and r.of("EXPUNGE") == []
    a.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    r = a.ok("EXPUNGE")
    assert vanished(r) == {3}
    assert highest(r) > 0	# RFC 7162 section 3.2.7
    a.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    r = a.ok("UID EXPUNGE 1:*")
    assert vanished(r) == {4} and "HIGHESTMODSEQ" in r.text
    assert "HIGHESTMODSEQ" not in a.ok("EXPUNGE").text	# nothing went
    a.ok("CREATE x")
    r = a.ok("MOVE 1 x")
    assert vanished(r) == {6} and "HIGHESTMODSEQ" in r.text


def test_vanished_last(session):
    """RFC 7162 section 3.2.6: what vanished may have been the last, and then
    "1:*" names it, too."""
    a, b = session(), session()
    for _ in range(6):
        a.append(MAIL)
    a.ok("ENABLE QRESYNC")
    since = highest(a.ok("SELECT INBOX"))
    b.ok("SELECT INBOX")

    def gone(uids):
        r = a.ok(f"UID FETCH {uids} (FLAGS) (CHANGEDSINCE {since} VANISHED)")
        assert r.of("FETCH") == []
        return vanished(r, earlier=True)

    b.ok("STORE 2,5:6 +FLAGS.SILENT (\\Deleted)")
    b.ok("EXPUNGE")
    assert gone("1:*") == {2, 5, 6}
    assert gone("6:*") == {6} and gone("*") == set() and gone("1:5") == {2, 5}
    b.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    b.ok("EXPUNGE")
    assert gone("1:*") == {1, 2, 3, 4, 5, 6}


def test_held_back_expunge(session):
    """RFC 7162 section 3.2: while VANISHED waits, the client is told a
    modification sequence from before."""
    a, b = session(), session()
    for _ in range(3):
        a.append(MAIL)
    a.ok("ENABLE QRESYNC")
    start = highest(a.ok("SELECT INBOX"))
    b.ok("SELECT INBOX")
    b.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    a.ok("NOOP")
    start = modseq(a.ok("FETCH 1 MODSEQ"))
    b.ok("EXPUNGE")
    r = a.ok("STORE 3 +FLAGS (\\Seen)")
    assert vanished(r) == set()
    assert modseq(r, 3) > highest(r) >= start
    r = a.ok("FETCH 2 FLAGS")
    assert highest(r) < modseq(a.ok("FETCH 3 MODSEQ"), 3)
    assert vanished(a.ok("NOOP")) == {1}
    assert "HIGHESTMODSEQ" not in a.ok("FETCH 2 FLAGS").text


def test_closed(session):
    s = session()
    s.ok("CREATE x")
    assert not any(b"[CLOSED]" in r for r in s.ok("SELECT INBOX"))
    r = s.ok("SELECT x")
    assert r[0].startswith(b"* OK [CLOSED]")
    s.ok("CLOSE")
    assert not any(b"[CLOSED]" in r for r in s.ok("SELECT INBOX"))


def uidvalidity(reply):
    return int(re.search(rb"\[UIDVALIDITY (\d+)\]", b"".join(reply))[1])


def test_resync(session, home):
    a, b = session(), session()
    for _ in range(10):
        a.append(MAIL)
    a.ok("ENABLE QRESYNC")
    r = a.ok("SELECT INBOX")
    validity, since = uidvalidity(r), highest(r)
    a.ok("UNSELECT")
    b.ok("SELECT INBOX")
    b.ok("STORE 3,7,8 +FLAGS.SILENT (\\Deleted)")
    b.ok("EXPUNGE")
    b.ok("UID STORE 5 +FLAGS (\\Answered)")
    b.append(MAIL)

    def back(rest="", since=since):
        r = a.ok(f"SELECT INBOX (QRESYNC ({validity} {since}{rest}))")
        uids = [fetched(x)["UID"] for x in r.of("FETCH")]
        a.ok("UNSELECT")
        return vanished(r, True), uids

    assert back() == ({3, 7, 8}, [5, 11])
    assert back(" 1:4") == ({3}, [])
    assert back(" 5:8") == ({7, 8}, [5])
    # sequence 2 is UID 2 and sequence 3 UID 4; 4 is no longer UID 6
    assert back(" 1:11 (2,3,4 2,4,6)")[0] == {7, 8}
    # sequence 6 is UID 9 now: the client knows of all that went below
    assert back(" 1:11 (6 9)")[0] == set()
    assert back(" (6 9)")[0] == set()
    assert back(" 1:11 (6 6)")[0] == {3, 7, 8}
    assert back(since=2**62) == (set(), [])
    r = a.ok(f"SELECT INBOX (QRESYNC ({validity + 1} 1))")
    assert vanished(r, True) == set() and r.of("FETCH") == []
    # the same by FETCH
    r = a.ok(f"UID FETCH 1:100 FLAGS (CHANGEDSINCE {since} VANISHED)")
    assert vanished(r, True) == {3, 7, 8}
    assert [fetched(x)["UID"] for x in r.of("FETCH")] == [5, 11]
    assert r.index(r.of("VANISHED")[0]) < r.index(r.of("FETCH")[0])
    assert a.ask(f"FETCH 1:* FLAGS (CHANGEDSINCE {since} VANISHED)"
                 ).status == "BAD"
    assert a.ask("UID FETCH 1:* FLAGS (VANISHED)").status == "BAD"
    # without the index all that is missing is named
    a.ok("UNSELECT")
    b.ok("UNSELECT")
    a = session()		# that has seen nothing yet
    a.ok("ENABLE QRESYNC")
    for f in (home / "index").iterdir():
        f.unlink()
    gone, uids = back()
    assert gone >= {3, 7, 8} and not gone & set(uids)
    assert set(uids) == {1, 2, 4, 5, 6, 9, 10, 11}	# all are new to it


class Offline:
    """A client with a cache, that is away most of the time."""

    def __init__(self, make):
        self.make, self.cache, self.since, self.validity = make, {}, 0, 0

    def merge(self, changes):
        """Come back; what was done here while away is played back as RFC
        4549 section 3 has it, on condition.  Answers the cache afterwards."""
        s = self.make()
        s.ok("ENABLE QRESYNC")
        if self.since:
            known = ",".join(map(str, sorted(self.cache))) or "1"
            r = s.ok(f"SELECT INBOX (QRESYNC ({self.validity} {self.since} "
                     f"{known}))")
        else:
            r = s.ok("SELECT INBOX")
        self.validity = uidvalidity(r)
        self.take(r)
        lowest = self.since + 1
        self.since = highest(r)
        for uid, how in changes:
            if uid in self.cache:
                self.take(s.ask(f"UID STORE {uid} (UNCHANGEDSINCE "
                                f"{self.since}) {how}"))
        # what came while away
        newest = max(self.cache, default=0)
        r = s.ok(f"UID FETCH {newest + 1}:* (FLAGS MODSEQ)")
        self.take(r)
        self.take(s.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {lowest - 1} "
                       f"VANISHED)"))
        r = s.ok("UID FETCH 1:* (UID FLAGS)")
        self.take(r)
        true = {}
        for x in r.of("FETCH"):
            got = fetched(x)
            true[got["UID"]] = set(got["FLAGS"]) - {b"\\Recent"}
        s.ok("LOGOUT")
        s.close()
        return true

    def take(self, reply):
        for uid in vanished(reply, True) | vanished(reply):
            self.cache.pop(uid, None)
        for x in reply.of("FETCH"):
            got = fetched(x)
            if "FLAGS" in got:
                self.cache[got["UID"]] = set(got["FLAGS"]) - {b"\\Recent"}


def test_offline_clients(session):
    """Two clients that were away, and one that stays, change the same mailbox;
    after each return a client's cache is the mailbox."""
    rng = random.Random(7)
    stays = session()
    for _ in range(30):
        stays.append(MAIL)
    stays.ok("SELECT INBOX")
    clients = [Offline(session) for _ in range(2)]
    for turn in range(8):
        for _ in range(6):
            n = len(stays.ok("UID SEARCH ALL")[0].split()) - 2
            what = rng.randrange(4)
            if what == 0:
                stays.append(MAIL)
            elif what == 1 and n > 5:
                stays.ok(f"STORE {rng.randint(1, n)} +FLAGS.SILENT "
                         "(\\Deleted)")
                stays.ok("EXPUNGE")
            else:
                stays.ok(f"STORE {rng.randint(1, n)} "
                         f"{rng.choice('+-')}FLAGS ({rng.choice(FLAGS)})")
        c = clients[turn % 2]
        local = [(uid, rng.choice("+-") + f"FLAGS ({rng.choice(FLAGS)})")
                 for uid in rng.sample(sorted(c.cache), min(4, len(c.cache)))]
        assert c.merge(local) == c.cache, turn


FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "work"]


def test_after_a_kill(session, home):
    """A modification sequence that was told is never told again for less, and
    no UID of the expunged comes back, when every process is killed."""
    told = 0
    for _ in range(4):
        s = session()
        s.append(MAIL)
        s.ok("ENABLE QRESYNC")
        r = s.ok("SELECT INBOX")
        assert highest(r) >= told
        r = s.ok("STORE 1 +FLAGS (\\Flagged)")
        r = s.ok("STORE 1 -FLAGS (\\Flagged)")
        told = max(told, modseq(r))
        os.kill(s.pid, 9)
        assert s.ended() == -9
        s.close()
    s = session()
    assert highest(s.ok("SELECT INBOX (CONDSTORE)")) >= told
    assert all(m > 0 for m in [modseq(s.ok("FETCH 1 MODSEQ"))])
