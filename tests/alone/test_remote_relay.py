"""remote-relay alone in its real sandbox: the test is queue-manager and
resolver, and all the hosts of the world."""

import email
import hashlib
import os
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

from support.instance import PATIENCE
from support.peer import Peer

from .program import Program, octets

RELAY, RELAYED = 64, 65
DNS_ASK, DNS_ANSWER = 110, 111
DELIVERED, DEFERRED, FAILED = 1, 2, 3
UNKNOWN, DSN_PASSED, HOST_DOWN, LAST = 1, 2, 4, 8
EIGHT_BIT, BINARY, SMTPUTF8 = 1, 2, 4
A, CNAME, MX, AAAA, TLSA = 1, 5, 15, 28, 52
TEXT = b"Subject: x\r\n\r\nhello\r\n.\r\n..dots\r\n"
QUICK = ("interface_addresses = no\nconnect_timeout = 2s\n"
         "greeting_timeout = 2s\nhelo_timeout = 2s\nmail_timeout = 2s\n"
         "rcpt_timeout = 2s\ndata_timeout = 2s\ndata_block_timeout = 2s\n"
         "data_done_timeout = 2s\nquit_timeout = 1s\n")


TABLES = re.findall(r'^\tX\(\w+, "([^"]+)"\)', (
    Path(__file__).resolve().parents[2] / "common/stage/stage.h").read_text(),
    re.M)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Result:
    def __init__(self, ident, body):
        self.id = ident
        (self.queue_id, self.number, self.result, self.marks, self.code,
         *self.enhanced) = struct.unpack_from("<QIBBHBBB", body)
        rest = body[19:]
        n, = struct.unpack_from("<I", rest)
        self.text = rest[4:4 + n].decode()
        m, = struct.unpack_from("<I", rest, 4 + n)
        self.mta = rest[8 + n:].decode()
        assert len(rest) == 8 + n + m

    def __repr__(self):
        return (f"<{self.number}: {self.result} {self.code} "
                f"{'.'.join(map(str, self.enhanced))} {self.text!r} "
                f"{self.mta} {self.marks}>")


class Answer:
    """More than records: whether DNSSEC vouches, and where CNAMEs led."""

    def __init__(self, rows=(), status=None, secure=True, canonical="",
                 cut=False):
        self.rows = list(rows)
        self.status = status or ("ok" if rows else "nodata")
        self.marks = secure | cut << 1
        self.canonical = canonical


class Zone:
    """What resolver would say: {(type, name): [data], a status word, or an
    Answer}; standard is for what is not in it."""
    STATUS = {"ok": 1, "nxdomain": 2, "nodata": 3, "tempfail": 4, "bogus": 5}

    def __init__(self, channel, records):
        self.channel, self.records = channel, records
        self.standard = "nodata"
        self.asked = []
        threading.Thread(target=self._serve, daemon=True).start()

    @staticmethod
    def _data(kind, d):
        if kind == MX:
            return struct.pack("<H", d[0]) + octets(d[1].encode())
        if kind == CNAME:
            return octets(d.encode())
        if kind == TLSA:
            return bytes(d[:3]) + octets(d[3])
        family = socket.AF_INET if kind == A else socket.AF_INET6
        return socket.inet_pton(family, d)

    def _serve(self):
        self.channel.sock.settimeout(None)
        while True:
            try:
                m = self.channel.receive()
            except OSError:
                return
            if m is None:
                return
            if m[0] != DNS_ASK:
                continue
            kind, = struct.unpack_from("<H", m[2])
            name = m[2][6:].decode()
            self.asked.append((kind, name))
            found = self.records.get((kind, name), self.standard)
            if isinstance(found, str):
                found = Answer(status=found, secure=False)
            elif not isinstance(found, Answer):
                found = Answer(found, secure=False)
            failed = found.status in ("tempfail", "bogus")
            body = struct.pack("<BBHIH", self.STATUS[found.status],
                               0 if failed else found.marks, kind, 300,
                               len(found.rows))
            body += octets(found.canonical.encode())
            body += octets(b"no server" if failed else b"")
            body += b"".join(self._data(kind, d) for d in found.rows)
            self.channel.send(DNS_ANSWER, m[1], body)


