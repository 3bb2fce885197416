"""The gates of POP3 and IMAP, alone, with the test as supervisor and authd:
what clients meet before login, the hand-over, and siblings that do not do
what they should."""

import base64
import os
import re
import socket
import struct
import time
from pathlib import Path

import pytest

from alone import program as alone
from alone.program import Program, octets

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")
TICKET = bytes(range(16))


class Client:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 30)
        self.file = self.sock.makefile("rb")

    def line(self):
        line = self.file.readline()
        assert line == b"" or line.endswith(b"\r\n"), line
        return line[:-2].decode() if line else None

    def say(self, text):
        self.sock.sendall(text if isinstance(text, bytes)
                          else text.encode() + b"\r\n")

    def ask(self, text):
        self.say(text)
        return self.line()

    def close(self):
        self.file.close()
        self.sock.close()


class Gate(Program):
    def __init__(self, role, folder, settings="", **options):
        super().__init__(role, folder, **options)
        self.role = role
        self.settings(settings)
        self.authd = self.channel("authd")
        self.listener(role)
        self.commit()

    def settings(self, text):
        super().settings(text + f"listener {self.role} {{\n"
                         "\taddress = 127.0.0.1:1\n\ttls = none\n}\n")

    def client(self):
        return Client(self.port)

    def login(self):
        """The next LOGIN: id, session, name, password."""
        ident, body, fds = self.authd.expect(alone.LOGIN)
        assert fds == []
        fields = []
        n = struct.unpack_from("<I", body)[0]
        fields.append(body[4:4 + n])
        assert body[4 + n + 16] == 0	# the listener is for all accounts
        at = 4 + n + 17
        for _ in range(2):
            n = struct.unpack_from("<I", body, at)[0]
            fields.append(body[at + 4:at + 4 + n])
            at += 4 + n
        assert at == len(body)
        return ident, *fields

    def accept(self, ident):
        self.authd.send(alone.LOGIN_TICKET, ident,
                        TICKET + octets(b"alice@example.org"))

    def refuse(self, ident, why=1):
        self.authd.send(alone.LOGIN_REFUSED, ident, bytes([why]))

    def handover(self):
        """The next SESSION_START: id, connection, handoff record."""
        ident, body, fds = self.supervisor.expect(alone.SESSION_START)
        assert body == TICKET and len(fds) == 2
        connection = socket.socket(fileno=fds[0])
        connection.setblocking(True)
        record = os.pread(fds[1], 65536, 0)
        os.close(fds[1])
        return ident, connection, record


@pytest.fixture
def gate(tmp_path):
    made = []

    def make(role, settings="", **options):
        made.append(Gate(role, tmp_path, settings, **options))
        return made[-1]

    yield make
    for g in made:
        alive = g.pid is not None and g.running()
        g.__exit__(None)
        assert alive or g.pid is None, g.log()


def pop3_login(c, name="alice", password="secret"):
    assert c.ask(f"USER {name}").startswith("+OK")
    c.say(f"PASS {password}")


def test_pop3_before_login(gate):
    c = gate("pop3d").client()
    assert c.line() == "+OK mx.example.org POP3 ready"
    assert c.ask("capa").startswith("+OK")
    words = []
    while (word := c.line()) != ".":
        words.append(word)
    for word in ("USER", "TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE",
                 "PIPELINING"):
        assert word in words
    for text in ("STAT", "LIST", "RETR 1", "DELE 1", "TOP 1 0", "UIDL",
                 "NOOP", "RSET"):
        assert c.ask(text) == "-ERR log in first", text
    assert c.ask("PASS secret") == "-ERR USER first"
    assert c.ask("USER") == "-ERR USER takes a name"
    assert c.ask("APOP a b") == "-ERR no such command"
    assert c.ask("") == "-ERR not a command"
    assert c.ask("QUIT").startswith("+OK")
    assert c.line() is None


