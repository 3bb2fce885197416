"""mbsync (isync): a Maildir at home and the mailbox are kept alike."""

import os
import shutil

import pytest

from .home import Home
from .world import ALICE, eventually, ok, program

TLS = ["IMAPS", "STARTTLS"]


class Mbsync(Home):
    def __init__(self, desk, doors, tls="IMAPS", name="home"):
        super().__init__(desk, doors, name)
        self.mbsync = program("mbsync")
        self.mail.mkdir()
        state = desk.home / f"{name}-state"
        state.mkdir()
        port = doors.imaps_port if tls == "IMAPS" else doors.imap_port
        self.rc = desk.write(f"mbsyncrc-{name}", f"""
FSync no

IMAPAccount server
Host localhost
Port {port}
User {ALICE}
Pass alice-secret
SSLType {tls}
SystemCertificates no
CertificateFile {doors.ca}

IMAPStore far
Account server

MaildirStore near
Path {self.mail}/
Inbox {self.mail}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState {state}/
""")

    def sync(self):
        return self.desk.run(self.mbsync, "-c", self.rc, "-a")

    def begin(self):
        return self.desk.begin(self.mbsync, "-c", self.rc, "-a")


@pytest.mark.parametrize("tls", TLS)
def test_both_sides_change_and_become_alike(desk, doors, tls):
    """Flags, new letters, deleted ones and a folder, changed on each side
    between two runs, are on both sides after the next, and a further run
    changes nothing; UIDVALIDITY is the same all the time."""
    m = Mbsync(desk, doors, tls)
    doors.put(range(1, 7))
    validity = doors.status("INBOX", "UIDVALIDITY")
    m.sync()
    assert set(m.alike("INBOX")) == set(range(1, 7))

    with doors.phone() as c:
        ok(c.select())
        ok(c.store("1", "+FLAGS", "(\\Flagged \\Seen)"))
        ok(c.store("2", "+FLAGS", "(\\Deleted)"))
        ok(c.expunge())
        ok(c.create('"Far Away"'))
    doors.put([10])
    doors.put([11, 12], "\"Far Away\"")
    m.flag(3, "RS")
    m.flag(4, "T")
    m.write(20)
    m.write(21, "Near by")
    m.sync()

    assert m.alike("INBOX") == {
        1: {"F", "S"}, 3: {"R", "S"}, 5: set(), 6: set(), 10: set(),
        20: set()}
    assert set(m.near("Far Away")) == {11, 12}
    assert doors.letters('"Near by"') == {21: set()}
    assert {"INBOX", "Far Away", "Near by"} <= doors.folders()

    with doors.unchanged("INBOX", '"Far Away"', '"Near by"'):
        m.sync()
    assert doors.status("INBOX", "UIDVALIDITY") == validity


def test_what_was_changed_offline_is_merged(desk, doors):
    """Two homes of one mailbox, both changed while away from it: the same
    letter flagged on each side gets both flags, a letter deleted on one
    side and flagged on the other is gone, and what is new is everywhere."""
    here, there = Mbsync(desk, doors, name="here"), Mbsync(
        desk, doors, name="there")
    doors.put(range(1, 5))
    here.sync()
    there.sync()
    here.flag(1, "F")
    there.flag(1, "S")
    here.flag(2, "T")
    there.flag(2, "R")
    here.write(30)
    there.write(31)
    doors.put([32])
    for m in here, there, here:
        m.sync()
    want = {1: {"F", "S"}, 3: set(), 4: set(), 30: set(), 31: set(),
            32: set()}
    assert here.alike("INBOX") == want
    assert there.alike("INBOX") == want


def test_a_folder_is_removed_on_both_sides(desk, doors):
    """Deleted on the server it goes from home, and removed at home it goes
    from the server, once it is empty; a name may have any characters."""
    m = Mbsync(desk, doors)
    for name in "one", "two", "Gr&APYA3w-en":
        with doors.phone() as c:
            ok(c.create(name))
        doors.put([1], name)
    m.sync()
    assert set(m.near("one")) == set(m.near("Gr&APYA3w-en")) == {1}
    with doors.phone() as c:
        ok(c.select("one"))
        ok(c.store("1", "+FLAGS", "(\\Deleted)"))
        ok(c.expunge())
    m.flag(1, "T", "two")
    m.sync()
    with doors.phone() as c:
        ok(c.delete("one"))
    shutil.rmtree(m.mail / "two")
    m.sync()
    assert not (m.mail / "one").exists()
    assert not {"one", "two"} & doors.folders()
    assert set(m.alike("Gr&APYA3w-en")) == {1}


def test_many_letters_and_a_kill(desk, doors):
    """A first run that is killed half-way, and the next one: each letter is
    at home once, and the server's flags have not changed."""
    m = Mbsync(desk, doors)
    doors.put(range(1, 301), flags="(\\Seen)")
    child = m.begin()
    inbox = m.mail / "INBOX" / "cur"
    eventually(lambda: child.poll() is not None or inbox.exists() and
               len(os.listdir(inbox)) > 30, "no letters come")
    desk.end(child)
    m.sync()
    assert m.alike("INBOX") == {n: {"S"} for n in range(1, 301)}