class Relay(Program):
    def __init__(self, folder, settings="", zone=None, port=None,
                 passwords="", roots=""):
        super().__init__("remote-relay", folder, uid=64202)
        self.port = port or free_port()
        text = QUICK + f"smtp_port = {self.port}\n"
        # Whatever the test says again takes the place of ours.
        for name in re.findall(r"^(\w+) =", settings, re.M):
            text = re.sub(rf"^{name} = .*\n", "", text, flags=re.M)
        self.settings(text + settings)
        self.queue = self.channel("queue-manager")
        self.zone = Zone(self.channel("resolver"), zone or {})
        self.table(TABLES.index("relay-passwords"), passwords)
        self.table(TABLES.index("/etc/ssl/certs/ca-certificates.crt"), roots)
        self.commit()
        self.ids = 0

    def give(self, recipients=("x@c.example",), content=TEXT, flags=0,
             sender="a@b.example", route="", domain="c.example", envid="",
             ret=0, notify=0, original="", auth=""):
        self.ids += 1
        fd = os.memfd_create("content")
        os.write(fd, content)
        body = struct.pack("<QQQQqIB", 0x1000 + self.ids, 7, len(content), 0,
                           1_700_000_000, flags, ret)
        for text in (sender, envid, auth, route, domain):
            body += octets(text.encode())
        body += struct.pack("<I", len(recipients))
        for n, r in enumerate(recipients):
            body += struct.pack("<II", n, notify)
            body += octets(r.encode()) + octets(original.encode())
        self.queue.send(RELAY, self.ids, body, [fd])
        os.close(fd)
        return self.ids

    def results(self, n=1):
        """What came of n recipients, in their order."""
        got = []
        for _ in range(n):
            ident, body, _ = self.queue.expect(RELAYED)
            got.append(Result(ident, body))
        return sorted(got, key=lambda r: (r.id, r.number))

    def one(self, **options):
        self.give(**options)
        return self.results(len(options.get("recipients", [0])))[0]


def via(port, more=""):
    """A route to a peer on this host."""
    return (f"route default {{\n\tvia = [127.0.0.1]:{port}\n{more}}}\n")


# ---- the good days


def test_a_message(tmp_path):
    with Peer() as p, Relay(tmp_path, via(p.port)) as r:
        got = r.one()
        assert (got.result, got.code, got.marks) == (DELIVERED, 250, LAST)
        assert got.enhanced == [2, 0, 0] and got.text == "taken"
        assert got.mta == "127.0.0.1"
        m, = p.messages
        assert m.mail == "MAIL FROM:<a@b.example>"
        assert m.rcpt == ["RCPT TO:<x@c.example>"] and m.content == TEXT
        assert p.sessions[0].lines[0] == "EHLO mx.example.org"


@pytest.mark.parametrize("extensions", [
    [], ["PIPELINING"], ["CHUNKING"], ["PIPELINING", "CHUNKING"]])
def test_many_on_one_connection(tmp_path, extensions):
    with Peer(extensions=extensions) as p, \
            Relay(tmp_path, "connection_messages = 10\n" + via(p.port)) as r:
        for _ in range(25):
            assert r.one().result == DELIVERED
        assert [m.content for m in p.messages] == [TEXT] * 25
        assert [sum(l.startswith("MAIL") for l in s.lines)
                for s in p.sessions] == [10, 10, 5]
        # Full ones say QUIT.
        for s in p.sessions[:2]:
            assert s.lines[-1] == "QUIT"


def test_idle_connections_are_closed(tmp_path):
    with Peer() as p, Relay(tmp_path, "connection_idle = 1s\n" +
                            via(p.port)) as r:
        assert r.one().result == DELIVERED
        until = time.monotonic() + 10
        while p.sessions[0].lines[-1] != "QUIT":
            assert time.monotonic() < until
            time.sleep(0.05)


def test_some_recipients_are_refused(tmp_path):
    with Peer(rcpt=["250 ok", "550 5.1.1 no such user", "452 4.2.2 full",
                    "552 too many", "251 will forward"],
              extensions=["PIPELINING"]) as p, \
            Relay(tmp_path, via(p.port)) as r:
        r.give(recipients=[f"{c}@c.example" for c in "abcde"])
        got = r.results(5)
        assert [g.result for g in got] == [1, 3, 2, 2, 1]
        assert [g.code for g in got] == [250, 550, 452, 452, 250]
        assert got[1].enhanced == [5, 1, 1] and got[1].text == "no such user"
        assert sum(bool(g.marks & LAST) for g in got) == 1
        assert len(p.messages[0].rcpt) == 2


def test_a_large_message(tmp_path):
    content = b"Subject: x\r\n\r\n" + b".line of text\r\n" * 400_000
    for extensions in ([], ["CHUNKING", "PIPELINING"]):
        with Peer(extensions=extensions) as p, \
                Relay(tmp_path, "data_done_timeout = 1m\n" +
                      via(p.port)) as r:
            assert r.one(content=content).result == DELIVERED
            assert p.messages[0].content == content


