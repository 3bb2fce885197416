"""pop3d-session alone: RFC 1939's TRANSACTION and UPDATE states over a real
Maildir, in the real sandbox."""

import os
import re
import socket
import struct
from pathlib import Path

import pytest

from alone import program as alone
from alone.program import Program, UID, octets

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")

PLAIN = b"From: a@example.net\nSubject: one\n\nfirst line\nsecond\n"
DOTS = b"Subject: dots\n\n.\n..\n.three\n\nend without line end"
NO_BODY = b"Subject: no body\n"
EIGHT = "Subject: e\n\ngrüße\n".encode()


def crlf(message):
    if not message.endswith(b"\n"):
        message += b"\n"
    return message.replace(b"\n", b"\r\n")


def size(message):
    """What LIST says: the line end that a message lacks is sent, for the
    final dot needs it, but it is not the message's (nor in RFC822.SIZE)."""
    return len(message.replace(b"\n", b"\r\n"))


def record(session=0xabc, tag=b"", version=2, user=b"bob"):
    return (struct.pack("<BQBH", version, session, 1, 1234) +
            bytes([127, 0, 0, 1]) + bytes(12) + octets(tag) + octets(user) +
            b"\0")


class Session(Program):
    def __init__(self, folder, settings="", give=None, name="pop3d-session"):
        super().__init__(name, folder, tree=folder / "home")
        self.settings(settings)
        self.commit()
        self.sock, theirs = socket.socketpair()
        fd = os.memfd_create("handoff", os.MFD_ALLOW_SEALING)
        os.write(fd, record() if give is None else give)
        self.supervisor.send(alone.SESSION_GIVE, 0, b"", [theirs.fileno(), fd])
        os.close(fd)
        theirs.close()
        self.sock.settimeout(30)
        self.file = self.sock.makefile("rb")

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def say(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def ask(self, text):
        self.say(text)
        return self.line()

    def body(self):
        """A multi-line reply, dots undone, its lines joined."""
        lines = []
        while (line := self.file.readline()) != b".\r\n":
            assert line.endswith(b"\r\n"), line
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def get(self, text):
        assert self.ask(text).startswith("+OK"), text
        return self.body()

    def quit(self):
        assert self.ask("QUIT").startswith("+OK")
        assert self.line() == ""
        assert self.ended() == 0


@pytest.fixture
def home(tmp_path):
    path = tmp_path / "home"
    for name in ("", "Maildir", "Maildir/cur", "Maildir/new", "Maildir/tmp"):
        (path / name).mkdir(mode=0o700)
        os.chown(path / name, UID, UID)
    return path


def put(home, n, text, where="new"):
    path = home / "Maildir" / where / f"{1700000000 + n}.M{n}P1.host"
    path.write_bytes(text)
    os.chown(path, UID, UID)
    return path


def files(home):
    return sorted(p.name for d in ("new", "cur")
                  for p in (home / "Maildir" / d).iterdir())


@pytest.fixture
def session(tmp_path, home):
    made = []

    def make(**options):
        made.append(Session(tmp_path, **options))
        return made[-1]

    yield make
    for s in made:
        s.sock.close()
        s.__exit__(None)


def test_textbook(home, session):
    texts = [PLAIN, DOTS, NO_BODY, EIGHT]
    for n, text in enumerate(texts):
        put(home, n, text)
    s = session()
    total = sum(size(t) for t in texts)
    assert s.line() == f"+OK 4 messages ({total} octets)"
    assert s.ask("STAT") == f"+OK 4 {total}"
    assert s.get("LIST").decode().split("\r\n")[:-1] == [
        f"{n + 1} {size(t)}" for n, t in enumerate(texts)]
    for n, text in enumerate(texts):
        assert s.ask(f"LIST {n + 1}") == f"+OK {n + 1} {size(text)}"
        body = s.get(f"RETR {n + 1}")
        assert body == crlf(text)
    assert s.ask("DELE 2").startswith("+OK")
    assert s.ask("DELE 2") == "-ERR no such message"
    assert s.ask("RETR 2") == "-ERR no such message"
    assert s.ask("LIST 2") == "-ERR no such message"
    left = total - size(DOTS)
    assert s.ask("STAT") == f"+OK 3 {left}"
    assert s.ask("RSET").startswith("+OK 4 messages")
    assert s.ask("DELE 1").startswith("+OK")
    assert s.ask("REST").startswith("+OK 4 messages")
    assert s.ask("NOOP") == "+OK"
    for n in (1, 3):
        assert s.ask(f"DELE {n}").startswith("+OK")
    s.quit()
    assert len(files(home)) == 2
    t = session()
    assert t.line().startswith("+OK 2 messages")
    assert t.get("RETR 1") == crlf(DOTS)


def test_top(home, session):
    put(home, 1, PLAIN)
    put(home, 2, DOTS)
    put(home, 3, NO_BODY)
    s = session()
    s.line()
    head, body = crlf(PLAIN).split(b"\r\n\r\n")
    head += b"\r\n\r\n"
    lines = body.split(b"\r\n")[:-1]
    for n in range(4):
        want = head + b"".join(line + b"\r\n" for line in lines[:n])
        assert s.get(f"TOP 1 {n}") == want, n
    assert s.get("TOP 2 3") == b"Subject: dots\r\n\r\n.\r\n..\r\n.three\r\n"
    assert s.get("TOP 2 1000000") == crlf(DOTS)
    assert s.get("TOP 3 0") == crlf(NO_BODY)
    assert s.ask("TOP 1").startswith("-ERR")
    assert s.ask("TOP 1 -1").startswith("-ERR")
    assert s.ask("TOP 9 1") == "-ERR no such message"


def test_unique_ids_are_stable(home, session):
    for n in range(3):
        put(home, n, PLAIN)
    s = session()
    s.line()
    first = s.get("UIDL").decode().split()
    ids = first[1::2]
    assert len(set(ids)) == 3
    assert all(1 <= len(i) <= 70 and i.isalnum() for i in ids)
    assert s.ask("UIDL 2") == f"+OK 2 {ids[1]}"
    assert s.ask("DELE 1").startswith("+OK")
    assert s.ask("UIDL 1") == "-ERR no such message"
    s.quit()
    put(home, 9, PLAIN)
    # Without the index as well: it is a cache.
    for path in sorted((home / "index").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    t = session()
    t.line()
    again = t.get("UIDL").decode().split()[1::2]
    assert again[:2] == ids[1:]
    assert again[2] not in ids


@pytest.mark.parametrize("how", ["close", "reset", "kill", "stop"])
def test_without_quit_nothing_is_removed(home, session, how):
    for n in range(3):
        put(home, n, PLAIN)
    s = session()
    s.line()
    before = [f.split(":")[0] for f in files(home)]
    assert s.ask("DELE 1").startswith("+OK")
    if how == "close":
        s.sock.shutdown(socket.SHUT_RDWR)
        assert s.ended() == 0
    elif how == "reset":
        s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))
        s.file.close()
        s.sock.close()
        assert s.ended() == 0
    elif how == "stop":
        s.stop()
        assert s.line().startswith("-ERR [SYS/TEMP]")
        s.file.close()
        s.sock.close()
        assert s.ended() == 0
    else:
        os.kill(s.pid, 9)
        s.ended()
    assert [f.split(":")[0] for f in files(home)] == before


