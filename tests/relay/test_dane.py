"""DANE (RFC 7672) from end to end: a real resolver that validates the signed
zones of the test's own server, and hosts with certificates."""

import time

import pytest

from support.dns import DnsServer
from support.instance import DOMAIN
from support.peer import Peer
from support.pki import Authority, tlsa

MESSAGE = "From: a@example.org\r\nSubject: {}\r\n\r\nhello\r\n"
DOMAINS = (f"{DOMAIN}\nsigned.test relay unchecked\n"
           "plain.test relay unchecked\n")


def record(port, host, rows):
    return "".join(f"_{port}._tcp.{host} TLSA {u} {s} {m} {data.hex()}\n"
                   for u, s, m, data in rows)


class World:
    """signed.test with its exchanger mx, and plain.test, which is not signed
    and has the same one."""

    def __init__(self, make, dns, leaf, folder, rows, more=""):
        self.dns, self.leaf = dns, leaf
        self.peer = Peer(address="127.0.0.2", extensions=["STARTTLS"],
                         tls=leaf.context(folder, root=True))
        self.more = more
        self.publish(rows)
        dns.zone("plain.test", "@ MX 10 mx.signed.test.\n", ttl=0)
        self.i = make(files={
            "domains": DOMAINS,
            "remote-relay.conf": f"smtp_port = {self.peer.port}\n"
            "interface_addresses = no\naddress_family = ipv4\n"
            "host_down_time = 0\n",
            "queue-manager.conf": "retry_min = 1s\nretry_max = 1s\n",
            "trust-anchors": dns.anchors(),
            "resolver.conf": dns.settings(
                "max_ttl = 0\nmax_negative_ttl = 0\n")}).start()
        self.sent = 0

    def publish(self, rows):
        # The key stays: it is what is trusted.
        old = next((z for z in self.dns.zones if z.key), None)
        self.dns.zone("signed.test", "@ MX 10 mx\nmx A 127.0.0.2\n" +
                      record(self.peer.port, "mx", rows) + self.more,
                      signed=True, ttl=0, key=old and old.key)

    def send(self, domain="signed.test"):
        self.sent += 1
        self.i.send(f"alice@{DOMAIN}", [f"x{self.sent}@{domain}"],
                    MESSAGE.format(self.sent))

    def await_deferred(self, *words):
        until = time.monotonic() + 30
        to = f"x{self.sent}@"
        while True:
            for line in self.i.log(event="deferred", stage="remote-relay"):
                if line["to"].startswith(to) and all(
                        w in line["reason"] for w in words):
                    return line
            assert time.monotonic() < until, self.i.tail(100)
            time.sleep(0.05)

    def clear_commands(self):
        return [l for s in self.peer.sessions if not s.secured
                for l in s.lines if l.startswith(("MAIL", "RCPT"))]


@pytest.fixture
def world(new_instance, tmp_path):
    made = []

    def make(rows, leaf, **more):
        dns = DnsServer()
        made.append(dns)
        w = World(new_instance, dns, leaf, tmp_path, rows, **more)
        made.append(w.peer)
        return w
    yield make
    for m in made:
        m.__exit__()


def test_matched_replaced_and_mismatched(world):
    ca = Authority("a root")
    leaf, next_one = ca.leaf("mx.signed.test"), ca.leaf("mx.signed.test")
    w = world([tlsa(3, 1, 1, leaf)], leaf)
    w.send()
    w.peer.await_messages(1)
    line = w.i.await_log(event="tls", stage="remote-relay")[0]
    assert line["verified"] == "dane" and line["tlsa"] == "3 1 1"
    # Rollover: both are published, then the new one alone.
    w.publish([tlsa(3, 1, 1, leaf), tlsa(3, 1, 1, next_one)])
    w.send()
    w.peer.await_messages(2)
    w.peer.await_quiet()	# the connection of before is gone
    w.publish([tlsa(3, 1, 1, next_one)])
    w.send()
    w.await_deferred("TLS")
    # What was wrong is mended: it goes.
    w.publish([tlsa(2, 1, 1, ca)])
    w.peer.await_messages(3, 60)
    assert not w.clear_commands()
    assert w.i.await_empty_queue()["difference"] == 0


def test_bogus_records_and_a_stripped_starttls(world):
    ca = Authority("a root")
    leaf = ca.leaf("mx.signed.test")
    w = world([tlsa(3, 1, 1, leaf)], leaf)
    name = f"_{w.peer.port}._tcp.mx.signed.test"
    for mode in "bad-signature", "no-signature", "servfail":
        w.dns.fail(name, mode)
        w.send()
        w.await_deferred("no answer for the TLSA records")
    assert not w.peer.sessions
    w.dns.fail(name, None)
    w.peer.await_messages(3, 60)
    w.peer.await_quiet()
    w.peer.extensions = []
    w.send()
    w.await_deferred("TLS is required")
    w.peer.extensions = ["STARTTLS"]
    w.peer.await_messages(4, 60)
    # Nobody is let off because the MX records or addresses are bogus.  (What
    # libunbound remembers of that outlasts this test.)
    w.peer.extensions = []
    for name in "mx.signed.test", "signed.test":
        w.i.kill("remote-relay")	# which remembers its hosts
        w.dns.fail(name, "bad-signature")
        w.send()
        w.await_deferred("no answer")
    assert not w.clear_commands() and len(w.peer.messages) == 4
    assert w.i.counters()["difference"] == 0


def test_a_signed_host_of_a_domain_that_is_not(world):
    """The host is verified; the log does not call the destination so.  And
    without records, or with none of use, it is as it always was."""
    ca = Authority("a root")
    leaf = ca.leaf("mx.signed.test")
    w = world([tlsa(2, 0, 1, ca)], leaf)
    w.send("plain.test")
    w.peer.await_messages(1)
    line = w.i.await_log(event="tls-policy")[0]
    assert line["tls"] == "dane" and line["verifies-destination"] == "no"
    time.sleep(6)
    w.publish([])			# that there is none is signed, too
    w.peer.extensions = []
    w.send("plain.test")
    w.peer.await_messages(2)
    line = w.i.await_log(2, event="tls-policy")[-1]
    assert line["tls"] == "opportunistic"
    assert line["reason"] == "the host has no TLSA records"
    time.sleep(6)
    w.publish([tlsa(1, 1, 1, leaf)])
    w.send("plain.test")
    w.await_deferred("TLS is required")
    w.peer.extensions = ["STARTTLS"]
    w.peer.await_messages(3, 60)
    assert w.peer.sessions[-1].secured