def test_many_destinations_at_once(tmp_path):
    """Some are dead, some stall: the others do not wait for them."""
    n = 200
    port = free_port()
    zone = {}
    for i in range(n):
        # 127.0.0.2 listens, 127.0.0.3 stalls, 127.0.0.4 refuses.
        address = ("127.0.0.2", "127.0.0.3", "127.0.0.4")[i % 3]
        zone[A, f"d{i}.example"] = [address]
    with Peer(port, "127.0.0.2") as p, \
            Peer(port, "127.0.0.3", greeting=lambda s: s.stall()), \
            Relay(tmp_path, "greeting_timeout = 20s\naddress_family = ipv4\n",
                  zone, port) as r:
        began = time.monotonic()
        for i in range(n):
            r.give(domain=f"d{i}.example", recipients=[f"x@d{i}.example"])
        got = r.results(len([i for i in range(n) if i % 3 != 1]))
        assert time.monotonic() - began < 15
        assert sum(g.result == DELIVERED for g in got) == len(p.messages) == \
            len(range(0, n, 3))
        for g in got:
            if g.result != DELIVERED:
                assert g.result == DEFERRED and g.marks & HOST_DOWN


# ---- LMTP


def test_lmtp(tmp_path):
    with Peer(lmtp=True, extensions=["PIPELINING"],
              final=["250 2.1.5 ok", "552 5.2.2 full"]) as p, \
            Relay(tmp_path, via(p.port, "\tprotocol = lmtp\n")) as r:
        r.give(recipients=["a@c.example", "b@c.example"])
        a, b = r.results(2)
        assert p.sessions[0].lines[0] == "LHLO mx.example.org"
        assert (a.result, b.result) == (DELIVERED, FAILED)
        assert b.enhanced == [5, 2, 2]


# ---- extensions


ALL = ["PIPELINING", "SIZE 1000000", "8BITMIME", "DSN", "SMTPUTF8",
       "ENHANCEDSTATUSCODES"]


def test_dsn_is_passed_on(tmp_path):
    options = dict(envid="a+b", ret=2, notify=2, original="rfc822;o@c.example")
    with Peer(extensions=ALL) as p, Relay(tmp_path, via(p.port)) as r:
        got = r.one(**options)
        assert got.result == DELIVERED and got.marks == LAST | DSN_PASSED
        assert p.messages[0].mail == (
            f"MAIL FROM:<a@b.example> SIZE={len(TEXT)} RET=HDRS ENVID=a+2Bb")
        assert p.messages[0].rcpt == [
            "RCPT TO:<x@c.example> NOTIFY=SUCCESS ORCPT=rfc822;o@c.example"]
    with Peer() as p, Relay(tmp_path, via(p.port)) as r:
        got = r.one(**options)
        assert got.marks == LAST	# the peer takes nothing over
        assert p.messages[0].mail == "MAIL FROM:<a@b.example>"


def test_size(tmp_path):
    with Peer(extensions=["SIZE 20"]) as p, Relay(tmp_path, via(p.port)) as r:
        got = r.one()
        assert (got.result, got.code) == (FAILED, 552)
        assert got.enhanced == [5, 3, 4] and not p.messages


def test_smtputf8(tmp_path):
    utf8 = dict(flags=SMTPUTF8, recipients=["\u00e9@c.example"])
    header = dict(flags=SMTPUTF8,
                  content="Subject: \u00e9\r\n\r\nx\r\n".encode())
    with Peer(extensions=ALL) as p, Relay(tmp_path, via(p.port)) as r:
        assert r.one(**utf8).result == DELIVERED
        assert r.one(**header).result == DELIVERED
        assert p.messages[0].mail.endswith(" SMTPUTF8")
    with Peer() as p, Relay(tmp_path, via(p.port)) as r:
        for options in utf8, header:
            got = r.one(**options)
            assert got.result == FAILED and got.enhanced == [5, 6, 7]
        # What does not need it goes.
        assert r.one(flags=SMTPUTF8).result == DELIVERED
        assert p.messages[0].mail == "MAIL FROM:<a@b.example>"


def test_8bit_for_a_host_without_8bitmime(tmp_path):
    text = "Subject: x\r\n\r\ncaf\u00e9\r\n".encode()
    with Peer(extensions=["8BITMIME"]) as p, Relay(tmp_path, via(p.port)) as r:
        assert r.one(content=text, flags=EIGHT_BIT).result == DELIVERED
        assert p.messages[0].content == text
        assert p.messages[0].mail.endswith(" BODY=8BITMIME")
    with Peer(extensions=["CHUNKING"]) as p, Relay(tmp_path, via(p.port)) as r:
        for _ in range(2):
            assert r.one(content=text, flags=EIGHT_BIT).result == DELIVERED
        m = email.message_from_bytes(p.messages[1].content)
        assert m["Content-Transfer-Encoding"] == "quoted-printable"
        assert m.get_payload(decode=True) == text.split(b"\r\n\r\n")[1]
        assert p.messages[1].content.isascii()
        # A large one, in many pieces.
        large = text + "\u00e9t\u00e9\r\n".encode() * 200_000
        assert r.one(content=large, flags=EIGHT_BIT).result == DELIVERED
        m = email.message_from_bytes(p.messages[2].content)
        assert m.get_payload(decode=True) == large.split(b"\r\n\r\n")[1]
        # What is signed is not touched.
        signed = (b"MIME-Version: 1.0\r\nContent-Type: multipart/signed; "
                  b"boundary=b\r\n\r\n--b\r\n\r\ncaf\xe9\r\n--b\r\n\r\n"
                  b"signature\r\n--b--\r\n")
        got = r.one(content=signed, flags=EIGHT_BIT)
        assert got.result == FAILED and got.enhanced == [5, 6, 3]
        assert len(p.messages) == 3


