"""POP3 against the real suite: RFC 1939 and 2449, over real sockets.  Mail is
put into the Maildir as any other program would put it there."""

import base64
import hashlib
import os
import poplib
import re
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


def test_retrieval_in_turn_and_out_of_turn(instance):
    """The next message is opened while the client reads the last.  Whatever
    he does instead of asking for it, alone or many commands at once: each
    reply is its own."""
    texts = [b"Subject: %d\n\n" % n + b"\n".join(
        b".%d line of %d" % (k, n) for k in range(size)) + b"\n"
        for n, size in enumerate((1, 700, 0, 3, 20000, 2, 700, 700, 5, 1))]
    fill(instance, "alice", *texts)
    r = Raw(instance.pop_port)
    assert r.login("alice").startswith(b"+OK 10 ")
    head = [b"Subject: %d\r\n" % n for n in range(10)]
    whole = [[l.replace(b".", b"..", l.startswith(b".")) + b"\r\n"
              for l in t.split(b"\n")[:-1]] for t in texts]
    commands = [(b"RETR %d" % n, whole[n - 1]) for n in (
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 1, 2, 4, 5, 6, 6, 7, 8)]
    commands += [(b"TOP 9 0", [head[8], b"\r\n"]), (b"RETR 9", whole[8]),
                 (b"RETR 10", whole[9]), (b"RETR 1", whole[0]),
                 (b"RETR 2", whole[1]), (b"DELE 3", None),
                 (b"RETR 3", b"-ERR"), (b"RETR 4", whole[3]),
                 (b"RETR 5", whole[4]), (b"TOP 6 0", [head[5], b"\r\n"]),
                 (b"NOOP", None), (b"RSET", None), (b"RETR 6", whole[5]),
                 (b"RETR 7", whole[6])]
    for together in (1, 2, 5, len(commands)):
        for at in range(0, len(commands), together):
            some = commands[at:at + together]
            r.s.sendall(b"".join(c + b"\r\n" for c, _ in some))
            for c, expected in some:
                got = r.line()
                if expected == b"-ERR":
                    assert got.startswith(b"-ERR"), (c, got)
                    continue
                assert got.startswith(b"+OK"), (c, got)
                assert expected is None or r.lines() == expected, c
    assert r.say(b"QUIT\r\n") == b"+OK bye (0 removed)\r\n"
    r.close()


def test_the_next_one_goes_while_it_is_open(instance):
    fill(instance, "alice", PLAIN, DOTS, EMPTY_BODY, PLAIN)
    r = Raw(instance.pop_port)
    r.login("alice")
    for n in (1, 2):
        assert r.say(b"RETR %d\r\n" % n).startswith(b"+OK")
        r.lines()
    for path in instance.maildir("alice"):
        path.unlink()
    got = r.say(b"RETR 3\r\n")
    if got.startswith(b"+OK"):		# it was open already: all of it
        assert r.lines() == [b"Subject: three\r\n", b"\r\n"]
    for n in (4, 2):
        assert r.say(b"RETR %d\r\n" % n).startswith(b"-ERR another program")
    assert r.say(b"NOOP\r\n").startswith(b"+OK")
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


# -- APOP, UTF8, LOGIN-DELAY

SECRET = "tanstaaf"


def add_secret(i, name):
    """The password of an account, kept for APOP, too."""
    number = str(i.accounts[name])
    lines = (i.conf / "passwords").read_text().splitlines()
    kept = base64.b64encode(SECRET.encode()).decode()
    i.write("passwords", "".join(
        f"{l} {kept}\n" if l.split()[0] == number else l + "\n"
        for l in lines))


def apop(i, name, secret=SECRET, change=None):
    r = Raw(i.pop_port)
    greeting = r.line()
    stamp = re.search(rb"<[^<>@]+@[^<>@]+>", greeting)[0]
    digest = hashlib.md5(stamp + secret.encode()).hexdigest()
    return r, r.say(f"APOP {name}@{DOMAIN} {change or digest}\r\n".encode())


def test_apop(new_instance):
    i = new_instance(files={"authd.conf": "failure_delay = 0s\n"})
    fill(i, "alice", PLAIN)
    add_secret(i, "alice")
    i.start()
    r, said = apop(i, "alice")
    assert said.startswith(b"+OK 1 messages"), said
    assert r.say(b"APOP x y\r\n").startswith(b"-ERR you are logged in")
    assert r.say(b"QUIT\r\n").startswith(b"+OK")
    client = poplib.POP3("127.0.0.1", i.pop_port, timeout=PATIENCE)
    assert client.apop(f"alice@{DOMAIN}", SECRET).startswith(b"+OK")
    client.quit()