def test_pop3_login_is_handed_over(gate):
    g = gate("pop3d")
    c = g.client()
    c.line()
    pop3_login(c, "Alice@Example.ORG", "two words ")
    c.say("STAT")			# belongs to the session
    ident, session, name, password = g.login()
    assert (name, password) == (b"Alice@Example.ORG", b"two words ")
    g.accept(ident)
    ident, connection, record = g.handover()
    assert record[0] == 2
    assert record.endswith(octets(b"alice@example.org") + b"\0")
    assert record[1:9].hex() == bytes(
        reversed(bytes.fromhex(session.decode().rjust(16, "0")))).hex()
    # The session has the connection, with all that the client sent since.
    connection.sendall(b"+OK welcome\r\n")
    g.supervisor.send(alone.SESSION_STARTED, ident)
    assert c.line() == "+OK welcome"
    assert connection.recv(100) == b"STAT\r\n"
    connection.close()
    assert c.line() is None		# the gate has kept no copy


def test_pop3_wrong_passwords_end_the_connection(gate):
    g = gate("pop3d", "login_failures_max = 3\n")
    c = g.client()
    c.line()
    for n in range(3):
        pop3_login(c)
        g.refuse(g.login()[0])
        assert c.line() == "-ERR [AUTH] name or password is wrong"
    assert c.line() == "-ERR too many errors, goodbye"
    assert c.line() is None


def test_pop3_trouble_behind_the_gate(gate):
    g = gate("pop3d")
    c = g.client()
    c.line()
    pop3_login(c)
    g.refuse(g.login()[0], 2)
    assert c.line() == "-ERR [SYS/TEMP] cannot log you in now, try later"
    for why, reply in ((1, "-ERR [SYS/TEMP] cannot log you in now, try later"),
                       (3, "-ERR [SYS/TEMP] too many sessions")):
        pop3_login(c)
        g.accept(g.login()[0])
        ident, connection, _ = g.handover()
        connection.close()
        g.supervisor.send(alone.SESSION_REFUSED, ident, bytes([why]))
        assert c.line() == reply
    assert c.ask("QUIT").startswith("+OK")


def test_authd_dies_and_comes_back(gate):
    g = gate("pop3d")
    c, d = g.client(), g.client()
    for x in (c, d):
        x.line()
    pop3_login(c)
    g.login()
    g.authd.close()
    assert c.line().startswith("-ERR [SYS/TEMP]")
    pop3_login(d)
    assert d.line().startswith("-ERR [SYS/TEMP]")
    g.authd = g.channel("authd")
    pop3_login(c)
    g.refuse(g.login()[0])
    assert c.line().startswith("-ERR [AUTH]")


def test_authd_never_answers(gate):
    g = gate("pop3d", "login_timeout = 5s\n")
    c = g.client()
    c.line()
    pop3_login(c)
    ident = g.login()[0]
    assert c.line() == "-ERR [SYS/TEMP] cannot log you in now, try later"
    assert g.authd.expect(alone.LOGIN_CANCEL)[0] == ident
    g.accept(ident)			# too late: nobody waits for it
    pop3_login(c)
    g.refuse(g.login()[0])
    assert c.line().startswith("-ERR [AUTH]")


def test_client_leaves_while_authd_thinks(gate):
    g = gate("pop3d")
    c = g.client()
    c.line()
    pop3_login(c)
    ident = g.login()[0]
    c.close()
    g.accept(ident)
    ident, connection, _ = g.handover()
    g.supervisor.send(alone.SESSION_STARTED, ident)
    assert connection.recv(10) == b""