def test_raw_8bit_header_fields_for_a_host_of_seven_bits(tmp_path):
    """A field that is not as RFC 6532 wants it goes as it came to whoever
    takes eight bits; where all else would be converted it cannot be, and the
    message is returned rather than sent broken."""
    text = "Subject: caf\u00e9\r\n\r\ncaf\u00e9\r\n".encode()
    with Peer(extensions=["8BITMIME"]) as p, Relay(tmp_path, via(p.port)) as r:
        assert r.one(content=text, flags=EIGHT_BIT).result == DELIVERED
        assert p.messages[0].content == text
    with Peer() as p, Relay(tmp_path, via(p.port)) as r:
        got = r.one(content=text, flags=EIGHT_BIT)
        assert (got.result, got.code) == (FAILED, 553), got
        assert got.enhanced == [5, 6, 7] and not p.messages


def test_binary(tmp_path):
    data = bytes(range(256)) * 300
    text = (b"MIME-Version: 1.0\r\nContent-Type: image/x\r\n"
            b"Content-Transfer-Encoding: binary\r\n\r\n" + data)
    with Peer(extensions=["CHUNKING", "BINARYMIME"]) as p, \
            Relay(tmp_path, via(p.port)) as r:
        assert r.one(content=text, flags=BINARY).result == DELIVERED
        assert p.messages[0].content == text
    with Peer(extensions=["8BITMIME"]) as p, Relay(tmp_path, via(p.port)) as r:
        assert r.one(content=text, flags=BINARY).result == DELIVERED
        m = email.message_from_bytes(p.messages[0].content)
        assert m["Content-Transfer-Encoding"] == "base64"
        assert m.get_payload(decode=True) == data


# ---- who is asked


def zone_of(*mx, domain="c.example", **hosts):
    zone = {(MX, domain): list(mx)} if mx else {}
    for name, addresses in hosts.items():
        for a in addresses:
            kind = AAAA if ":" in a else A
            zone.setdefault((kind, f"{name}.example"), []).append(a)
    return zone


def test_mx_order_and_the_next_one(tmp_path):
    port = free_port()
    zone = zone_of((20, "third.example"), (5, "dead.example"),
                   (10, "second.example"), dead=["127.0.0.4"],
                   second=["127.0.0.2"], third=["127.0.0.3"])
    with Peer(port, "127.0.0.2", greeting="421 busy") as second, \
            Peer(port, "127.0.0.3") as third, \
            Relay(tmp_path, "", zone, port) as r:
        got = r.one()
        assert got.result == DELIVERED and got.mta == "third.example"
        assert len(second.sessions) == 1 and len(third.messages) == 1
        # Those known to be down are not asked again at once.
        second.behaviour["greeting"] = "220 hi"
        for s in third.sessions:
            s.sock.shutdown(socket.SHUT_RDWR)
        assert r.one().mta == "third.example"


def test_equal_preference_is_shared(tmp_path):
    port = free_port()
    zone = {}
    for i in range(40):
        zone[MX, f"d{i}.example"] = [(10, "one.example"), (10, "two.example")]
    zone[A, "one.example"] = ["127.0.0.2"]
    zone[A, "two.example"] = ["127.0.0.3"]
    with Peer(port, "127.0.0.2") as one, Peer(port, "127.0.0.3") as two, \
            Relay(tmp_path, "", zone, port) as r:
        for i in range(40):
            r.give(domain=f"d{i}.example")
        assert all(g.result == DELIVERED for g in r.results(40))
        assert 8 <= len(one.messages) <= 32
        assert len(one.messages) + len(two.messages) == 40


def test_implicit_mx_and_ipv6_first(tmp_path):
    port = free_port()
    zone = zone_of(c=["127.0.0.2", "::1"])
    with Peer(port, "127.0.0.2") as four, Peer(port, "::1") as six, \
            Relay(tmp_path, "", zone, port) as r:
        assert r.one().result == DELIVERED
        assert len(six.messages) == 1 and not four.messages
    with Peer(port, "127.0.0.2") as four, \
            Relay(tmp_path, "", zone, port) as r:
        assert r.one().result == DELIVERED and len(four.messages) == 1