def test_one_session_at_a_time(home, session):
    put(home, 1, PLAIN)
    s = session()
    assert s.line().startswith("+OK")
    t = session()
    assert t.line().startswith("-ERR [IN-USE]")
    assert t.line() == ""
    assert t.ended() == 0
    s.quit()
    u = session()
    assert u.line().startswith("+OK")


def test_a_lock_is_waited_for_a_little(home, session):
    put(home, 1, PLAIN)
    s = session()
    assert s.line().startswith("+OK")
    t = session()			# s is about to notice its end
    t.say("STAT")
    s.file.close()
    s.sock.close()
    assert t.line().startswith("+OK 1 messages")
    assert t.line().startswith("+OK 1 ")


def test_the_next_session_begins_at_once(home, session):
    put(home, 1, PLAIN)
    for _ in range(5):
        s = session()
        assert s.line().startswith("+OK")
        assert s.ask("QUIT").startswith("+OK")	# and s lingers


def test_wrong_commands(home, session):
    put(home, 1, PLAIN)
    s = session(settings="bad_commands_max = 100\n")
    s.line()
    for text, reply in [
            ("RETR", "-ERR a message number is needed"),
            ("RETR x", "-ERR a message number is needed"),
            ("RETR 0", "-ERR no such message"),
            ("RETR 2", "-ERR no such message"),
            ("RETR 4294967297", "-ERR a message number is needed"),
            ("RETR 1 1", "-ERR too many arguments"),
            ("STAT 1", "-ERR too many arguments"),
            ("DELE", "-ERR a message number is needed"),
            ("USER x", "-ERR you are logged in already"),
            ("PASS x", "-ERR you are logged in already"),
            ("APOP x y", "-ERR you are logged in already"),
            ("XYZZY", "-ERR no such command"),
            ("", "-ERR not a command"),
            ("RETR\x001", "-ERR not a command"),
            ("stat", f"+OK 1 {len(crlf(PLAIN))}")]:
        assert s.ask(text) == reply, text