@pytest.mark.parametrize("message", [
    b"", b"x", b"\2" + bytes(15), bytes([1, 0, 71, 0]) + bytes(12),
    struct.pack("<BBHIQ", 1, 0, alone.LOGIN_TICKET, 5, 1) + b"short",
    struct.pack("<BBHIQ", 1, 0, alone.LOGIN_TICKET, 16 + 4 + 1, 1) + TICKET +
    octets(b"\n"),
    struct.pack("<BBHIQ", 1, 0, alone.LOGIN_REFUSED, 1, 1) + b"\x09",
    struct.pack("<BBHIQ", 1, 0, alone.LOGIN, 0, 1),
    struct.pack("<BBHIQ", 1, 0, alone.SESSION_STARTED, 0, 1),
])
def test_authd_talks_nonsense(gate, message):
    """It loses its channel; those who wait hear of it; the gate lives."""
    g = gate("imapd")
    c = g.client()
    c.line()
    c.say("a LOGIN alice secret")
    g.login()
    if message:
        g.authd.raw(message)
    else:
        g.authd.close()
    assert c.line() == "a NO [UNAVAILABLE] cannot log you in now, try later"
    if message:
        assert g.authd.receive() is None
    g.authd = g.channel("authd")
    c.say("b LOGIN alice secret")
    g.refuse(g.login()[0])
    assert c.line().startswith("b NO [AUTHENTICATIONFAILED]")


def test_answer_to_nothing(gate):
    """A forged or late answer finds nobody and moves nothing."""
    g = gate("pop3d")
    c = g.client()
    c.line()
    g.accept(12345)
    g.refuse(12346)
    g.supervisor.send(alone.SESSION_STARTED, 99)
    pop3_login(c)
    g.refuse(g.login()[0])
    assert c.line().startswith("-ERR [AUTH]")


def test_limits(gate):
    g = gate("pop3d", "clients_max = 5\nclients_per_address = 4\n"
             "bad_commands_max = 3\nlogin_timeout = 5s\n")
    clients = [g.client() for _ in range(4)]
    for c in clients:
        assert c.line().startswith("+OK")
    late = g.client()
    assert late.line().startswith("-ERR [SYS/TEMP] too many connections")
    assert late.line() is None
    clients[0].say("x\r\nx\r\nx")
    for _ in range(3):
        assert clients[0].line() == "-ERR no such command"
    assert clients[0].line() == "-ERR too many errors, goodbye"
    assert clients[0].line() is None
    clients[1].say(b"USER " + b"x" * 5000)
    assert clients[1].line() == "-ERR line too long, goodbye"
    began = time.monotonic()
    # A client that drips octets has no longer than one that says nothing.
    for _ in range(100):
        try:
            clients[2].say(b"N")
        except OSError:
            break
        time.sleep(0.1)
    assert clients[2].line() == "-ERR too slow, goodbye"
    assert clients[3].line() == "-ERR too slow, goodbye"
    assert time.monotonic() - began < 15


def test_a_flood_of_commands(gate):
    """Pipelined without reading the replies: bounded, and answered."""
    g = gate("pop3d", "bad_commands_max = 1000\n")
    c = g.client()
    c.say(b"CAPA\r\n" * 3000 + b"QUIT\r\n")
    text = c.file.read()
    assert text.count(b"+OK capabilities\r\n") == 3000
    assert text.endswith(b"+OK bye\r\n")


def test_stop(gate):
    g = gate("pop3d")
    idle, waiting = g.client(), g.client()
    idle.line(), waiting.line()
    pop3_login(waiting)
    ident = g.login()[0]
    g.stop()
    assert idle.line() == "-ERR [SYS/TEMP] shutting down"
    idle.close()
    with pytest.raises(OSError):
        Client(g.port)
    g.accept(ident)			# what was under way is finished
    ident, connection, _ = g.handover()
    g.supervisor.send(alone.SESSION_STARTED, ident)
    assert g.ended() == 0


def test_reload(gate):
    g = gate("pop3d", "login_failures_max = 100\n")
    c = g.client()
    c.line()
    g.settings("login_failures_max = nonsense\n")
    g.supervisor.send(alone.COMMIT, 7)
    assert g.supervisor.expect(alone.REFUSED)[0] == 7
    pop3_login(c)
    g.refuse(g.login()[0])
    assert c.line().startswith("-ERR [AUTH]")
    g.settings("login_failures_max = 2\n")
    g.commit()
    pop3_login(c)
    g.refuse(g.login()[0])
    assert c.line().startswith("-ERR [AUTH]")
    assert c.line() == "-ERR too many errors, goodbye"
    assert 'pop3d.conf:1: login_failures_max = nonsense' in g.log()