@pytest.mark.parametrize("zone,code,enhanced", [
    ({(MX, "c.example"): [(0, "")]}, 556, [5, 1, 10]),
    ({(MX, "c.example"): "nxdomain"}, 550, [5, 1, 2]),
    ({}, 550, [5, 1, 2]),
    ({(MX, "c.example"): [(1, "mx.example")]}, 550, [5, 4, 4]),
    ({(MX, "c.example"): "tempfail"}, 451, [4, 4, 3]),
    ({(MX, "c.example"): "bogus"}, 451, [4, 4, 3]),
    ({(MX, "c.example"): [(1, "mx.example")],
      (A, "mx.example"): "tempfail"}, 451, [4, 4, 3]),
    # Ourselves, by name and by address: best, or equal to the best.
    ({(MX, "c.example"): [(1, "mx.example.org")]}, 554, [5, 4, 6]),
    ({(MX, "c.example"): [(1, "a.example"), (1, "b.example"),
                          (2, "c.example")],
      (A, "a.example"): ["127.0.0.2"], (A, "b.example"): ["127.0.0.9"],
      (A, "c.example"): ["127.0.0.2"]}, 554, [5, 4, 6]),
])
def test_where_nobody_is(tmp_path, zone, code, enhanced):
    with Relay(tmp_path, "own_addresses = 127.0.0.9\n", zone) as r:
        got = r.one()
        assert (got.code, got.enhanced) == (code, enhanced), got
        assert bool(got.marks & HOST_DOWN) == (code < 500)


NOBODY = ["0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1",
          "255.255.255.255", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
          "fe80::1", "ff02::1"]


@pytest.mark.parametrize("address", NOBODY)
def test_an_address_that_no_host_has(tmp_path, address):
    """Nor is loopback found behind one, nor the metadata of a cloud."""
    zone = {(MX, "c.example"): [(1, "mx.example")],
            (AAAA if ":" in address else A, "mx.example"): [address]}
    with Relay(tmp_path, "", zone) as r:
        got = r.one()
        assert (got.code, got.enhanced) == (550, [5, 4, 4]), got
        if address.startswith("::ffff"):
            return		# a literal is read as the IPv4 that it is
        literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
        got = r.one(domain=literal, recipients=[f"x@{literal}"])
        assert (got.code, got.enhanced) == (550, [5, 4, 4]), got
        assert "event=host-failed" not in r.log()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_ourselves(tmp_path, address):
    """As it is by the standard settings: whatever listens there is not
    spoken to."""
    zone = {(MX, "c.example"): [(1, "mx.example")],
            (AAAA if ":" in address else A, "mx.example"): [address]}
    port = free_port()
    with Peer(port, address) as p, \
            Relay(tmp_path, "interface_addresses = yes\n", zone, port) as r:
        got = r.one()
        assert (got.code, got.enhanced) == (554, [5, 4, 6]), got
        assert not p.sessions


def test_very_many_mail_exchangers(tmp_path):
    """The best sixteen at most, and hosts_max of their addresses."""
    zone = {(MX, "c.example"): [(n, f"m{n}.example") for n in range(250)]}
    for n in range(250):
        zone[A, f"m{n}.example"] = [f"127.1.1.{n + 1}"]
    with Relay(tmp_path, "hosts_max = 5\n", zone) as r:
        got = r.one()
        assert got.result == DEFERRED and got.marks & HOST_DOWN
        assert r.log().count("event=host-failed") == 5
        assert sum(kind == A for kind, _ in r.zone.asked) == 16


def test_less_preferred_than_ourselves(tmp_path):
    """We are the second exchanger: the first is asked, the third never."""
    port = free_port()
    zone = zone_of((1, "first.example"), (2, "us.example"),
                   (3, "third.example"), first=["127.0.0.4"],
                   us=["127.0.0.9"], third=["127.0.0.3"])
    with Peer(port, "127.0.0.3") as third, \
            Relay(tmp_path, "own_addresses = 127.0.0.9\n", zone, port) as r:
        got = r.one()
        assert got.result == DEFERRED and got.marks & HOST_DOWN
        assert got.mta == "first.example" and not third.sessions


def test_address_literals(tmp_path):
    port = free_port()
    with Peer(port, "127.0.0.2") as p, \
            Relay(tmp_path, "own_addresses = 127.0.0.9\n", {}, port) as r:
        got = r.one(domain="[127.0.0.2]", recipients=["x@[127.0.0.2]"])
        assert got.result == DELIVERED and len(p.messages) == 1
        got = r.one(domain="[127.0.0.9]", recipients=["x@[127.0.0.9]"])
        assert got.enhanced == [5, 4, 6]
        # A domain is never a way to name a port.
        for odd in "[127.0.0.2]:25", "c.example:25", "[c.example]":
            assert r.one(domain=odd).enhanced == [5, 1, 2]


