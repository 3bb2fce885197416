"""fetchmail, by POP3 and by IMAP, to a file and on by SMTP."""

import re
import shlex

import pytest

from .world import ALICE, BOB, eventually, ok, program, taken

NOTHING_NEW = 1		# fetchmail's status for: no mail


class Fetchmail:
    def __init__(self, desk, doors):
        self.desk, self.doors = desk, doors
        self.fetchmail = program("fetchmail")
        self.got = desk.home / "got"
        self.got.mkdir()
        self.mda = desk.write("take", f"#!/bin/sh\ncd {self.got} &&\n"
                              "cat >tmp.$$ && mv tmp.$$ letter.$$\n", 0o700)

    def rc(self, protocol, port, words, tls="ssl", to=None):
        """words that begin with uidl: that is said of the server."""
        uidl, words = ("uidl", words[5:]) if words.startswith("uidl ") else (
            "", words)
        secured = {"ssl": "ssl", "tls": "sslproto TLS1.2+"}[tls]
        to = to or f'mda "{shlex.quote(str(self.mda))}"'
        self.desk.write("fetchmailrc", f"""
set idfile "{self.desk.home}/ids"
set pidfile "{self.desk.home}/pid"
poll localhost service {port} protocol {protocol} {uidl}
    user "{ALICE}" password "alice-secret"
    {secured} sslcertck sslcertfile "{self.doors.ca}" sslcertpath "/nowhere"
    {words} {to}
""")

    def command(self, *more):
        return (self.fetchmail, "-f", self.desk.home / "fetchmailrc",
                "--nodetach", "--nosyslog", "-v", *more)

    def poll(self, *more, status=(0,)):
        """One run; the numbers of the letters that came with it."""
        self.said = self.desk.run(*self.command(*more), status=status,
                                  **self.desk.libraries)
        return self.taken()

    def taken(self):
        return taken(self.got.glob("letter.*"))


@pytest.fixture
def fetchmail(desk, doors):
    return Fetchmail(desk, doors)


@pytest.mark.parametrize("tls", ["ssl", "tls"])
def test_pop3_uidl_keep_and_flush(fetchmail, doors, tls):
    """With keep and UIDL each letter is fetched once and stays; --flush takes
    away what was seen, and without keep what is fetched is gone."""
    port = doors.pops_port if tls == "ssl" else doors.pop_port
    doors.put([1, 2, 3])
    fetchmail.rc("pop3", port, "uidl keep", tls)
    assert fetchmail.poll() == [1, 2, 3]
    assert "TLSv1" in fetchmail.said or "SSL" in fetchmail.said
    doors.put([4])
    assert fetchmail.poll() == [4]
    assert fetchmail.poll(status=(NOTHING_NEW,)) == []
    assert set(doors.letters()) == {1, 2, 3, 4}

    doors.put([5])
    fetchmail.rc("pop3", port, "uidl no keep flush", tls)
    assert fetchmail.poll() == [5]
    assert doors.letters() == {}
    fetchmail.rc("pop3", port, "no keep fetchall", tls)
    doors.put([6, 7])
    assert fetchmail.poll() == [6, 7]
    assert doors.letters() == {}


def test_imap_by_flags(fetchmail, doors):
    """By IMAP what is unseen is fetched and marked seen; without keep it is
    expunged, and other folders are read when they are named."""
    with doors.phone() as c:
        ok(c.create("Lists"))
    doors.put([1, 2])
    doors.put([3], flags="(\\Seen)")
    doors.put([9], "Lists")
    fetchmail.rc("imap", doors.imaps_port, 'keep folder INBOX,"Lists"')
    assert fetchmail.poll() == [1, 2, 9]
    assert doors.letters() == {1: {"\\Seen"}, 2: {"\\Seen"}, 3: {"\\Seen"}}
    assert fetchmail.poll(status=(NOTHING_NEW,)) == []
    fetchmail.rc("imap", doors.imap_port, "no keep fetchall", "tls")
    assert fetchmail.poll() == [1, 2, 3]
    assert doors.letters() == {}
    assert doors.letters("Lists") == {9: {"\\Seen"}}


def test_imap_idle(desk, fetchmail, doors):
    """A fetchmail that idles has each letter as soon as it arrives."""
    fetchmail.rc("imap", doors.imaps_port, "keep idle")
    child = desk.begin(*fetchmail.command(), **desk.libraries)
    for number in 1, 2:
        eventually(lambda: len(re.findall(r"IMAP> \S+ IDLE",
                                          child.log.read_text())) == number,
                   lambda: child.log.read_text()[-3000:])
        doors.put([number])
        eventually(lambda: fetchmail.taken() == [number],
                   lambda: child.log.read_text()[-3000:])
    assert child.poll() is None, child.log.read_text()


def test_on_by_smtp_to_another(fetchmail, doors):
    """From alice's maildrop by POP3 into bob's mailbox by SMTP, octet for
    octet but for the trace."""
    text = "Caf\u00e9.\r\n.\r\n..two dots\r\n" + "x" * 900
    doors.put([1, 2], body=text)
    fetchmail.rc("pop3", doors.pops_port, "no keep fetchall", to=(
        f"smtphost 127.0.0.1/{doors.smtp_port} smtpname {BOB}"))
    fetchmail.poll()
    assert doors.letters() == {}
    doors.await_mail("bob", 2)
    for octets in doors.messages("bob"):
        body = octets.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
        assert body == text.replace("\r\n", "\n").encode() + b"\n"
