"""POP3 against the real suite: RFC 1939 and 2449, over real sockets.  Mail is
put into the Maildir as any other program would put it there."""

import os
import poplib
import socket
import subprocess

import pytest

from support.instance import DOMAIN, PATIENCE


def fill(i, name, *messages):
    """Messages in new/, as another delivery agent writes them."""
    home = i.home(name)
    uid = i.uid(name)
    for part in ("", "Maildir", "Maildir/new", "Maildir/cur", "Maildir/tmp"):
        (home / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chown(home / part, uid, uid)
    for n, text in enumerate(messages):
        path = home / "Maildir/new" / f"17{n:08}.M{n}P1.host"
        path.write_bytes(text)
        os.chown(path, uid, uid)


PLAIN = b"From: a@example.net\nSubject: one\n\nHello\nworld\n"
DOTS = b"Subject: dots\n\n.\n..\n.x\nend"
EMPTY_BODY = b"Subject: three\n\n"


class Raw:
    """A client that sends what it is told, to the octet."""

    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.f = self.s.makefile("rb")

    def line(self):
        return self.f.readline()

    def say(self, text):
        self.s.sendall(text)
        return self.line()

    def lines(self):
        got = []
        while (l := self.line()) != b".\r\n":
            assert l, "connection ended inside a multi-line response"
            got.append(l)
        return got

    def login(self, name):
        assert self.line().startswith(b"+OK")
        assert self.say(b"USER %s@%s\r\n" % (
            name.encode(), DOMAIN.encode())).startswith(b"+OK")
        return self.say(b"PASS %s-secret\r\n" % name.encode())

    def close(self):
        self.f.close()
        self.s.close()


def test_whole_session(instance):
    fill(instance, "alice", PLAIN, DOTS, EMPTY_BODY)
    c = instance.pop("alice")
    count, size = c.stat()
    sizes = [len(m.replace(b"\n", b"\r\n")) for m in (PLAIN, DOTS, EMPTY_BODY)]
    assert (count, size) == (3, sum(sizes))
    assert [int(l.split()[1]) for l in c.list()[1]] == sizes
    assert b"\r\n".join(c.retr(1)[1]) + b"\r\n" == PLAIN.replace(
        b"\n", b"\r\n")
    # The last line's end is added, and is not in the size of RETR.
    assert c.retr(2)[1] == DOTS.split(b"\n")
    assert c.top(1, 0)[1] == [b"From: a@example.net", b"Subject: one", b""]
    assert c.top(1, 1)[1][-1] == b"Hello"
    assert c.top(1, 99)[1] == c.retr(1)[1]
    ids = [l.split()[1] for l in c.uidl()[1]]
    assert len(set(ids)) == 3
    c.dele(2)
    assert c.stat()[0] == 2
    c.rset()
    assert c.stat()[0] == 3
    c.dele(1)
    c.quit()
    c = instance.pop("alice")
    assert [l.split()[1] for l in c.uidl()[1]] == ids[1:]
    c.quit()


def test_exact_octets_of_retr(instance):
    fill(instance, "alice", DOTS)
    r = Raw(instance.pop_port)
    assert r.login("alice") == b"+OK 1 messages (31 octets)\r\n"
    assert r.say(b"RETR 1\r\n") == b"+OK 31 octets\r\n"
    assert b"".join(r.lines()) == (
        b"Subject: dots\r\n\r\n..\r\n...\r\n..x\r\nend\r\n")
    r.close()


def test_nothing_goes_without_quit(instance):
    fill(instance, "alice", PLAIN, DOTS)
    r = Raw(instance.pop_port)
    r.login("alice")
    assert r.say(b"DELE 1\r\n").startswith(b"+OK")
    r.close()
    instance.await_log(1, event="session-ended", how="eof")
    assert len(instance.maildir("alice")) == 2


def test_maildrop_is_locked(instance):
    fill(instance, "alice", PLAIN)
    one = Raw(instance.pop_port)
    assert one.login("alice").startswith(b"+OK")
    two = Raw(instance.pop_port)
    assert two.login("alice").startswith(b"-ERR [IN-USE]")
    assert one.say(b"QUIT\r\n").startswith(b"+OK")
    instance.await_log(1, event="session-ended", how="quit")
    three = Raw(instance.pop_port)
    assert three.login("alice").startswith(b"+OK")
    for c in (one, two, three):
        c.close()


@pytest.mark.parametrize("line, reply", [
    (b"RETR", b"-ERR"), (b"RETR 0", b"-ERR"), (b"RETR 9", b"-ERR"),
    (b"RETR -1", b"-ERR"), (b"RETR 1 1", b"-ERR"), (b"RETR x", b"-ERR"),
    (b"RETR 99999999999999999999", b"-ERR"),
    (b"DELE 9", b"-ERR"), (b"TOP 1", b"-ERR"), (b"TOP 1 x", b"-ERR"),
    (b"TOP 1 -1", b"-ERR"), (b"LIST 9", b"-ERR"), (b"UIDL 9", b"-ERR"),
    (b"STAT 1", b"-ERR"), (b"NOOP x", b"-ERR"), (b"USER x", b"-ERR"),
    (b"PASS x", b"-ERR"), (b"WAT", b"-ERR"), (b"", b"-ERR"),
    (b"\x00\xff", b"-ERR"), (b"NOOP", b"+OK"), (b"noop", b"+OK"),
    (b"LIST 1", b"+OK 1 "), (b"REST", b"+OK"), (b"CAPA", b"+OK"),
])
def test_each_command_has_its_reply(shared, line, reply):
    name = "u1"
    if not shared.home(name).exists():
        fill(shared, name, PLAIN)
    # Tests in parallel share the instance, not the maildrop's lock.
    r = Raw(shared.pop_port)
    while r.login(name).startswith(b"-ERR [IN-USE]"):
        r.close()
        r = Raw(shared.pop_port)
    assert r.say(line + b"\r\n").startswith(reply)
    if line == b"CAPA":
        r.lines()
    assert r.say(b"NOOP\r\n").startswith(b"+OK")
    assert r.say(b"QUIT\r\n").startswith(b"+OK")
    assert r.line() == b""
    r.close()


@pytest.mark.parametrize("line", [
    b"STAT", b"RETR 1", b"PASS x", b"NOOP", b"USER", b"FOO", b"APOP a b"])
def test_before_login(shared, line):
    r = Raw(shared.pop_port)
    assert r.line().startswith(b"+OK")
    assert r.say(line + b"\r\n").startswith(b"-ERR")
    assert r.say(b"QUIT\r\n").startswith(b"+OK")
    r.close()


def test_everything_in_one_packet(instance):
    fill(instance, "alice", PLAIN)
    r = Raw(instance.pop_port)
    r.s.sendall(b"USER alice@%s\r\nPASS alice-secret\r\nSTAT\r\nRETR 1\r\n"
                b"DELE 1\r\nQUIT\r\n" % DOMAIN.encode())
    text = r.f.read()
    assert text.count(b"+OK") == 7 and b"-ERR" not in text
    instance.await_log(1, event="session-ended", how="quit")
    assert instance.maildir("alice") == []


def test_wrong_passwords_end_the_connection(new_instance):
    i = new_instance(files={"pop3d.conf": "login_failures_max = 2\n"}).start()
    r = Raw(i.pop_port)
    r.line()
    refusals = 0
    while True:
        r.s.sendall(b"USER alice\r\nPASS wrong\r\n")
        if r.line() == b"":
            break
        reply = r.line()
        if not reply.startswith(b"-ERR [AUTH]"):
            break
        refusals += 1
        assert refusals < 10
    assert refusals == 2
    r.close()


def test_a_line_without_end(shared):
    r = Raw(shared.pop_port)
    r.line()
    r.s.sendall(b"USER " + b"x" * 5000)
    assert r.line().startswith(b"-ERR")
    assert r.f.read() == b""
    r.close()


def test_every_cut_of_a_dialogue(instance):
    """The connection breaks after each octet: nothing is lost, nobody falls."""
    fill(instance, "alice", PLAIN)
    whole = (b"USER alice@example.org\r\nPASS alice-secret\r\nDELE 1\r\n"
             b"RETR 1\r\nUIDL\r\n")
    for cut in range(0, len(whole), 3):
        s = socket.create_connection(("127.0.0.1", instance.pop_port))
        s.sendall(whole[:cut])
        s.close()
    assert len(instance.maildir("alice")) == 1
    r = Raw(instance.pop_port)
    while not r.login("alice").startswith(b"+OK"):
        r.close()
        r = Raw(instance.pop_port)
    r.close()


def test_gone_behind_our_back(instance):
    fill(instance, "alice", PLAIN, DOTS)
    c = instance.pop("alice")
    for path in instance.maildir("alice"):
        if b"one" in path.read_bytes():
            path.unlink()
    with pytest.raises(poplib.error_proto):
        c.retr(1)
    assert len(c.retr(2)[1]) > 0
    c.quit()


def test_curl_reads(instance):
    fill(instance, "alice", PLAIN)
    got = subprocess.run(
        ["curl", "-sS", f"pop3://127.0.0.1:{instance.pop_port}/1",
         "-u", f"alice@{DOMAIN}:alice-secret"], capture_output=True,
        timeout=PATIENCE)
    assert got.stdout == PLAIN.replace(b"\n", b"\r\n"), got.stderr


def test_restart_of_authd_and_of_the_gate(instance):
    fill(instance, "alice", PLAIN)
    held = instance.pop("alice")
    instance.kill("authd")
    instance.kill("pop3d")
    instance.await_log(2, event="process-ready", process="pop3d")
    instance.await_log(2, event="process-ready", process="authd")
    assert held.stat()[0] == 1	# a session needs neither
    held.quit()
    c = instance.pop("alice")
    assert c.stat()[0] == 1
    c.quit()
