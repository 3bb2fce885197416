"""offlineimap: a Maildir at home and the mailbox are kept alike, and its own
UIDs say which is which."""

import pytest

from .home import Home
from .world import ALICE, ok, program


class Offlineimap(Home):
    def __init__(self, desk, doors, tls="ssl", name="home"):
        super().__init__(desk, doors, name)
        self.program = program("offlineimap")
        # It reads and writes one TLS connection in two threads.  With TLS 1.3
        # the reading one is in the library, for the session tickets, while
        # the other one writes: now and then that is the end of it.
        self.openssl = desk.write("openssl.cnf", "openssl_conf = a\n"
                                  "[a]\nssl_conf = b\n[b]\n"
                                  "system_default = c\n[c]\n"
                                  "MaxProtocol = TLSv1.2\n")
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

    def run(self, **more):
        return self.desk.run(self.program, "-o", "-c", self.rc,
                             OPENSSL_CONF=str(self.openssl), **more)

    def sync(self):
        return self.run()


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
    assert o.alike("INBOX", "Away") == want
    assert o.near("Away") == {11: set(), 12: set()}
    assert doors.letters('"Near by"') == {21: set()}

    with doors.unchanged("INBOX", "Away", '"Near by"'):
        o.sync()
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
    assert here.alike("INBOX") == there.alike("INBOX") == want