def test_reload_may_raise_the_limit(gate):
    g = gate("pop3d", "clients_max = 1\n")
    c = g.client()
    assert c.line().startswith("+OK")
    assert g.client().line().startswith("-ERR [SYS/TEMP]")
    g.settings("clients_max = 3\n")
    g.commit()
    assert g.client().line().startswith("+OK")


def test_no_descriptor_left(gate):
    """Turned away in words, alive, and well again by itself."""
    g = gate("pop3d", descriptors=40)
    clients = [g.client() for _ in range(60)]
    got = [c.line() for c in clients[:20]]
    assert all(line.startswith("+OK") for line in got)
    assert clients[59].line().startswith("-ERR [SYS/TEMP]")
    # One who is in can still try; the hand-over needs descriptors as well.
    pop3_login(clients[0])
    g.accept(g.login()[0])
    assert clients[0].line().startswith("-ERR [SYS/TEMP]")
    assert clients[1].ask("NOOP") == "-ERR log in first"
    for c in clients[1:]:
        c.close()
    pop3_login(clients[0])
    g.accept(g.login()[0])
    ident, connection, _ = g.handover()
    g.supervisor.send(alone.SESSION_STARTED, ident)
    assert g.client().line().startswith("+OK")
    assert "event=cannot-accept" in g.log()


# ---- IMAP

def test_imap_before_login(gate):
    c = gate("imapd").client()
    greeting = c.line()
    assert greeting.startswith("* OK [CAPABILITY IMAP4rev1 ")
    assert "AUTH=PLAIN" in greeting
    assert c.ask("a1 CAPABILITY").startswith("* CAPABILITY IMAP4rev1")
    assert c.line() == "a1 OK CAPABILITY completed"
    assert c.ask("a2 noop") == "a2 OK NOOP completed"
    assert c.ask('a3 ID ("name" "x" "version" NIL)').startswith("* ID (")
    assert c.line() == "a3 OK ID completed"
    assert c.ask("a4 SELECT INBOX") == "a4 BAD log in first"
    assert c.ask("a5 FROBNICATE") == "a5 BAD no such command"
    assert c.ask("+ NOOP") == "* BAD no tag"
    assert c.ask("a6") == "* BAD no tag"
    assert c.ask("a7 LOGIN x").startswith("a7 BAD")
    assert c.ask("a8 AUTHENTICATE CRAM-MD5").startswith("a8 NO [CANNOT]")
    assert c.ask("a9 LOGOUT").startswith("* BYE")
    assert c.line() == "a9 OK LOGOUT completed"
    assert c.line() is None


ROOT = Path(__file__).resolve().parents[2]
PATIENT = "bad_commands_max = 100\n"


def test_every_imap_command_before_login(gate):
    """What belongs behind the login is refused, in its UID form, too; what
    belongs here is answered, and with wrong arguments refused."""
    names = re.findall(r"X\((\w+),\s+\w+,\s+(?:ANY|SELECTED),", (
        ROOT / "imapd/session/command.h").read_text())
    here = {"CAPABILITY", "NOOP", "LOGOUT", "ID"}
    assert len(names) > 30 and here < set(names)
    g = gate("imapd")
    for name in names:
        c = g.client()
        c.line()
        if name not in here:
            for text in (name, name.lower() + " x", f"{name} 1 (a b)"):
                assert c.ask(f"a {text}") == "a BAD log in first", text
        assert c.ask(f"a UID {name} 1") == "a BAD log in first", name
        c.close()


@pytest.mark.parametrize("text, reply", [
    ("CAPABILITY", "* CAPABILITY IMAP4rev1 IMAP4rev2 "),
    ("CAPABILITY x", "a BAD"), ("NOOP", "a OK"), ("NOOP x", "a BAD"),
    ("LOGOUT", "* BYE"), ("LOGOUT x", "a BAD"), ("ID NIL", "* ID"),
    ("LOGIN", "a BAD"), ("LOGIN a", "a BAD"), ("LOGIN a b c", "a BAD"),
    ('LOGIN "a b', "a BAD"), ("AUTHENTICATE", "a BAD"),
    ("AUTHENTICATE X", "a NO [CANNOT]"), ("AUTHENTICATE PLAIN x y", "a BAD"),
    ("STARTTLS", "a BAD"), ("STARTTLS x", "a BAD"), ("WHAT", "a BAD"),
    ("", "a BAD"), ("LOGIN {5000}", "a NO [TOOBIG]"),
    ("LOGIN {5000+}", "* BYE"), ("LOGIN " + "x" * 10000, "* BYE")])