@pytest.mark.parametrize("name,secret,change", [
    ("alice", "wrong", None), ("bob", SECRET, None), ("nobody", SECRET, None),
    ("alice", SECRET, "0" * 32)])
def test_apop_refused(new_instance, name, secret, change):
    i = new_instance(files={"authd.conf": "failure_delay = 0s\n"})
    add_secret(i, "alice")
    i.start()
    r, said = apop(i, name, secret, change)
    assert said == b"-ERR [AUTH] name or password is wrong\r\n"
    # A digest serves one connection: the greetings differ.
    again = Raw(i.pop_port)
    assert again.line() != Raw(i.pop_port).line()
    r.close()


def test_apop_syntax_and_absence(new_instance):
    """Malformed ones are told so; where no account has a secret there is no
    APOP, and nothing in the greeting."""
    i = new_instance()
    add_secret(i, "alice")
    i.start()
    r = Raw(i.pop_port)
    r.line()
    for text in (b"", b" ", b" x", b" x y", b" x " + b"g" * 32,
                 b" " + b"0" * 32, b" x " + b"0" * 33):
        assert r.say(b"APOP" + text + b"\r\n") == \
            b"-ERR APOP takes a name and a digest\r\n"
    r.close()
    none = new_instance().start()
    r = Raw(none.pop_port)
    assert b"<" not in r.line()
    assert r.say(b"APOP x " + b"0" * 32 + b"\r\n") == \
        b"-ERR no such command\r\n"
    r.close()


RAW = ("Subject: gr\u00fc\u00dfe\n\nhall\u00f6chen\n").encode()


def test_utf8(new_instance):
    """RFC 6856: octets beyond ASCII in a header go out as they are only where
    the client has asked for that; the size is right in both ways."""
    i = new_instance()
    fill(i, "alice", RAW)
    i.start()
    for asked, header in ((False, b"Subject: gr????e\r\n"),
                          (True, RAW.split(b"\n")[0] + b"\r\n")):
        r = Raw(i.pop_port)
        r.line()
        assert r.say(b"CAPA\r\n").startswith(b"+OK")
        assert b"UTF8\r\n" in r.lines()
        if asked:
            assert r.say(b"UTF8 x\r\n").startswith(b"-ERR")
            assert r.say(b"UTF8\r\n").startswith(b"+OK")
        assert r.say(f"USER alice@{DOMAIN}\r\n".encode()).startswith(b"+OK")
        assert r.say(b"PASS alice-secret\r\n").startswith(b"+OK")
        assert r.say(b"UTF8\r\n") == b"-ERR UTF8 comes before the login\r\n"
        size = int(r.say(b"LIST 1\r\n").split()[2])
        for command in (b"RETR 1\r\n", b"TOP 1 1\r\n"):
            assert r.say(command).startswith(b"+OK")
            got = r.lines()
            assert got[0] == header
            assert got[2] == RAW.split(b"\n")[2] + b"\r\n"
            assert sum(map(len, got)) == size
        r.say(b"QUIT\r\n")
        r.close()


def test_raw_headers_as_they_are(new_instance):
    i = new_instance(files={"pop3d.conf": "raw_headers = send\n"})
    fill(i, "alice", RAW)
    i.start()
    r = Raw(i.pop_port)
    r.login("alice")
    r.say(b"RETR 1\r\n")
    assert r.lines()[0] == RAW.split(b"\n")[0] + b"\r\n"
    r.close()


def test_login_delay(new_instance):
    """RFC 2449 section 6.5: who comes too soon is told so, with its code; the
    wait does not grow by trying."""
    i = new_instance(files={"pop3d.conf": "login_delay = 1h\n"})
    fill(i, "alice", PLAIN)
    i.start()
    r = Raw(i.pop_port)
    assert r.login("alice").startswith(b"+OK")
    assert r.say(b"CAPA\r\n").startswith(b"+OK")
    assert b"LOGIN-DELAY 3600\r\n" in r.lines()
    r.say(b"QUIT\r\n")
    r.close()
    r = Raw(i.pop_port)
    r.login("alice")		# the index folder is there now
    r.close()
    stamp = i.home("alice") / "index" / "pop3-login"
    for _ in range(2):
        r = Raw(i.pop_port)
        assert r.login("alice").startswith(b"-ERR [LOGIN-DELAY]")
        assert r.line() == b""
        r.close()
    assert i.await_log(2, event="login-too-soon")
    then = stamp.stat().st_mtime - 3601
    os.utime(stamp, (then, then))
    r = Raw(i.pop_port)
    assert r.login("alice").startswith(b"+OK")
    r.close()
