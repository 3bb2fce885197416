"""authd in its sandbox, facing a process for submission that somebody owns:
whatever it asks, it gets no verifier, no hash and no ticket."""

import base64
import os
import re
import struct
from pathlib import Path

import pytest

from alone import program as alone
from alone.program import Program, octets
from support import scram
from support.instance import crypt

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")
(SASL_START, SASL_CHALLENGE, SASL_RESPONSE, SASL_ABORT, LOGIN_ACCOUNT,
 LOGIN_OFFER) = 78, 79, 140, 141, 142, 143
TABLES = re.findall(r'X\(\w+, "([^"]+)"\)', (
    Path(__file__).parents[2] / "common/stage/stage.h").read_text())
CLIENT = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1])
VERIFIER = scram.verifier("secret")
HASH = crypt("secret", "$5$rounds=1000$0123456789abcdef")


class Authd(Program):
    def __init__(self, folder):
        super().__init__("authd", folder)
        self.settings("failure_delay = 0s\npam = no\n")
        for name, text in (("domains", "example.org\n"),
                           ("users", "alice@example.org 7\n"),
                           ("passwords", f"7 {HASH} {VERIFIER}\n"),
                           ("/etc/passwd", ""), ("scram-secret", "")):
            self.table(TABLES.index(name), text)
        self.captured = self.channel("smtpd-submit")
        self.heard = b""
        self.commit()
        assert self.take() == (LOGIN_OFFER, 0, b"\x03")

    def take(self):
        """The next answer; all that was ever heard is kept."""
        kind, ident, body, fds = self.captured.receive()
        assert fds == []
        self.heard += body
        return kind, ident, body

    def ask(self, kind, ident, body):
        self.captured.send(kind, ident, body)
        return self.take()

    def start(self, ident, message):
        return self.ask(SASL_START, ident, octets(b"s1") + CLIENT + bytes(3) +
                        octets(b"") * 3 + octets(message))

    def respond(self, ident, number, message):
        return self.ask(SASL_RESPONSE, ident,
                        struct.pack("<Q", number) + octets(message))


@pytest.fixture
def authd(tmp_path):
    with Authd(tmp_path) as a:
        yield a


def challenge(answer, ident):
    kind, got, body = answer
    assert (kind, got) == (SASL_CHALLENGE, ident)
    number, length = struct.unpack_from("<QI", body)
    assert len(body) == 12 + length
    return number, body[12:]


def secrets_of(verifier):
    """What must not be heard, as it stands in the table and decoded."""
    keys = verifier.split("$")[2].split(":")
    return [k.encode() for k in keys] + [base64.b64decode(k) for k in keys]


def test_nothing_secret_is_ever_said(authd):
    k = scram.Client("alice@example.org", "wrong")
    number, first = challenge(authd.start(1, k.first()), 1)
    assert authd.respond(2, number, k.final(first))[0] == alone.LOGIN_REFUSED
    # The same proof again, for a conversation that is over.
    assert authd.respond(3, number, k.final(first)) == (
        alone.LOGIN_REFUSED, 3, b"\x02")
    k = scram.Client("alice@example.org", "secret")
    number, first = challenge(authd.start(4, k.first()), 4)
    number, final = challenge(authd.respond(5, number, k.final(first)), 5)
    k.verify(final)
    kind, ident, body = authd.respond(6, number, b"")
    # Whose account it is, and no ticket: it could start a session with one.
    assert (kind, ident) == (LOGIN_ACCOUNT, 6)
    assert body == struct.pack("<BI", 1, 7) + octets(b"alice@example.org")
    for secret in [*secrets_of(VERIFIER), HASH.encode(), HASH[-43:].encode()]:
        assert secret not in authd.heard
    assert authd.running()


def test_it_cannot_prove_what_it_does_not_know(authd):
    """The server's first message, and the proof of another conversation."""
    k = scram.Client("alice@example.org", "secret")
    number, first = challenge(authd.start(1, k.first()), 1)
    proof = k.final(first)
    number2, first2 = challenge(authd.start(2, k.first()), 2)
    assert first != first2		# another nonce
    assert authd.respond(3, number2, proof)[0] == alone.LOGIN_REFUSED
    assert challenge(authd.respond(4, number, proof), 4)
    # Not even then: the last step is its own conversation's.
    assert authd.respond(5, number, b"")[0] == alone.LOGIN_REFUSED


@pytest.mark.parametrize("kind, body", [
    (SASL_START, b""), (SASL_START, b"\xff" * 100),
    (SASL_RESPONSE, b"1234567"), (SASL_ABORT, b""), (SASL_CHALLENGE, b""),
    (alone.LOGIN_TICKET, bytes(20)), (24, bytes(17)),	# TICKET_REDEEM
    (74, bytes(40)),					# VERIFY
])
def test_malformed_or_not_its_to_say(authd, kind, body):
    authd.captured.send(kind, 1, body)
    assert authd.captured.receive() is None		# it was closed
    assert "channel-refused" in authd.log()
    assert authd.running()
