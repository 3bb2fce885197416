"""SEND, SOML and SAML (RFC 821 section 3.4): to the terminals on which the
recipient is logged in, by a process of that user's; with a utmp file and
terminals of the test's own."""

import os
import pty
import select
import struct
import time
import tty

import pytest

from support.instance import DOMAIN, PATIENCE
from .test_forward import until
from .world import World

USER_PROCESS = 7
RECORD = "<hxxi32s4s32s256shhiii4i20x"		# utmp(5), 64 bits
LETTER = (b"From: a@example.net\r\nX-Hidden: y\r\nSubject: tea\r\n\r\n"
          b"It is \x1b[2J\x1b]0;evil\x07 ready.\r\n..dots\r\n")


class Terminal:
    def __init__(self, uid, mode=0o620):
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)
        os.chown(self.path, uid, 5)
        os.chmod(self.path, mode)

    @property
    def line(self):
        return self.path.removeprefix("/dev/")

    def read(self, patience=PATIENCE, until=b"EOF\r\n"):
        got, end = b"", time.monotonic() + patience
        while until not in got and time.monotonic() < end:
            if select.select([self.master], [], [], 0.05)[0]:
                got += os.read(self.master, 65536)
        return got

    def silent(self):
        return not select.select([self.master], [], [], 0.2)[0]

    def close(self):
        os.close(self.master)
        os.close(self.slave)


class Host(World):
    def __init__(self, folder, smtpd="terminals = yes\n", files=None):
        super().__init__(folder, files={"smtpd.conf": smtpd,
                                        **(files or {})})
        self.utmp = self.where / "utmp"
        self.utmp.touch()
        conf = (self.i.conf / "bulkhead.conf").read_text()
        self.i.write("bulkhead.conf", conf + f"utmp_file = {self.utmp}\n")
        self.terminals = []

    def logged_in(self, *entries):
        """As login(1) writes it: in place.  (name, line[, type])"""
        text = b"".join(struct.pack(
            RECORD, (e + (USER_PROCESS,))[2], 1, e[1].encode(), b"x",
            e[0].encode(), b"", 0, 0, 0, 0, 0, 0, 0, 0, 0)
            for e in entries)
        with open(self.utmp, "r+b") as f:
            f.write(text)
            f.truncate()

    def terminal(self, name, mode=0o620, owner=None):
        t = Terminal(self.uids[owner or name], mode)
        self.terminals.append(t)
        return t

    def close(self):
        for t in self.terminals:
            t.close()
        super().close()


