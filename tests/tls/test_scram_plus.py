"""SCRAM-SHA-256-PLUS (RFC 5802, 7677, 9266, 5929): the login is bound to the
TLS connection, so that somebody between client and server, who has a
connection to each, cannot pass it on.  On submission, POP3 and IMAP."""

import base64
import hashlib
import re
import socket
import ssl
import subprocess

import pytest

from support import binding, scram
from support.dns import DnsServer
from support.instance import BUILD, DOMAIN, PATIENCE

from .authority import Pair
from .conftest import Secured

pytestmark = pytest.mark.xdist_group("tls-scram-plus")

ALICE = f"alice@{DOMAIN}"
KINDS = ["smtp", "pop3", "imap"]
PLUS, BASE = "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
LISTENER = "listener secure {{\n\taddress = 127.0.0.1:{}\n\ttls = implicit\n"


class World(Secured):
    """Every listener twice: with TLS from the first octet, and in clear text
    (on loopback, where logins are taken, too)."""

    def __init__(self, folder, pairs, **more):
        super().__init__(folder, pairs, **more)
        self.secure = dict(zip(KINDS, map(self.slot.port, (3, 4, 5))))
        self.clear = {"smtp": self.slot.port(6), "pop3": self.pop_port,
                      "imap": self.imap_port}
        for kind, stage in ("smtp", "smtpd"), ("pop3", "pop3d"), \
                ("imap", "imapd"):
            name = f"{stage}.conf"
            service = "\tservice = submission\n" if kind == "smtp" else ""
            self.write(name, (self.conf / name).read_text() +
                       LISTENER.format(self.secure[kind]) + service + "}\n")
        self.write("smtpd.conf", (self.conf / "smtpd.conf").read_text() +
                   "listener clear {\n\tservice = submission\n\taddress = "
                   f"127.0.0.1:{self.clear['smtp']}\n}}\n")
        self.write("authd.conf", "failure_delay = 0s\n")

    def add_user(self, name, password=None, domain=DOMAIN):
        number = super().add_user(name, password, domain)
        path = self.conf / "passwords"
        path.write_text(path.read_text()[:-2] +
                        scram.verifier(f"{name}-secret") + "\n")
        return number


