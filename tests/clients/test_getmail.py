"""getmail6, by POP3 and by IMAP, into a Maildir."""

import pwd

import pytest

from .world import ALICE, eventually, ok, program, taken


class Getmail:
    def __init__(self, desk, doors):
        self.desk, self.doors = desk, doors
        self.getmail = program("getmail")
        self.mail = desk.home / "Got"
        for sub in "tmp", "new", "cur":
            (self.mail / sub).mkdir(parents=True)
        # It refuses to write a Maildir as root, or as one without a name.
        desk.own(pwd.getpwnam("nobody").pw_uid)

    def rc(self, kind, port, more="", options=""):
        (self.desk.home / ".getmail").mkdir(exist_ok=True)
        self.desk.write(".getmail/getmailrc", f"""
[retriever]
type = {kind}
server = localhost
port = {port}
username = {ALICE}
password = alice-secret
{f"ca_certs = {self.desk.ca}" if "SSL" in kind else ""}
{more}

[destination]
type = Maildir
path = {self.mail}/

[options]
verbose = 2
{options}
""")
        self.desk.own(self.desk.uid)

    def command(self, *more):
        return (self.getmail, "--getmaildir", self.desk.home / ".getmail",
                *more)

    def run(self, *more):
        self.said = self.desk.run(*self.command(*more))
        return self.taken()

    def taken(self):
        return taken((self.mail / "new").iterdir())


@pytest.fixture
def getmail(desk, doors):
    return Getmail(desk, doors)


def test_pop3_into_a_maildir(getmail, doors):
    """Each letter once while they are left there, by their UIDLs; with delete
    they are gone from the server when they have been fetched."""
    doors.put([1, 2, 3])
    getmail.rc("SimplePOP3SSLRetriever", doors.pops_port,
               options="delete = false\nread_all = false")
    assert getmail.run() == [1, 2, 3]
    doors.put([4])
    assert getmail.run() == [4]
    assert getmail.run() == []
    assert set(doors.letters()) == {1, 2, 3, 4}
    getmail.rc("SimplePOP3SSLRetriever", doors.pops_port,
               options="delete = true\nread_all = true")
    assert getmail.run() == [1, 2, 3, 4]
    assert doors.letters() == {}


def test_imap_into_a_maildir(getmail, doors):
    """Two folders by IMAP; what is deleted is moved to a third, and what is
    left there is not fetched again."""
    with doors.phone() as c:
        for name in "Lists", "Done":
            ok(c.create(name))
    doors.put([1, 2])
    doors.put([3], "Lists")
    mailboxes = 'mailboxes = ("INBOX", "Lists")'
    getmail.rc("SimpleIMAPSSLRetriever", doors.imaps_port, mailboxes,
               "delete = false\nread_all = false")
    assert getmail.run() == [1, 2, 3]
    doors.put([4], "Lists")
    assert getmail.run() == [4]
    assert set(doors.letters()) == {1, 2}
    getmail.rc("SimpleIMAPSSLRetriever", doors.imaps_port,
               f"{mailboxes}\nmove_on_delete = Done",
               "delete = true\nread_all = true")
    assert getmail.run() == [1, 2, 3, 4]
    assert doors.letters() == doors.letters("Lists") == {}
    assert set(doors.letters("Done")) == {1, 2, 3, 4}


def test_imap_idle(desk, getmail, doors):
    """getmail --idle has each letter as soon as it arrives."""
    getmail.rc("SimpleIMAPSSLRetriever", doors.imaps_port, "",
               "delete = false\nread_all = false")
    child = desk.begin(*getmail.command("--trace", "--idle", "INBOX"))
    for number in 1, 2, 3:
        eventually(lambda: child.log.read_text().count("Entering IDLE")
                   == number, lambda: child.log.read_text()[-3000:])
        doors.put([number])
        eventually(lambda: number in getmail.taken(),
                   lambda: child.log.read_text()[-3000:])
    assert child.poll() is None, child.log.read_text()