# Each command of the TRANSACTION state, with two messages: what it answers, and
# "..." where lines follow.
TABLE = [
    ("STAT", "+OK 2 "), ("stat", "+OK 2 "), ("STAT 1", "-ERR"),
    ("LIST", "+OK...",), ("LIST 2", "+OK 2 "), ("LIST 3", "-ERR"),
    ("LIST x", "-ERR"), ("LIST 1 2", "-ERR"),
    ("UIDL", "+OK..."), ("UIDL 1", "+OK 1 "), ("UIDL 3", "-ERR"),
    ("UIDL 1 2", "-ERR"), ("RETR 1", "+OK..."), ("RETR", "-ERR"),
    ("RETR 3", "-ERR"), ("RETR 0", "-ERR"), ("RETR -1", "-ERR"),
    ("RETR 1 2", "-ERR"), ("TOP 1 0", "+OK..."), ("TOP 2 99999", "+OK..."),
    ("TOP", "-ERR"), ("TOP 1", "-ERR"), ("TOP 3 1", "-ERR"),
    ("TOP 1 x", "-ERR"), ("TOP 1 2 3", "-ERR"), ("NOOP", "+OK"),
    ("NOOP x", "-ERR"), ("CAPA", "+OK..."), ("DELE", "-ERR"), ("DELE 3", "-ERR"),
    ("DELE x", "-ERR"), ("DELE 1 2", "-ERR"), ("DELE 1", "+OK"),
    # one is marked now (RFC 1939 section 5)
    ("DELE 1", "-ERR"), ("RETR 1", "-ERR"), ("TOP 1 0", "-ERR"),
    ("LIST 1", "-ERR"), ("UIDL 1", "-ERR"), ("STAT", "+OK 1 "),
    ("LIST 2", "+OK 2 "), ("RSET x", "-ERR"), ("STAT", "+OK 1 "),
    ("RSET", "+OK"), ("STAT", "+OK 2 "), ("DELE 2", "+OK"), ("REST x", "-ERR"),
    ("REST", "+OK"), ("STAT", "+OK 2 "),
    # of the AUTHORIZATION state
    ("USER x", "-ERR"), ("PASS x", "-ERR"), ("APOP a b", "-ERR"),
    ("AUTH PLAIN", "-ERR"), ("STLS", "-ERR"), ("UTF8", "-ERR"),
    ("WHAT", "-ERR"), ("", "-ERR"),
]


def test_every_command(home, session):
    source = (Path(__file__).resolve().parents[2] /
              "pop3d/session/commands.c").read_text()
    keywords = set(re.findall(r'\{ "(\w+)", do_', source))
    for sign in ("+OK", "-ERR"):
        have = {row[0].split()[0].upper() for row in TABLE
                if row[0] and row[1].startswith(sign)}
        # QUIT ends it below; what stands behind these two is not looked at
        assert keywords <= have | ({"QUIT"} if sign == "+OK" else
                                   {"CAPA", "QUIT"}), sign
    put(home, 1, PLAIN)
    put(home, 2, DOTS)
    s = session(settings="bad_commands_max = 100\n")
    s.line()
    for text, want in TABLE:
        reply = s.ask(text)
        assert reply.startswith(want.removesuffix("...")), (text, reply)
        if want.endswith("..."):
            s.body()
        assert s.ask("NOOP").startswith("+OK"), text
    # nothing was deleted but by QUIT
    assert len(files(home)) == 2
    s.quit()
    assert len(files(home)) == 2


@pytest.mark.parametrize("keyword", [
    "STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "REST", "TOP", "UIDL",
    "CAPA", "QUIT"])