def test_each_imap_command_of_the_gate(gate, text, reply):
    c = gate("imapd").client()
    c.line()
    got = c.ask(f"a {text}")
    assert got.startswith(reply), got
    if got.startswith("* BYE"):
        while (got := c.line()) is not None:
            assert got.startswith("a OK LOGOUT")
        return
    while not got.startswith(("a ", "* BAD")):
        got = c.line()
    assert c.ask("b NOOP") == "b OK NOOP completed"


def test_every_pop3_command_before_login(gate):
    keywords = re.findall(r'\{ "(\w+)", do_', (
        ROOT / "pop3d/session/commands.c").read_text())
    assert len(keywords) > 10
    c = gate("pop3d", PATIENT).client()
    c.line()
    for word in set(keywords) - {"CAPA", "QUIT"}:
        for text in (word, word.lower(), f"{word} 1", f"{word} 1 2 3"):
            assert c.ask(text) == "-ERR log in first", text
    c.close()


@pytest.mark.parametrize("text, reply", [
    ("CAPA", "+OK"), ("CAPA x", "+OK"), ("QUIT", "+OK"), ("USER", "-ERR"),
    ("USER a b", "+OK"), ("USER a", "+OK"), ("PASS", "-ERR USER first"),
    ("PASS x", "-ERR USER first"), ("APOP", "-ERR"), ("APOP a b", "-ERR"),
    ("AUTH", "-ERR"), ("AUTH X", "-ERR"), ("AUTH PLAIN x y", "-ERR"),
    ("STLS", "-ERR"), ("STLS x", "-ERR"), ("UTF8", "+OK"), ("UTF8 x", "-ERR"),
    ("WHAT", "-ERR"), ("", "-ERR"), ("U" * 300, "-ERR"),
    ("USER " + "x" * 20000, "-ERR")])
def test_each_pop3_command_of_the_gate(gate, text, reply):
    c = gate("pop3d").client()
    c.line()
    got = c.ask(text)
    assert got.startswith(reply), got
    c.close()


PLAIN = base64.b64encode(b"\0al ice\0se\"cret").decode()
LOGINS = {
    "quoted": ['t.1 LOGIN "al ice" "se\\"cret"'],
    "literals": [b't.1 LOGIN {6}\r\n', b'al ice {8}\r\n', b'se"cret!\r\n'],
    "literal plus": [b't.1 LOGIN {6+}\r\nal ice {8+}\r\nse"cret!\r\n'],
    "plain": ["t.1 AUTHENTICATE PLAIN", PLAIN],
    "initial response": ["t.1 AUTHENTICATE PLAIN " + PLAIN],
    "small letters": ["t.1 authenticate plain " + PLAIN],
}


@pytest.mark.parametrize("kind", LOGINS)
def test_imap_login(gate, kind):
    g = gate("imapd")
    c = g.client()
    c.line()
    for n, part in enumerate(LOGINS[kind]):
        if n > 0:
            assert c.line().startswith("+ ")
        c.say(part)
    c.say("t.2 SELECT INBOX")
    ident, _, name, password = g.login()
    assert name == b"al ice"
    assert password in (b'se"cret', b'se"cret!')
    g.accept(ident)
    ident, connection, record = g.handover()
    assert octets(b"t.1") in record	# the real tag
    g.supervisor.send(alone.SESSION_STARTED, ident)
    assert connection.recv(100) == b"t.2 SELECT INBOX\r\n"


@pytest.mark.parametrize("text", [
    'u LOGIN "jörg@bücher.test" "geheimnüs"',
    "u LOGIN {18+}\r\njörg@bücher.test {10+}\r\ngeheimnüs"])