@pytest.fixture
def host(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("supervisor must be started by root")
    made = []

    def make(**options):
        w = Host(tmp_path / f"h{len(made)}", **options)
        made.append(w)
        w.i.start()
        return w

    yield make
    for w in made:
        w.close()


def begin(c, verb, name, code=250):
    c.ehlo()
    assert c.docmd(f"{verb} FROM:<a@example.net>")[0] == 250
    got = c.docmd(f"RCPT TO:<{name}@{DOMAIN}>")
    assert got[0] == code, got
    return got[1]


def send(w, verb, name, letter=LETTER):
    with w.i.smtp() as c:
        begin(c, verb, name)
        assert c.docmd("DATA")[0] == 354
        c.send(letter + b".\r\n")
        assert c.getreply()[0] == 250


VERBS = ["SEND", "SOML", "SAML"]


@pytest.mark.parametrize("verb", VERBS)
def test_off_by_default(host, verb):
    w = host(smtpd="")
    with w.i.smtp() as c:
        c.ehlo()
        assert not c.has_extn(verb)
        assert c.docmd(f"{verb} FROM:<a@example.net>") == (
            502, b"5.5.1 Command not implemented")


def test_listed_and_in_their_place(host):
    w = host(smtpd="terminals = yes\nmax_errors = 100\n")
    with w.i.smtp() as c:
        assert c.docmd("SEND FROM:<a@example.net>")[0] == 503
        c.ehlo()
        for verb in VERBS:
            assert c.has_extn(verb)
            assert c.docmd(verb)[0] == 501
            assert c.docmd(f"{verb} FROM:<a@example.net>")[0] == 250
            for other in VERBS + ["MAIL"]:
                assert c.docmd(f"{other} FROM:<b@example.net>")[0] == 503
            assert c.docmd("DATA")[0] == 554
            assert c.docmd("RSET")[0] == 250
        # To no other host, and to nobody.
        c.docmd("SEND FROM:<a@example.net>")
        assert c.docmd("RCPT TO:<x@elsewhere.example>")[0] == 550
        assert c.docmd(f"RCPT TO:<nobody-here@{DOMAIN}>")[0] == 550


def test_send(host):
    w = host()
    one, two = w.terminal("walt"), w.terminal("walt")
    other = w.terminal("rita")
    w.logged_in(("walt", one.line), ("rita", other.line),
                ("walt", two.line))
    send(w, "SEND", "walt")
    for t in one, two:
        text = t.read()
        assert text.startswith(b"\a\r\nMessage from a@example.net\r\n")
        assert b"Subject: tea\r\n" in text and b"X-Hidden" not in text
        assert b"It is ?[2J?]0;evil? ready.\r\n.dots\r\n" in text
        # Of all that could do something to a terminal, the bell is ours.
        assert text.count(b"\a") == 1 and b"\x1b" not in text
    assert other.silent()
    w.i.await_empty_queue()
    assert not w.maildir("walt")		# and no mailbox


def test_send_is_refused_for_one_who_is_not_there(host):
    w = host()
    t = w.terminal("rita")
    w.logged_in(("rita", t.line), ("walt", "pts/9999", 8))	# has gone
    with w.i.smtp() as c:
        assert begin(c, "SEND", "walt", 450).startswith(b"4.2.1")
        assert c.docmd(f"RCPT TO:<alice@{DOMAIN}>")[0] == 450	# virtual
        assert c.docmd(f"RCPT TO:<rita@{DOMAIN}>")[0] == 250
        # Another one logs in, and is found at once.
        w.logged_in(("walt", "pts/9999"), ("rita", t.line))
        assert c.docmd(f"RCPT TO:<walt@{DOMAIN}>")[0] == 250


def test_send_to_one_of_two(host):
    """Behind an alias stands somebody who can have no terminal: that is said,
    also when the address is remembered from mail, and no mail is made of it."""
    w = host(files={"aliases": "both: walt, alice\n"})
    t = w.terminal("walt")
    w.logged_in(("walt", t.line))
    with w.i.smtp() as c:
        c.sendmail("a@example.net", [f"alice@{DOMAIN}"], LETTER)
        w.i.await_mail("alice", 1)
        c.ehlo()
        assert c.docmd(f"SEND FROM:<rita@{DOMAIN}>")[0] == 250
        assert c.docmd(f"RCPT TO:<both@{DOMAIN}>")[0] == 250
        assert c.docmd("DATA")[0] == 354
        c.send(LETTER + b".\r\n")
        assert c.getreply()[0] == 250
    assert b"Subject: tea" in t.read()
    until(lambda: w.maildir("rita"), "no report", w)
    w.i.await_empty_queue()
    assert len(w.i.messages("alice")) == 1


def test_soml(host):
    w = host()
    t = w.terminal("walt")
    send(w, "SOML", "walt")			# not there: mail
    until(lambda: len(w.maildir("walt")) == 1, "no mail", w)
    w.logged_in(("walt", t.line))
    send(w, "SOML", "walt")			# there: no mail
    assert b"ready" in t.read()
    send(w, "SOML", "alice")			# a virtual user: mail
    w.i.await_mail("alice", 1)
    w.i.await_empty_queue()
    assert len(w.maildir("walt")) == 1


def test_saml(host):
    w = host()
    t = w.terminal("walt")
    send(w, "SAML", "walt")
    until(lambda: len(w.maildir("walt")) == 1, "no mail", w)
    w.logged_in(("walt", t.line))
    send(w, "SAML", "walt")
    assert b"ready" in t.read()
    until(lambda: len(w.maildir("walt")) == 2, "no mail", w)
    send(w, "SAML", "alice")
    w.i.await_mail("alice", 1)


def test_mail_is_mail(host):
    w = host()
    t = w.terminal("walt")
    w.logged_in(("walt", t.line))
    w.send("walt")
    until(lambda: w.maildir("walt"), "no mail", w)
    assert t.silent()


@pytest.mark.parametrize("what", ["mesg n", "another's", "a file", "a way out",
                                  "no such"])
def test_not_to_this_one(host, what):
    """Who takes no messages, and what is no terminal of the user's."""
    w = host()
    t = w.terminal("walt", 0o600 if what == "mesg n" else 0o622,
                   owner="rita" if what == "another's" else None)
    line = t.line
    victim = w.put("walt", "victim", "as it was", mode=0o666)
    if what in ("a file", "a way out"):
        line = os.path.relpath(victim, "/dev") if what == "a way out" else \
            "shm/bulkhead-test-%d" % os.getpid()
    if what == "no such":
        line = "pts/99999"
    made = "/dev/" + line if what == "a file" else None
    if made:
        with open(made, "w") as f:
            f.write("as it was")
        os.chown(made, w.uids["walt"], w.uids["walt"])
        os.chmod(made, 0o666)
    try:
        w.logged_in(("walt", line))
        send(w, "SAML", "walt")
        until(lambda: w.maildir("walt"), "no mail", w)
        assert w.i.await_log(1, event="terminals", user="walt")[0][
            "shown"] == "0"
        assert t.silent() and victim.read_text() == "as it was"
        assert not made or open(made).read() == "as it was"
        # SEND, which promised nothing but that, comes back.
        if what == "mesg n":
            with w.i.smtp() as c:
                c.ehlo()
                c.docmd(f"SEND FROM:<bob@{DOMAIN}>")
                assert c.docmd(f"RCPT TO:<walt@{DOMAIN}>")[0] == 250
                c.docmd("DATA")
                c.send(LETTER + b".\r\n")
                assert c.getreply()[0] == 250
            w.i.await_mail("bob", 1)
            assert b"Status: 5.2.1" in w.i.messages("bob")[0]
    finally:
        if made:
            os.unlink(made)


def test_a_terminal_that_takes_nothing_is_not_waited_for(host):
    w = host()
    t = w.terminal("walt")
    w.logged_in(("walt", t.line))
    os.set_blocking(t.slave, False)
    def fill():
        written = 0
        for size in 4096, 1:
            try:
                while True:
                    written += os.write(t.slave, b"x" * size)
            except BlockingIOError:
                pass
        return written

    # The kernel moves some of it on to who does not read it, for a while.
    idle = 0
    while idle < 5:
        idle = 0 if fill() else idle + 1
        time.sleep(0.05)
    send(w, "SOML", "walt")
    until(lambda: w.maildir("walt"), "no mail", w)


def test_a_long_one_is_cut(host):
    w = host()
    t = w.terminal("walt")
    w.logged_in(("walt", t.line))
    send(w, "SEND", "walt", b"Subject: x\r\n\r\n" + b"line\r\n" * 1000)
    text = t.read(until=b"[cut]\r\n")
    assert text.endswith(b"[cut]\r\n") and text.count(b"\n") < 70