class Client:
    """One connection of one of the three, and its bindings."""

    def __init__(self, world, kind, folder, version=TLS13, name="",
                 tls=True, context=None, session=None):
        self.world, self.kind, self.name = world, kind, name
        port = (world.secure if tls else world.clear)[kind]
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.context, self.keylog = context, folder / "keys"
        if tls:
            if context is None:
                self.context = world.trust(version=version)
                self.context.check_hostname = False
                self.keylog.unlink(missing_ok=True)
                self.context.keylog_filename = str(self.keylog)
            self.socket = self.context.wrap_socket(
                self.socket, server_hostname=name or None, session=session)
        self.file = self.socket.makefile("rb")
        assert re.match(rb"220 |\+OK|\* OK", self.file.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def say(self, text):
        self.socket.sendall(text.encode() + b"\r\n")

    def until(self, command, last):
        self.say(command)
        lines = []
        while not lines or not re.match(last, lines[-1]):
            lines.append(self.line())
            assert lines[-1], lines
        return lines

    def mechanisms(self):
        if self.kind == "smtp":
            lines = self.until("EHLO client.example.net", r"\d{3} ")
            words = [l[4:].split() for l in lines]
        elif self.kind == "pop3":
            words = [l.split() for l in self.until("CAPA", r"\.$")]
        else:
            lines = self.until("c CAPABILITY", "c OK")
            return [w[5:] for w in lines[0].split() if w.startswith("AUTH=")]
        return next((w[1:] for w in words if w[0] in ("AUTH", "SASL")), [])

    def answer(self, command):
        """A challenge as bytes; True for a login, False for a refusal."""
        self.say(command)
        line = self.line()
        while line.startswith("* "):
            line = self.line()
        if (m := re.match(r"(?:334|\+) (.*)$", line)):
            return base64.b64decode(m[1], validate=True)
        good = re.match(r"235 2\.7\.0|\+OK|a OK", line)
        bad = re.match(r"5\d\d 5|-ERR|a (NO|BAD)", line)
        assert good or bad, line
        self.refusal = line
        return bool(good)

    def auth(self, mechanism, message):
        command = {"smtp": "AUTH", "pop3": "AUTH",
                   "imap": "a AUTHENTICATE"}[self.kind]
        if self.kind == "smtp":
            self.mechanisms()
        return self.answer(f"{command} {mechanism} {scram.b64(message)}")

    def log_in(self, mechanism, flag, data, password="alice-secret"):
        c = scram.Client(ALICE, password, flag=flag, binding=data)
        got = self.auth(mechanism, c.first())
        if isinstance(got, bool):
            return got
        got = self.answer(scram.b64(c.final(got)))
        if isinstance(got, bool):
            return got
        got = self.answer(scram.b64(c.verify(got)))
        if got and self.kind == "pop3":		# it has the mailbox alone
            self.say("QUIT")
            self.file.read()
        return got

    def exporter(self):
        return binding.exporter(self.socket, self.keylog)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plus")
    pairs = [Pair(folder, "ec"), Pair(folder, "rsa", "rsa",
                                      ("rsa.example.org",)),
             Pair(folder, "ed", "ed25519", ("ed.example.net",))]
    with World(folder / "instance", pairs) as i:
        i.start()
        yield i


@pytest.fixture
def connect(world, tmp_path):
    made = []

    def new(kind, **options):
        folder = options.pop("folder", None)
        if folder is None:
            folder = tmp_path / str(len(made))
            folder.mkdir()
        made.append(Client(world, kind, folder, **options))
        return made[-1]

    yield new
    for c in made:
        c.__exit__()


each_kind = pytest.mark.parametrize("kind", KINDS)


@each_kind
def test_offered_over_tls_alone(connect, kind):
    for version in TLS12, TLS13:
        assert connect(kind, version=version).mechanisms() == [
            PLUS, BASE, "PLAIN", "LOGIN"]
    c = connect(kind, tls=False)
    assert c.mechanisms() == [BASE, "PLAIN", "LOGIN"]
    c = connect(kind, tls=False)
    assert c.log_in(PLUS, "p=tls-exporter", b"x" * 32) is False
    # A client that could, and is not offered it, says so truly.
    assert connect(kind, tls=False).log_in(BASE, "y", b"") is True


@each_kind
def test_exporter(connect, kind):
    c = connect(kind)
    assert c.log_in(PLUS, "p=tls-exporter", c.exporter()) is True
    c = connect(kind)
    assert c.log_in(PLUS, "p=tls-exporter", c.exporter(), "wrong") is False
    # Ed25519 has nothing but this one.
    c = connect(kind, name="ed.example.net")
    assert c.log_in(PLUS, "p=tls-exporter", c.exporter()) is True


@each_kind
def test_unique(connect, kind):
    c = connect(kind, version=TLS12)
    assert c.log_in(PLUS, "p=tls-unique", binding.unique(c.socket)) is True
    # RFC 9266 section 3: it is not defined for 1.3.
    c = connect(kind)
    assert c.log_in(PLUS, "p=tls-unique", b"x" * 12) is False


@each_kind
@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_end_point(connect, world, kind, version):
    for name, pair in ("", "ec"), ("rsa.example.org", "rsa"):
        c = connect(kind, version=version, name=name)
        data = binding.end_point(world.pairs[pair].chain)
        assert c.log_in(PLUS, "p=tls-server-end-point", data) is True, name
    # Another's certificate, and a signature without a hash (RFC 5929
    # section 4.1).
    c = connect(kind, version=version)
    assert c.log_in(PLUS, "p=tls-server-end-point", data) is False
    c = connect(kind, version=version, name="ed.example.net")
    assert c.log_in(PLUS, "p=tls-server-end-point", binding.end_point(
        world.pairs["ed"].chain)) is False


def session_of(c):
    """With TLS 1.3 the ticket comes behind the handshake; by now it is here."""
    assert c.mechanisms()
    assert c.socket.session is not None
    return c.socket.session


@pytest.mark.parametrize("flag,version", [
    ("tls-exporter", TLS13), ("tls-server-end-point", TLS13),
    ("tls-unique", TLS12), ("tls-server-end-point", TLS12)])
def test_resumed(connect, world, tmp_path, flag, version):
    """A session that goes on is another connection: all bindings but the
    certificate's change, and that stands in the ticket."""
    first = connect("imap", version=version, folder=tmp_path)
    for _ in range(2):		# also from the ticket of a resumed one
        c = connect("imap", folder=tmp_path, context=first.context,
                    session=session_of(first))
        assert c.socket.session_reused
        data = {"tls-exporter": lambda: c.exporter(),
                "tls-unique": lambda: binding.unique(c.socket),
                "tls-server-end-point": lambda: binding.end_point(
                    world.pairs["ec"].chain)}[flag]()
        first = connect("imap", folder=tmp_path, context=first.context,
                        session=session_of(c))
        assert c.log_in(PLUS, f"p={flag}", data) is True


@each_kind
def test_somebody_between(connect, kind):
    """Who has a connection to the client and one to the server passes on
    what the client says of its own."""
    towards_client, towards_server = connect(kind), connect(kind)
    assert towards_server.log_in(PLUS, "p=tls-exporter",
                                 towards_client.exporter()) is False
    for data in b"", b"x" * 32, b"x" * 64, b"x" * 500:
        c = connect(kind)
        assert c.log_in(PLUS, "p=tls-exporter", data) is False
    # The right data by another name.
    c = connect(kind)
    assert c.log_in(PLUS, "p=tls-server-end-point", c.exporter()) is False


@each_kind
def test_an_offer_cut_out_on_the_way(connect, world, kind):
    """RFC 5802 section 6: "y" says that PLUS was not offered, and it was.
    The right password does not help."""
    assert connect(kind).log_in(BASE, "y", b"") is False
    # A client that cannot bind says "n", and is served.
    assert connect(kind).log_in(BASE, "n", b"") is True
    world.await_log(event="login-failed", reason="the client was told that "
                    "there is no channel binding")


@each_kind
def test_flag_and_mechanism_agree(connect, kind):
    c = connect(kind)
    assert c.log_in(BASE, "p=tls-exporter", c.exporter()) is False
    for flag in "n", "y":
        c = connect(kind)
        assert c.log_in(PLUS, flag, c.exporter()) is False
    for flag in "p", "p=", "q=tls-exporter", "p=tls-exporter\0":
        c = connect(kind)
        assert c.auth(PLUS, f"{flag},,n={ALICE},r=abc".encode()) is False
    c = connect(kind)
    assert c.auth(PLUS, b"p=tls-other,,n=a,r=abc") is False


@each_kind
def test_replay(connect, kind):
    """What was said in one login is of no use in another: neither on another
    connection nor on the same."""
    c = connect(kind)
    k = scram.Client(ALICE, "alice-secret", flag="p=tls-exporter",
                     binding=c.exporter())
    first = k.first()
    final = k.final(c.auth(PLUS, first))
    assert c.answer("*") is False		# not used up
    got = c.auth(PLUS, first)
    assert isinstance(got, bytes)
    assert c.answer(scram.b64(final)) is False
    other = connect(kind)
    assert isinstance(other.auth(PLUS, first), bytes)
    assert other.answer(scram.b64(final)) is False


def test_switched_off(tmp_path):
    """auth_mechanisms without it: not offered, and then "y" is the truth."""
    pairs = [Pair(tmp_path, "ec")]
    with World(tmp_path / "i", pairs, files={
            "smtpd.conf": f"auth_mechanisms = {BASE}\n"}) as i:
        i.start()
        with Client(i, "smtp", tmp_path) as c:
            assert c.mechanisms() == [BASE]
            assert c.log_in(PLUS, "p=tls-exporter", c.exporter()) is False
            assert c.log_in(BASE, "y", b"") is True


def test_only_with_verifiers(tmp_path):
    """One account without: neither of the two, anywhere."""
    pairs = [Pair(tmp_path, "ec")]
    with World(tmp_path / "i", pairs) as i:
        super(World, i).add_user("carol")
        i.start()
        for kind in KINDS:
            with Client(i, kind, tmp_path) as c:
                assert c.mechanisms() == ["PLAIN", "LOGIN"]
            with Client(i, kind, tmp_path) as c:
                assert c.log_in(PLUS, "p=tls-exporter",
                                c.exporter()) is False


@pytest.mark.parametrize("pair", ["ec", "ed"])
def test_from_one_bulkhead_to_another(world, new_instance, pair):
    """remote-relay logs in at a smart host that offers it: bound to the
    connection, although SCRAM without a binding and PLAIN are offered, too."""
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(
        world.pairs[pair].chain.read_text())).hexdigest()
    port = world.secure["smtp"]
    host = {"ec": "mx.example.org", "ed": "ed.example.net"}[pair]
    with DnsServer() as dns:
        dns.zone(host.split(".", 1)[1], f"{host.split('.')[0]} A 127.0.0.1\n")
        i = new_instance(files={
            "domains": "elsewhere.example\n", "aliases": "",
            "resolver.conf": dns.settings(),
            "relay-passwords": f"default {ALICE} alice-secret\n",
            "remote-relay.conf": "interface_addresses = no\n"
            f"route default {{\n\tvia = [{host}]:{port}\n\ttls_wrapped = yes\n"
            f"\ttls = fingerprint\n\ttls_fingerprints = {fingerprint}\n}}\n"},
            users=[]).start()
        before = len(world.log(event="login-accepted",
                               mechanism=PLUS, user=ALICE))
        # Only who is on its host, or logs in, sends to others.
        done = subprocess.run(
            [BUILD / "bin/bulkhead-sendmail", "-C", i.conf, "-f", ALICE,
             f"bob@{DOMAIN}"], input=b"Subject: y\n\ny\n",
            capture_output=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        i.await_empty_queue()
        assert i.log(event="tls", verified="fingerprint"), i.tail()
        world.await_log(before + 1, event="login-accepted", mechanism=PLUS,
                        user=ALICE)