def test_imap_login_in_utf8(gate, text):
    """Octet for octet, in quoted strings and literals (RFC 9051 section 9)."""
    g = gate("imapd")
    c = g.client()
    c.line()
    c.say(text)
    ident, session, name, password = g.login()
    assert name == "jörg@bücher.test".encode()
    assert password == "geheimnüs".encode()
    g.refuse(ident)
    assert c.line().startswith("u NO [AUTHENTICATIONFAILED]")


def test_imap_refusals(gate):
    g = gate("imapd")
    c = g.client()
    c.line()
    assert c.ask("a AUTHENTICATE PLAIN") == "+ "
    assert c.ask("*") == "a BAD AUTHENTICATE cancelled"
    c.ask("b AUTHENTICATE PLAIN")
    assert c.ask("!!!").startswith("b BAD")
    other = base64.b64encode(b"root\0alice\0x").decode()
    assert c.ask(f"c AUTHENTICATE PLAIN {other}").startswith(
        "c NO [AUTHORIZATIONFAILED]")
    assert c.ask("d LOGIN {4097}").startswith("d NO [TOOBIG]")
    assert c.ask("e NOOP") == "e OK NOOP completed"
    assert c.ask("f LOGIN {99999999999999999999}").startswith("f NO")
    c.say("g LOGIN ((((((((((((((((((((((((((")
    assert c.line().startswith("g BAD")
    c.say(f'h ID ({" ".join(["x NIL"] * 200)})')
    assert c.line().startswith("h BAD")
    c.say("i LOGIN {4294967295+}")
    assert c.line().startswith("* BYE [TOOBIG]")
    assert c.line() is None
    d = g.client()
    d.line()
    d.say(b"a LOGIN {4096+}\r\n" + b"x" * 4096 + b" {4096+}\r\n" +
          b"y" * 4096)
    assert d.line() == "* BYE command too long"


def test_cut_after_every_octet(gate):
    """Every dialogue, cut everywhere: nobody but this client notices."""
    g = gate("imapd", "clients_per_address = 4000\n")
    text = (b'a ID ("x" NIL)\r\nb LOGIN {1+}\r\na "\\""\r\n')
    for n in range(len(text)):
        c = g.client()
        c.say(text[:n])
        c.close()
    c = g.client()
    c.line()
    assert c.ask("z NOOP") == "z OK NOOP completed"


def test_password_is_not_in_the_log(gate):
    g = gate("imapd")
    c = g.client()
    c.line()
    c.say("a LOGIN alice hunter2-hunter2")
    g.refuse(g.login()[0])
    c.line()
    assert "hunter2" not in g.log()
    assert "event=login-refused" in g.log()


def test_many_clients(gate):
    g = gate("imapd", "clients_max = 1500\nclients_per_address = 1500\n")
    clients = [g.client() for _ in range(1000)]
    for c in clients:
        assert c.line().startswith("* OK")
    for c in clients[::100]:
        assert c.ask("a NOOP") == "a OK NOOP completed"
    for c in clients:
        c.close()


# ---- SASL: what authd is asked, and what the client sees ----

SASL_START, SASL_CHALLENGE, SASL_RESPONSE, SASL_ABORT = 78, 79, 140, 141
LOGIN_OFFER = 143


def b64(text):
    return base64.b64encode(text).decode()


def with_scram(g):
    g.authd.send(LOGIN_OFFER, 0, b"\x03")
    c = g.client()
    deadline = time.monotonic() + 30
    while not offers_scram(c, g.role):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return c


def offers_scram(c, role):
    if role == "pop3d":
        c.say("CAPA")
        found = False
        while (line := c.line()) != ".":
            found |= line == "SASL SCRAM-SHA-256 PLAIN LOGIN"
        return found
    c.say("x CAPABILITY")
    found = False
    while not (line := c.line()).startswith("x "):
        found |= "AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN" in line
    return found


COMMANDS = {"pop3d": ("AUTH ", "-ERR", "+OK"),
            "imapd": ("t AUTHENTICATE ", "t ", "t OK")}