def test_routes(tmp_path):
    with Peer() as isp, Peer(address="127.0.0.2") as spare, \
            Relay(tmp_path, f"route isp {{\n\tvia = [127.0.0.1]:{isp.port}\n"
                  f"\tsource_address = 127.0.0.7\n"
                  f"\tfallback = [127.0.0.2]:{spare.port}\n}}\n") as r:
        assert r.one(route="isp").result == DELIVERED
        assert isp.sessions[0].sock.getpeername()[0] == "127.0.0.7"
        got = r.one(route="other")
        assert got.result == DEFERRED and got.enhanced == [4, 3, 5]
        isp.behaviour["greeting"] = "554 no"
        for s in isp.sessions:
            s.sock.shutdown(socket.SHUT_RDWR)
        assert r.one(route="isp").result == DELIVERED
        assert len(spare.messages) == 1


# ---- the bad days: what each step can do to us


def drop(s):
    s.close()


def reset(s):
    s.reset()


def stall(s):
    s.stall()


def endless(s):
    while True:
        s.send(b"250-and more\r\n" * 100)


def long_line(s):
    while True:
        s.send(b"250 " + b"x" * 65536)


def slowly(s):
    s.trickle(b"250-slow\r\n" * 1000)


BAD = {"drop": drop, "reset": reset, "stall": stall, "endless": endless,
       "long line": long_line, "slow": slowly, "421": "421 4.3.2 bye",
       "nonsense": "hello there", "no code": "25 x", "wrong": "354 what",
       "1yz": "150 what", "nul": "\0\0\0\0"}
BEFORE = ["greeting", "ehlo", "mail", "rcpt", "data"]


@pytest.mark.parametrize("how", BAD)
@pytest.mark.parametrize("step", BEFORE)
def test_before_the_end_of_data(tmp_path, step, how):
    """Nothing was taken: put off, never unknown, and the other host is
    asked."""
    if (step, how) == ("data", "wrong"):
        return		# the right answer
    with Peer(**{step: BAD[how]}) as bad, Peer() as good, \
            Relay(tmp_path, f"route default {{\n\tvia = [127.0.0.1]:{bad.port}"
                  f" [127.0.0.1]:{good.port}\n}}\n") as r:
        got = r.one()
        assert got.result == DELIVERED, got
        assert len(good.messages) == 1 and not bad.messages
    with Peer(**{step: BAD[how]}) as bad, Relay(tmp_path, via(bad.port)) as r:
        got = r.one()
        assert got.result == DEFERRED and not got.marks & UNKNOWN, got
        assert got.marks & HOST_DOWN and got.code // 100 == 4


@pytest.mark.parametrize("extensions", [[], ["PIPELINING", "CHUNKING"]])
@pytest.mark.parametrize("how", BAD)
def test_the_last_reply_is_lost(tmp_path, how, extensions):
    """The peer may have it, so nobody else is asked, and it may be sent once
    more later: at most one duplicate, never a loss."""
    with Peer(final=BAD[how], extensions=extensions) as bad, Peer() as good, \
            Relay(tmp_path, f"route default {{\n\tvia = [127.0.0.1]:{bad.port}"
                  f" [127.0.0.1]:{good.port}\n}}\n") as r:
        got = r.one()
        assert got.result == DEFERRED, got
        assert bool(got.marks & UNKNOWN) == (how != "421"), got
        assert not good.sessions


@pytest.mark.parametrize("how", ["drop", "reset", "stall", "421"])
def test_in_the_middle_of_data(tmp_path, how):
    content = b"Subject: x\r\n\r\n" + b"text\r\n" * 1_000_000
    with Peer(content=BAD[how]) as bad, Peer() as good, \
            Relay(tmp_path, "data_done_timeout = 1m\n"
                  "data_block_timeout = 5s\n"
                  f"route default {{\n\tvia = [127.0.0.1]:{bad.port}"
                  f" [127.0.0.1]:{good.port}\n}}\n") as r:
        got = r.one(content=content)
        assert got.result == DELIVERED, got
        assert not bad.messages and good.messages[0].content == content


def test_a_stale_connection_is_no_failure(tmp_path):
    with Peer() as p, Relay(tmp_path, "connection_idle = 1m\n" +
                            via(p.port)) as r:
        for _ in range(5):
            assert r.one().result == DELIVERED
            for s in p.sessions:
                try:
                    s.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        assert len(p.sessions) == 5
        # Or it says so when asked for more.
        p.behaviour["mail"] = lambda s: ("421 4.3.2 enough" if
                                         s.count["mail"] > 1 else "250 ok")
        for _ in range(4):
            assert r.one().result == DELIVERED
        assert "level=error" not in r.log()


def test_replies_that_nobody_asked_for(tmp_path):
    with Peer(mail="250 ok\r\n250 and another") as p, \
            Relay(tmp_path, via(p.port)) as r:
        assert r.one().result in (DEFERRED, DELIVERED)
        # Out of step is out of use: no message was given for another.
        for m in p.messages:
            assert m.content == TEXT


