"""SORT and THREAD (RFC 5256)."""

import os
import random
import re

from alone.program import UID


def mail(subject, who="a@b.test", date=None, extra=""):
    head = f"From: {who}\nTo: {who}\nSubject: {subject}\n{extra}"
    if date is not None:
        head += f"Date: {date}\n"
    return head.encode() + b"\nbody\n"


def numbers(reply, word="SORT"):
    r, = reply.of(word)
    assert re.fullmatch(rb"\* [A-Z]+( \d+)*\r\n", r), r
    return [int(x) for x in r.split()[2:]]


def threads(reply):
    r, = reply.of("THREAD")
    return r[len(b"* THREAD"):].strip().decode()


def test_keys(session):
    s = session()
    for subject, who, date in [
            ("Re: [list] b", "Zoe@x.test", "1 Feb 2001 00:00:00 +0000"),
            ("A", "adam@x.test", "1 Jan 2001 00:00:00 +0000"),
            ("b", "Bert@x.test", "31 Dec 2000 16:01:33 -0800"),
            ("=?utf-8?q?=C3=84rger?=", "x: c@x.test;", None),
            ("C (fwd)", "", "nonsense"),
            ("c" * 2000, "bert@x.test", "1 Mar 2001 00:00:00 +0000")]:
        s.append(mail(subject, who, date))
    s.ok("SELECT INBOX")
    s.ok("STORE 3 +FLAGS.SILENT (\\Deleted)")

    def sort(keys, criteria="UTF-8 ALL"):
        return numbers(s.ok(f"SORT ({keys}) {criteria}"))

    for _ in range(2):      # the second time from the index
        assert sort("SUBJECT") == [2, 4, 1, 3, 5, 6]
        assert sort("SUBJECT REVERSE DATE") == [2, 4, 1, 3, 5, 6]
        assert sort("SUBJECT DATE") == [2, 4, 3, 1, 5, 6]
        # only that criterion is turned round, not the order of equals
        assert sort("REVERSE SUBJECT") == [6, 5, 1, 3, 4, 2]
        assert sort("FROM") == [5, 2, 3, 6, 4, 1]
        assert sort("TO SUBJECT") == [5, 2, 3, 6, 4, 1]
        assert sort("CC") == [1, 2, 3, 4, 5, 6]
        # without a date of its own the one of its arrival counts
        assert sort("DATE") == [2, 3, 1, 6, 4, 5]
        assert sort("SIZE")[-1] == 6
        assert sort("REVERSE ARRIVAL REVERSE SUBJECT")[-1] in range(1, 7)
        assert sort("SUBJECT", "US-ASCII DELETED") == [3]
        assert sort("SUBJECT", "UTF-8 SUBJECT none") == []
    s.ok("EXPUNGE")
    assert numbers(s.ok("UID SORT (SUBJECT) UTF-8 ALL")) == [2, 4, 1, 5, 6]
    r = s.ask("SORT (SUBJECT) x-none ALL")
    assert r.status == "NO" and r.text.startswith("[BADCHARSET")
    # RFC 7162 section 3.1.9: of those found, and nothing without any
    r, = s.ok("SORT (SUBJECT) UTF-8 MODSEQ 1").of("SORT")
    assert re.fullmatch(rb"\* SORT 2 3 1 4 5 \(MODSEQ [1-9]\d*\)\r\n", r), r
    assert numbers(s.ok(f"SORT (SUBJECT) UTF-8 MODSEQ {2**62}")) == []
    s.ok("UNSELECT")
    assert s.ask("SORT (SUBJECT) UTF-8 ALL").status == "BAD"


def test_arrival(session):
    s = session()
    for day in (3, 1, 2):
        s.ok(f'APPEND INBOX " {day}-Feb-1994 21:52:25 -0800" {{}}',
             mail("x").replace(b"\n", b"\r\n"))
    s.ok("SELECT INBOX")
    assert numbers(s.ok("SORT (ARRIVAL) UTF-8 ALL")) == [2, 3, 1]
    assert numbers(s.ok("SORT (REVERSE ARRIVAL) UTF-8 ALL")) == [1, 3, 2]