def test_too_long(home, session, keyword):
    """Refused, and no part of it is taken for a command."""
    put(home, 1, PLAIN)
    s = session()
    s.line()
    s.say(keyword + " " + "1" * 20000)
    assert s.line().startswith("-ERR")
    s.sock.close()
    assert s.ended() == 0
    assert len(files(home)) == 1


def test_pipelined(home, session):
    for n in range(20):
        put(home, n, PLAIN)
    s = session()
    s.line()
    s.say("\r\n".join(f"RETR {n}" for n in range(1, 21)) + "\r\nQUIT")
    for _ in range(20):
        assert s.line().startswith("+OK")
        assert s.body() == crlf(PLAIN)
    assert s.line().startswith("+OK")
    assert s.ended() == 0


def test_a_reader_that_waits(home, session):
    """A large message to a client that reads late: bounded memory, whole."""
    text = b"Subject: large\n\n" + (b"x" * 70 + b"\n" + b".dot\n") * 200000
    put(home, 1, text)
    s = session()
    s.line()
    s.say("RETR 1")
    s.sock.settimeout(60)
    while b"VmRSS" not in (status := open(f"/proc/{s.pid}/status",
                                          "rb").read()):
        pass
    rss = int(status.split(b"VmRSS:")[1].split()[0])
    assert rss < 16 * 1024
    assert s.line().startswith("+OK")
    assert s.body() == crlf(text)


def test_other_programs_meddle(home, session):
    paths = [put(home, n, PLAIN) for n in range(3)]
    s = session()
    s.line()
    name = next(f for f in files(home) if f.startswith(paths[0].name))
    os.unlink(next((home / "Maildir").glob(f"*/{name}")))
    name = next(f for f in files(home) if f.startswith(paths[1].name))
    old = next((home / "Maildir").glob(f"*/{name}"))
    base = name.split(":")[0]
    os.rename(old, home / "Maildir" / "cur" / f"{base}:2,S")
    put(home, 8, PLAIN)
    assert s.ask("STAT").startswith("+OK 3 ")	# the view stands
    assert s.ask("RETR 1").startswith("-ERR")
    assert s.get("RETR 2") == crlf(PLAIN)
    assert s.ask("DELE 1").startswith("+OK")
    s.quit()


@pytest.mark.parametrize("give", [
    b"", b"x", record(version=1), record()[:-1], record() + b"x",
    record(tag=b"x" * 256), record(user=b"x" * 513), bytes(range(200, 0, -1))],
    ids=["empty", "short", "version", "cut", "longer", "tag", "user", "noise"])
def test_bad_handoff(home, session, give):
    s = session(give=give)
    assert s.line() == ""
    assert s.ended() == 1
    assert "event=handoff-refused" in s.log()


def test_what_cannot_be_removed_is_said(home, session):
    for n in range(2):
        put(home, n, PLAIN)
    s = session()
    assert s.line().startswith("+OK 2")
    assert s.ask("DELE 1").startswith("+OK")
    for part in ("new", "cur"):
        os.chown(home / "Maildir" / part, 0, 0)
        os.chmod(home / "Maildir" / part, 0o555)
    assert s.ask("QUIT") == ("-ERR [SYS/TEMP] 1 of 1 messages could not be "
                             "removed")
    assert len(files(home)) == 2
    assert "event=update-failed" in s.log()


def test_a_maildrop_that_cannot_be_opened(home, session):
    (home / "Maildir").rename(home / "x")
    (home / "Maildir").symlink_to("x")
    s = session()
    assert s.line().startswith("-ERR [SYS/TEMP]")
    assert s.line() == ""
    assert s.ended() == 0


def test_a_large_maildrop(home, session):
    """Numbers, not contents, are kept: 5,000 messages in little memory."""
    for n in range(5000):
        put(home, n, PLAIN)
    s = session()
    s.sock.settimeout(60)
    assert s.line().startswith("+OK 5000 messages")
    status = open(f"/proc/{s.pid}/status").read()
    assert int(status.split("VmHWM:")[1].split()[0]) < 24 * 1024
    assert len(s.get("LIST").split(b"\r\n")) == 5001
    assert len(set(s.get("UIDL").split()[1::2])) == 5000
    for n in range(1, 5001):
        s.say(f"DELE {n}")
        assert s.line().startswith("+OK")
    assert s.ask("QUIT") == "+OK bye (5000 removed)"
    assert files(home) == []