def test_smuggling(tmp_path):
    """What a lenient peer could read as two messages does not leave."""
    for content in (b"a\r\n\n.\r\nMAIL FROM:<x@y>\r\n", b"a\n.\nb\r\n",
                    b"a\r\n.\rb\r\n", b"a\r\n.\n", b"a\n.\r\nb\r\n"):
        for extensions in ([], ["PIPELINING", "CHUNKING"]):
            with Peer(extensions=extensions) as p, \
                    Relay(tmp_path, via(p.port)) as r:
                got = r.one(content=content)
                assert got.result == FAILED and got.enhanced == [5, 6, 0]
                assert not p.messages
    # Nor can an address end its line.
    with Peer() as p, Relay(tmp_path, via(p.port)) as r:
        got = r.one(recipients=["a> SIZE=1 X=<b@c.example"])
        assert got.enhanced == [5, 1, 3]
        got = r.one(sender="a> SIZE=1 X=<b@c.example")
        assert got.enhanced == [5, 1, 7]


def test_a_peer_that_floods_costs_no_memory(tmp_path):
    def flood(s):
        for _ in range(160):
            s.send(b"220-" + b"x" * 65532)
    with Peer(greeting=flood) as p, Relay(tmp_path, via(p.port)) as r:
        before = memory(r.pid)
        for _ in range(5):
            assert r.one().result == DEFERRED
        assert memory(r.pid) - before < 2 << 20


def memory(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) << 10


# ---- TLS and AUTH


def certificate(folder, name="peer.example"):
    """A key and a certificate signed by itself: an ssl context to serve with,
    the PEM, and its SHA-256."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName=DNS:{name}", "-keyout", key, "-out",
                    cert], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    pem = cert.read_text()
    return context, pem, hashlib.sha256(
        ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


def test_tls_where_it_is_offered(tmp_path, pair):
    with Peer(extensions=["STARTTLS", "PIPELINING"], tls=pair[0]) as p, \
            Relay(tmp_path, via(p.port)) as r:
        for _ in range(3):
            assert r.one().result == DELIVERED
        s, = p.sessions
        # What was said in clear is forgotten: EHLO again.
        assert s.secured and s.lines[:3] == [
            "EHLO mx.example.org", "STARTTLS", "EHLO mx.example.org"]
        assert "event=tls" in r.log() and "version=TLSv1.3" in r.log()


def test_tls_fails_and_was_only_opportunistic(tmp_path, pair):
    def broken(s):
        s.say("220 go on")
        s.send(b"this is no TLS at all")
        s.stall(3)
    with Peer(extensions=["STARTTLS"], starttls=broken) as p, \
            Relay(tmp_path, via(p.port)) as r:
        assert r.one().result == DELIVERED
        assert len(p.sessions) == 2 and "STARTTLS" not in p.sessions[1].lines
    with Peer(extensions=["STARTTLS"], starttls="454 4.7.0 not now") as p, \
            Relay(tmp_path, via(p.port)) as r:
        assert r.one().result == DELIVERED and len(p.sessions) == 1


@pytest.mark.parametrize("behaviour", [
    dict(extensions=[]),			# stripped
    dict(extensions=["STARTTLS"], starttls="454 4.7.0 not now"),
    dict(extensions=["STARTTLS"], starttls="502 what?"),
    dict(extensions=["STARTTLS"], starttls=lambda s: s.close())])
def test_tls_is_required(tmp_path, behaviour):
    with Peer(**behaviour) as p, \
            Relay(tmp_path, via(p.port, "\ttls = required\n")) as r:
        got = r.one()
        assert got.result == DEFERRED and got.marks & HOST_DOWN
        assert not any(l.startswith("MAIL") for l in p.lines())


@pytest.mark.parametrize("policy", ["opportunistic", "required"])
def test_starttls_with_replies_injected(tmp_path, pair, policy):
    """What stands in clear behind 220 is nobody's reply."""
    def inject(s):
        s.send(b"220 go on\r\n250-injected\r\n250 AUTH PLAIN\r\n")
        return None
    with Peer(extensions=["STARTTLS"], tls=pair[0], starttls=inject) as p, \
            Relay(tmp_path, via(p.port, f"\ttls = {policy}\n")) as r:
        got = r.one()
        assert got.result == DEFERRED and "STARTTLS" in got.text
        assert not p.messages


def test_tls_verified(tmp_path, pair):
    context, pem, _ = pair
    route = "\ttls = verified\n\ttls_names = {}\n"
    for roots, name, good in ((pem, "peer.example", True),
                              (pem, "other.example", False),
                              ("", "peer.example", False)):
        with Peer(extensions=["STARTTLS"], tls=context) as p, \
                Relay(tmp_path, via(p.port, route.format(name)),
                      roots=roots) as r:
            got = r.one()
            assert (got.result == DELIVERED) == good, got
            assert bool(p.messages) == good


