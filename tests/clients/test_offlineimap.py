"""offlineimap: a Maildir at home and the mailbox are kept alike, and its own
UIDs say which is which."""

import os

import pytest

from .world import ALICE, letter, number_of, ok, program

LETTERS = {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F",
           "\\Draft": "D", "\\Deleted": "T"}


class Offlineimap:
    def __init__(self, desk, doors, tls="ssl", name="home"):
        self.desk, self.doors = desk, doors
        self.program = program("offlineimap")
        self.mail = desk.home / name
        self.rc = desk.write(f"offlineimaprc-{name}", f"""
[general]
accounts = a
metadata = {desk.home}/metadata-{name}
ui = basic
fsync = false

[Account a]
localrepository = here
remoterepository = there

[Repository here]
type = Maildir
localfolders = {self.mail}

[Repository there]
type = IMAP
remotehost = localhost
remoteport = {doors.imaps_port if tls == "ssl" else doors.imap_port}
remoteuser = {ALICE}
remotepass = alice-secret
ssl = {"yes" if tls == "ssl" else "no"}
starttls = {"no" if tls == "ssl" else "yes"}
sslcacertfile = {doors.ca}
""")

    def sync(self):
        return self.desk.run(self.program, "-o", "-c", self.rc)

    def files(self, folder="INBOX"):
        found = {}
        for sub in "new", "cur":
            for path in (self.mail / folder / sub).iterdir():
                number = number_of(path.read_bytes())
                assert number not in found, f"{number} is there twice"
                found[number] = path
        return found

    def near(self, folder="INBOX"):
        return {n: set(p.name.partition(":2,")[2])
                for n, p in self.files(folder).items()}

    def far(self, folder="INBOX"):
        return {n: {LETTERS[f] for f in flags if f in LETTERS}
                for n, flags in self.doors.letters(folder).items()}

    def flag(self, number, letters, folder="INBOX"):
        path = self.files(folder)[number]
        name, _, old = path.name.partition(":2,")
        os.rename(path, self.mail / folder / "cur" /
                  f"{name}:2,{''.join(sorted(set(old + letters)))}")

    def write(self, number, folder="INBOX"):
        for sub in "tmp", "new", "cur":
            (self.mail / folder / sub).mkdir(parents=True, exist_ok=True)
        (self.mail / folder / "new" / f"{number}.here").write_bytes(
            letter(number).replace(b"\r\n", b"\n"))


@pytest.mark.parametrize("tls", ["ssl", "starttls"])
def test_both_sides_change_and_become_alike(desk, doors, tls):
    """Flags, new letters, deleted ones and folders, changed on each side
    between two runs; the next makes them alike, a further run changes
    nothing, and UIDVALIDITY is the same all the time."""
    o = Offlineimap(desk, doors, tls)
    doors.put(range(1, 7))
    validity = doors.status("INBOX", "UIDVALIDITY")
    o.sync()
    assert set(o.near()) == set(range(1, 7))

    with doors.phone() as c:
        ok(c.select())
        ok(c.store("1", "+FLAGS", "(\\Flagged \\Seen)"))
        ok(c.store("2", "+FLAGS", "(\\Deleted)"))
        ok(c.expunge())
        ok(c.create("Away"))
    doors.put([10])
    doors.put([11, 12], "Away")
    o.flag(3, "RS")
    o.files()[4].unlink()
    o.flag(5, "F")
    o.write(20)
    o.write(21, "Near by")
    o.sync()

    want = {1: {"F", "S"}, 3: {"R", "S"}, 5: {"F"}, 6: set(), 10: set(),
            20: set()}
    assert o.near() == want
    assert o.far() == want
    assert o.near("Away") == o.far("Away") == {11: set(), 12: set()}
    assert doors.letters('"Near by"') == {21: set()}

    changes = [doors.status(f, "HIGHESTMODSEQ")
               for f in ("INBOX", "Away", '"Near by"')]
    o.sync()
    assert changes == [doors.status(f, "HIGHESTMODSEQ")
                       for f in ("INBOX", "Away", '"Near by"')]
    assert doors.status("INBOX", "UIDVALIDITY") == validity


def test_what_was_changed_offline_is_merged(desk, doors):
    """Two homes of one mailbox: flags set in each meet on the server, and
    what one deletes and the other flags is gone."""
    here = Offlineimap(desk, doors, name="here")
    there = Offlineimap(desk, doors, name="there")
    doors.put(range(1, 5))
    here.sync()
    there.sync()
    here.flag(1, "F")
    there.flag(1, "S")
    here.files()[2].unlink()
    there.flag(2, "R")
    here.write(30)
    there.write(31)
    doors.put([32])
    for o in here, there, here:
        o.sync()
    want = {1: {"F", "S"}, 3: set(), 4: set(), 30: set(), 31: set(),
            32: set()}
    assert here.near() == there.near() == here.far() == want
