"""STLS, STARTTLS and implicit TLS at the gates, and the relay behind them."""

import imaplib
import poplib
import socket
import ssl
import subprocess
import threading
import time

import pytest

from support.instance import DOMAIN, PATIENCE

from .authority import Pair
from .conftest import Secured

pytestmark = pytest.mark.xdist_group("tls-gates")

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
ALICE = f"alice@{DOMAIN}"


class Gates(Secured):
    def __init__(self, folder, pairs, **more):
        super().__init__(folder, pairs, **more)
        self.pops_port, self.imaps_port, self.strict_port = (
            self.slot.port(n) for n in (3, 4, 5))
        for stage, port, extra in (
                ("pop3d", self.pops_port, ""),
                ("imapd", self.imaps_port, (
                    "listener strict {\n\taddress = 127.0.0.1:"
                    f"{self.strict_port}\n\ttls = required\n}}\n"))):
            name = f"{stage}.conf"
            self.write(name, (self.conf / name).read_text() +
                       f"listener secure {{\n\taddress = 127.0.0.1:{port}\n"
                       f"\ttls = implicit\n}}\n{extra}")

    def unnamed(self, **more):
        context = self.trust("ec", **more)
        context.check_hostname = False
        return context

    def pops(self):
        return poplib.POP3_SSL("127.0.0.1", self.pops_port,
                               context=self.unnamed(), timeout=PATIENCE)

    def imaps(self):
        return imaplib.IMAP4_SSL("127.0.0.1", self.imaps_port,
                                 ssl_context=self.unnamed(), timeout=PATIENCE)


@pytest.fixture(scope="module")
def gates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gates")
    with Gates(folder / "instance", [Pair(folder, "ec")]) as i:
        i.start()
        i.send("a@example.net", [ALICE], "Subject: one\r\n\r\nhello\r\n")
        i.await_mail("alice", 1)
        yield i


@pytest.mark.parametrize("version", VERSIONS)
def test_pop3_stls(gates, version):
    c = gates.pop()
    assert "STLS" in c.capa()
    c.user("mallory")
    c.stls(context=gates.unnamed(version=version))
    assert "STLS" not in c.capa()
    with pytest.raises(poplib.error_proto):
        c.pass_("x")		# the name was said in clear: forgotten
    c.user(ALICE)
    c.pass_("alice-secret")
    assert c.stat()[0] >= 1
    assert b"hello" in c.retr(1)[1]
    c.quit()


@pytest.mark.parametrize("version", VERSIONS)
def test_imap_starttls(gates, version):
    c = gates.imap()
    assert "STARTTLS" in c.capabilities
    c.starttls(ssl_context=gates.unnamed(version=version))
    assert "STARTTLS" not in c.capabilities
    c.login(ALICE, "alice-secret")
    assert c.select()[1] != [b"0"]
    assert b"hello" in c.fetch("1", "(BODY[TEXT])")[1][0][1]
    c.logout()


def test_implicit(gates):
    c = gates.pops()
    c.user(ALICE)
    c.pass_("alice-secret")
    assert c.stat()[0] >= 1
    c.quit()
    c = gates.imaps()
    c.login(ALICE, "alice-secret")
    c.select()
    c.logout()