def test_tls_by_fingerprint(tmp_path, pair):
    context, _, digest = pair
    for mark, good in ((digest, True), ("00" * 32, False)):
        with Peer(extensions=["STARTTLS"], tls=context) as p, \
                Relay(tmp_path, via(p.port, "\ttls = fingerprint\n"
                                    f"\ttls_fingerprints = {mark}\n")) as r:
            assert (r.one().result == DELIVERED) == good
            assert bool(p.messages) == good


def test_tls_wrapped(tmp_path, pair):
    def wrap(s):
        s.sock = pair[0].wrap_socket(s.sock, server_side=True)
        s.secured = True
    with Peer(connect=wrap) as p, Relay(tmp_path, via(
            p.port, "\ttls = required\n\ttls_wrapped = yes\n")) as r:
        assert r.one().result == DELIVERED
        assert p.sessions[0].lines[0] == "EHLO mx.example.org"


LOGIN = "default me@isp.example a secret\n"


def test_auth(tmp_path, pair):
    with Peer(extensions=["STARTTLS", "AUTH PLAIN LOGIN"], tls=pair[0]) as p, \
            Relay(tmp_path, via(p.port), passwords=LOGIN) as r:
        assert r.one().result == DELIVERED
        assert p.logins == [[b"me@isp.example", b"a secret"]]
        # RFC 4954 section 5: nobody is vouched for.
        assert p.messages[0].mail.endswith(" AUTH=<>")
        assert "a secret" not in r.log()


def test_auth_refused_or_impossible(tmp_path, pair):
    for behaviour, logins in (
            (dict(extensions=["STARTTLS", "AUTH PLAIN"], tls=pair[0],
                  auth="535 5.7.8 wrong"), 1),
            (dict(extensions=["STARTTLS"], tls=pair[0]), 0),
            # A password is never said in clear.
            (dict(extensions=["AUTH PLAIN"]), 0)):
        with Peer(**behaviour) as p, \
                Relay(tmp_path, via(p.port), passwords=LOGIN) as r:
            got = r.one()
            assert got.result == DEFERRED and got.enhanced == [4, 7, 8]
            assert len(p.logins) == logins and not p.messages


# ---- settings, the end, and hostile siblings


def test_a_new_port_takes_a_restart(tmp_path):
    with Peer() as p, Peer() as other, Relay(tmp_path, via(p.port)) as r:
        assert r.one().result == DELIVERED
        r.settings(QUICK + f"smtp_port = {r.port}\n" + via(other.port))
        r.supervisor.send(6, 2)
        ident, _, _ = r.supervisor.expect(8)	# STAGE_REFUSED
        assert "a port that was not there" in r.log()
        assert r.one().result == DELIVERED
        assert len(p.messages) == 2 and not other.sessions


def test_a_reload(tmp_path):
    with Peer() as p, Peer() as other, \
            Relay(tmp_path, "route spare {\n\tvia = "
                  f"[127.0.0.1]:{other.port}\n}}\n" + via(p.port)) as r:
        assert r.one().result == DELIVERED
        r.settings(QUICK + f"smtp_port = {r.port}\n" + via(other.port))
        r.commit()
        assert r.one().result == DELIVERED
        assert len(p.messages) == len(other.messages) == 1
        assert r.one(route="spare").enhanced == [4, 3, 5]


def test_stop_waits_for_what_is_being_sent(tmp_path):
    def later(s):
        time.sleep(1)
        return "250 2.0.0 taken"
    with Peer(final=later) as p, Relay(tmp_path, via(
            p.port, "\tconnections_max = 1\n")) as r:
        first, second = r.give(), r.give()
        while not p.sessions or "DATA" not in p.sessions[0].lines:
            time.sleep(0.01)
        r.stop()
        got = {g.id: g for g in r.results(2)}
        assert got[first].result == DELIVERED
        assert got[second].result == DEFERRED
        assert not got[second].marks & (UNKNOWN | HOST_DOWN)
        assert r.ended() == 0


def test_queue_manager_dies(tmp_path):
    """What waits is dropped, what is being sent ends, a new one is served."""
    with Peer(final=lambda s: time.sleep(0.5) or "250 ok") as p, \
            Relay(tmp_path, via(p.port, "\tconnections_max = 1\n")) as r:
        for _ in range(5):
            r.give()
        while not p.sessions or "DATA" not in p.sessions[0].lines:
            time.sleep(0.01)
        r.queue.close()
        r.queue = r.channel("queue-manager")
        assert r.one().result == DELIVERED
        assert len(p.messages) == 2
        assert r.running()


def test_malformed_messages_of_siblings(tmp_path):
    with Peer() as p, Relay(tmp_path, via(p.port)) as r:
        for body in (b"", b"\0" * 40, b"\xff" * 300):
            r.queue.send(RELAY, 1, body, [0])
            assert r.queue.receive() is None
            r.queue = r.channel("queue-manager")
        assert r.one().result == DELIVERED
        assert r.log().count("channel-refused") == 3