@pytest.mark.parametrize("role", COMMANDS)
def test_scram_is_passed_on(gate, role):
    g = gate(role)
    command, _, _ = COMMANDS[role]
    c = with_scram(g)
    for initial in (True, False):
        first = b"n,,n=alice,r=abcdef"
        if initial:
            c.say(f"{command}SCRAM-SHA-256 {b64(first)}")
        else:
            assert c.ask(f"{command}SCRAM-SHA-256") == "+ "
            c.say(b64(first))
        ident, body, _ = g.authd.expect(SASL_START)
        assert body.endswith(octets(first))
        g.authd.send(SASL_CHALLENGE, ident,
                     struct.pack("<Q", 77) + octets(b"r=abcdefX"))
        assert c.line() == "+ " + b64(b"r=abcdefX")
        c.say(b64(b"c=biws"))
        ident, body, _ = g.authd.expect(SASL_RESPONSE)
        assert body == struct.pack("<Q", 77) + octets(b"c=biws")
        if initial:
            g.refuse(ident)
            assert "wrong" in c.line()
            continue
        g.authd.send(SASL_CHALLENGE, ident,
                     struct.pack("<Q", 78) + octets(b"v=1"))
        assert c.line() == "+ " + b64(b"v=1")
        c.say(b"\r\n")
        ident, body, _ = g.authd.expect(SASL_RESPONSE)
        assert body == struct.pack("<Q", 78) + octets(b"")
        g.accept(ident)
        g.handover()


@pytest.mark.parametrize("role", COMMANDS)
def test_login_mechanism(gate, role):
    g = gate(role)
    c = with_scram(g)
    assert c.ask(COMMANDS[role][0] + "LOGIN") == "+ " + b64(b"Username:")
    assert c.ask(b64(b"al ice")) == "+ " + b64(b"Password:")
    c.say(b64(b"se cret"))
    ident, _, name, password = g.login()
    assert (name, password) == (b"al ice", b"se cret")
    g.accept(ident)
    g.handover()


@pytest.mark.parametrize("role", COMMANDS)
def test_sasl_that_goes_wrong(gate, role):
    g = gate(role, "bad_commands_max = 100\n")
    command, error, _ = COMMANDS[role]
    c = with_scram(g)
    assert c.ask(command + "SCRAM-SHA-256-PLUS").startswith(error)
    assert c.ask(command + "CRAM-MD5").startswith(error)
    for bad in ("!", "AAA", "*"):
        assert c.ask(command + "PLAIN") == "+ "
        assert c.ask(bad).startswith(error)
    assert c.ask(command + "PLAIN =").startswith(error)
    assert c.ask(command + "PLAIN " + "A" * 8000).startswith(error)
    # authd finds it malformed; then it is cancelled while it is our turn.
    c.say(command + "SCRAM-SHA-256 " + b64(b"x"))
    ident, _, _ = g.authd.expect(SASL_START)
    g.refuse(ident, 3)
    assert c.line().startswith(error)
    c.say(command + "SCRAM-SHA-256 " + b64(b"x"))
    ident, _, _ = g.authd.expect(SASL_START)
    g.authd.send(SASL_CHALLENGE, ident, struct.pack("<Q", 5) + octets(b"y"))
    assert c.line() == "+ " + b64(b"y")
    assert c.ask("*").startswith(error)
    assert g.authd.expect(SASL_ABORT)[1] == struct.pack("<Q", 5)
    # The same when the client goes.
    c.say(command + "SCRAM-SHA-256 " + b64(b"x"))
    ident, _, _ = g.authd.expect(SASL_START)
    g.authd.send(SASL_CHALLENGE, ident, struct.pack("<Q", 6) + octets(b"y"))
    c.line()
    c.close()
    assert g.authd.expect(SASL_ABORT)[1] == struct.pack("<Q", 6)
    c = g.client()
    c.line()
    c.say(command + "PLAIN")
    c.line()
    c.say("A" * 20000)
    assert "too long" in c.line()