def test_threads(session):
    s = session()
    day = "{} Jan 2001 00:00:00 +0000"
    for n, (subject, extra) in enumerate([
            ("one", "Message-ID: <1@x>\n"),
            ("Re: one", "Message-ID: <2@x>\nReferences: <1@x>\n"),
            ("other", "Message-ID: <3@x>\nIn-Reply-To: <\"1\"@x>\n"),
            ("Re: one", "Message-ID: <4@x>\nReferences: <1@x> <2@x>\n"),
            ("lost", "Message-ID: <5@x>\nReferences: <gone@x>\n"),
            ("Re: lost", "Message-ID: <6@x>\nReferences: <gone@x>\n"),
            ("", ""), ("", "")], 1):
        s.append(mail(subject, date=day.format(n), extra=extra))
    s.ok("SELECT INBOX")
    for _ in range(2):
        assert threads(s.ok("THREAD REFERENCES UTF-8 ALL")) == (
            "(1 (2 4)(3))((5)(6))(7)(8)")
        assert threads(s.ok("THREAD ORDEREDSUBJECT UTF-8 ALL")) == (
            "(1 (2)(4))(3)(5 6)(7 8)")
        assert threads(s.ok("THREAD REFERENCES UTF-8 2:4")) == "((3)(2 4))" or \
            threads(s.ok("THREAD REFERENCES UTF-8 2:4")) == "((2 4)(3))"
    assert s.ok("THREAD REFERENCES UTF-8 SUBJECT none").of("THREAD") == [
        b"* THREAD\r\n"]
    s.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    s.ok("EXPUNGE")
    assert "2" in threads(s.ok("UID THREAD REFERENCES UTF-8 UID 2"))


def fill(home, count, make):
    """As another program delivers: files in new/."""
    for n in range(count):
        path = home / "Maildir" / "new" / f"1.{n:06}.x"
        path.write_bytes(make(n))
        os.chown(path, UID, UID)


def test_many(session, home):
    """Wicked references among 3,000 messages, and each is told once."""
    rng = random.Random(1)

    def make(n):
        refs = " ".join(f"<{rng.randrange(4000)}@x>"
                        for _ in range(rng.randrange(30)))
        return mail(rng.choice(["a", "Re: a", "b", "[fwd: b]", ""]),
                    extra=f"Message-ID: <{n}@x>\nReferences: {refs}\n")

    s = session()
    fill(home, 3000, make)
    s.ok("SELECT INBOX")
    for command in ("SORT (SUBJECT DATE FROM REVERSE SIZE) UTF-8 ALL",
                    "THREAD REFERENCES UTF-8 ALL",
                    "THREAD ORDEREDSUBJECT UTF-8 ALL"):
        r = s.ok(command)[-1]
        assert sorted(int(x) for x in re.findall(rb"\d+", r)) == list(
            range(1, 3001))
        assert r.count(b"(") == r.count(b")")


def test_a_chain_as_deep_as_it_is_long(session, home):
    s = session()
    fill(home, 2000, lambda n: mail(
        "x", date="1 Jan 2001 00:00:00 +0000",
        extra=f"Message-ID: <{n}@x>\nIn-Reply-To: <{n - 1}@x>\n"))
    s.ok("SELECT INBOX")
    assert threads(s.ok("THREAD REFERENCES UTF-8 ALL")) == "(%s)" % " ".join(
        str(n) for n in range(1, 2001))


def test_no_expunge_while_sorting(session):
    s, other = session(), session()
    for n in range(3):
        s.append(mail(str(n)))
    for command in ("SORT (SUBJECT)", "THREAD REFERENCES"):
        s.ok("SELECT INBOX")
        other.ok("SELECT INBOX")
        other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
        assert s.ok(f"{command} UTF-8 ALL").of("EXPUNGE") == []
        assert s.ok("NOOP").of("EXPUNGE") == [b"* 1 EXPUNGE\r\n"]