@pytest.mark.parametrize("url", ["pop3", "pop3s", "imap", "imaps"])
def test_curl(gates, url):
    port = {"pop3": gates.pop_port, "pop3s": gates.pops_port,
            "imap": gates.imap_port, "imaps": gates.imaps_port}[url]
    path = "1" if url.startswith("pop3") else "INBOX;MAILINDEX=1"
    r = subprocess.run(
        ["curl", "-sS", "--ssl-reqd", "--cacert", gates.pairs["ec"].chain,
         "--connect-to", f"mx.example.org:{port}:127.0.0.1:{port}",
         "-u", f"{ALICE}:alice-secret",
         f"{url}://mx.example.org:{port}/{path}"],
        capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    assert "hello" in r.stdout


def test_the_session_has_no_tls(gates):
    c = gates.imaps()
    c.login(ALICE, "alice-secret")
    pids = gates.pids("imapd-session")
    assert pids
    for pid in pids:
        with open(f"/proc/{pid}/maps") as maps:
            text = maps.read()
        assert "libssl" not in text and "libcrypto" not in text
    c.logout()


def test_required(gates):
    c = imaplib.IMAP4("127.0.0.1", gates.strict_port, timeout=PATIENCE)
    assert "LOGINDISABLED" in c.capabilities	# also on loopback
    with pytest.raises(imaplib.IMAP4.error):
        c.login(ALICE, "alice-secret")
    c.starttls(ssl_context=gates.unnamed())
    c.login(ALICE, "alice-secret")
    c.logout()


INJECTED = [
    ("pop", b"STLS\r\n", b"+OK", b"USER alice\r\nCAPA\r\n"),
    ("imap", b"a STARTTLS\r\n", b"a OK", b"b CAPABILITY\r\nc NOOP\r\n"),
]


@pytest.mark.parametrize("kind,command,wanted,more", INJECTED)
def test_injected(gates, kind, command, wanted, more):
    """One segment, and also a moment later: never an answer to it."""
    port = gates.pop_port if kind == "pop" else gates.imap_port
    for together in True, False:
        s = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        f = s.makefile("rb")
        f.readline()
        s.sendall(command + (more if together else b""))
        assert f.readline().startswith(wanted)
        if not together:
            s.sendall(more)
        rest = f.read()
        assert b"OK" not in rest and b"CAPABILITY" not in rest, rest
        s.close()


def test_pipelined_behind_the_login(gates):
    """What comes behind the login in the same record is the session's."""
    raw = socket.create_connection(("127.0.0.1", gates.imaps_port),
                                   timeout=PATIENCE)
    s = gates.unnamed().wrap_socket(raw)
    f = s.makefile("rb")
    f.readline()
    s.sendall(b"a LOGIN {%d+}\r\n%s alice-secret\r\nb NOOP\r\n"
              b"c SELECT INBOX\r\nd LOGOUT\r\n" % (len(ALICE),
                                                    ALICE.encode()))
    text = f.read()
    for tag in b"a OK", b"b OK", b"c OK", b"d OK":
        assert tag in text, text


@pytest.mark.parametrize("size", [10, 70_000, 3_000_000])
def test_large_both_ways(gates, size):
    line = b"x" * 70 + b"\r\n"
    body = b"Subject: large\r\n\r\n" + line * (size // len(line)) + b"end\r\n"
    c = gates.imaps()
    c.login(ALICE, "alice-secret")
    c.create(f"large{size}")
    assert c.append(f"large{size}", None, None, body)[0] == "OK"
    c.select(f"large{size}")
    got = c.fetch("1", "(BODY[])")[1][0][1]
    assert got == body
    c.logout()


def test_a_client_that_does_not_read(gates):
    """The session waits, others go on, and all of it arrives in the end."""
    line = b"y" * 70 + b"\r\n"
    body = b"Subject: slow\r\n\r\n" + line * 60_000
    c = gates.imaps()
    c.login(ALICE, "alice-secret")
    c.create("slow")
    c.append("slow", None, None, body)
    c.logout()
    raw = socket.create_connection(("127.0.0.1", gates.imaps_port),
                                   timeout=PATIENCE)
    s = gates.unnamed().wrap_socket(raw)
    s.sendall(f"a LOGIN {ALICE} alice-secret\r\nb SELECT slow\r\n"
              "z1 FETCH 1 (BODY[])\r\nz2 NOOP\r\n".encode())
    other = gates.imaps()
    other.login(ALICE, "alice-secret")
    other.logout()
    got = b""
    while b"z2 OK" not in got[-200:]:
        got += s.recv(65536)
    assert body in got
    s.close()


def test_quit_and_gone(gates):
    """A client that asks for the end and does not wait for the answer."""
    gates.send("a@example.net", [f"bob@{DOMAIN}"], "Subject: x\r\n\r\nx\r\n")
    gates.await_mail("bob", 1)
    raw = socket.create_connection(("127.0.0.1", gates.pops_port),
                                   timeout=PATIENCE)
    s = gates.unnamed().wrap_socket(raw)
    f = s.makefile("rb")
    f.readline()
    s.sendall(f"USER bob@{DOMAIN}\r\n".encode())
    f.readline()
    s.sendall(b"PASS bob-secret\r\n")
    assert f.readline().startswith(b"+OK")
    s.sendall(b"DELE 1\r\nQUIT\r\n")
    s.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + PATIENCE
    while gates.maildir("bob"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    s.close()


def test_wrong_password(gates):
    c = gates.imaps()
    for _ in range(2):
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            c.login(ALICE, "wrong")
    c.login(ALICE, "alice-secret")
    c.logout()


def test_the_gate_is_restarted(tmp_path):
    with Gates(tmp_path / "i", [Pair(tmp_path, "ec")]) as i:
        i.start()
        c = i.imaps()
        c.login(ALICE, "alice-secret")
        assert i.command("restart", "imapd").returncode == 0
        with pytest.raises((imaplib.IMAP4.abort, OSError)):
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                c.noop()
                time.sleep(0.02)
        i.await_log(n=2, event="process-ready", process="imapd")
        i.await_log(n=2, event="certificate-in-use", stage="imapd")
        c = i.imaps()
        c.login(ALICE, "alice-secret")
        # The whole is stopped: the session's goodbye comes through.
        said = []
        reader = threading.Thread(
            target=lambda: said.append(c.sock.recv(1000)))
        reader.start()
        i.stop()
        reader.join(PATIENCE)
        assert said and b"BYE" in said[0]


def test_many_at_once(gates):
    clients = [gates.imaps() for _ in range(40)]
    for c in clients:
        c.login(ALICE, "alice-secret")
    for c in clients:
        assert c.noop()[0] == "OK"
    for c in clients:
        c.logout()
