"""resolver alone, in its real sandbox, asked by the test as a stage would and
answered by a DNS server of the test's own that is often unwell."""

import contextlib
import os
import re
import socket
import struct
import time
from pathlib import Path

import pytest

from alone.program import Channel, Program, octets
from support.dns import DnsServer

TOP = Path(__file__).resolve().parents[2]
TABLES = re.findall(r"^\tX\((\w+),",
                    (TOP / "common/stage/stage.h").read_text().split(
                        "define STAGE_TABLES")[1].split("enum")[0], re.M)
ASK, ANSWER, CANCEL = 110, 111, 112
A, CNAME, PTR, MX, TXT, AAAA, TLSA = 1, 5, 12, 15, 16, 28, 52
STATUS = {1: "ok", 2: "nxdomain", 3: "nodata", 4: "tempfail", 5: "bogus"}


class Answer:
    """common/ipc/dns.h"""

    def __init__(self, body):
        (status, flags, self.type, self.ttl,
         count) = struct.unpack_from("<BBHIH", body)
        self.status = STATUS[status]
        self.secure, self.cut = bool(flags & 1), bool(flags & 2)
        self.rest = body[10:]
        self.canonical = self.octets().decode()
        self.why = self.octets().decode()
        self.records = [self.record() for _ in range(count)]
        assert self.rest == b""

    def take(self, n):
        assert len(self.rest) >= n
        out, self.rest = self.rest[:n], self.rest[n:]
        return out

    def octets(self):
        return self.take(struct.unpack("<I", self.take(4))[0])

    def record(self):
        if self.type == A:
            return socket.inet_ntop(socket.AF_INET, self.take(4))
        if self.type == AAAA:
            return socket.inet_ntop(socket.AF_INET6, self.take(16))
        if self.type == MX:
            return struct.unpack("<H", self.take(2))[0], self.octets().decode()
        if self.type == TLSA:
            return (*self.take(3), self.octets())
        return self.octets() if self.type == TXT else self.octets().decode()

    def __repr__(self):
        return str(self.__dict__)


class Resolver(Program):
    def __init__(self, folder, text, anchors="", resolv_conf="", root_key=""):
        super().__init__("resolver", folder)
        self.ident = 0
        self.give(text, anchors, resolv_conf, root_key)
        self.commit()
        self.asker = self.channel("smtpd")

    def give(self, text, anchors="", resolv_conf="", root_key=""):
        self.settings(text)
        for name, content in (("TRUST_ANCHORS", anchors),
                              ("ROOT_KEY", root_key),
                              ("RESOLV_CONF", resolv_conf)):
            self.table(TABLES.index(name), content)

    def send(self, name, rdtype, channel=None):
        self.ident += 1
        (channel or self.asker).send(
            ASK, self.ident, struct.pack("<H", rdtype) + octets(name.encode()))
        return self.ident

    def ask(self, name, rdtype=A):
        wanted = self.send(name, rdtype)
        ident, body, _ = self.asker.expect(ANSWER)
        assert ident == wanted
        return Answer(body)


@pytest.fixture
def server():
    with DnsServer() as dns:
        dns.zone("example.net", """
            @       MX    20 mx2
            @       MX    10 MX
            @       TXT   "v=spf1 " "-all"
            mx      A     192.0.2.1
            mx      A     192.0.2.2
            mx      AAAA  2001:db8::1
            mx2     A     192.0.2.3
            www     CNAME mx
            far     CNAME www
            null    MX    0 .
            loop    CNAME pool
            pool    CNAME loop
            odd     MX    10 a\\.b
            odd     MX    20 mx
            dangle  CNAME nothing.example.net.
        """)
        dns.zone("2.0.192.in-addr.arpa", "1 PTR mx.example.net.")
        yield dns


@pytest.fixture
def resolver(tmp_path, server):
    with Resolver(tmp_path, server.settings()) as r:
        yield r


def test_records_of_each_type(resolver):
    a = resolver.ask("example.net", MX)
    assert a.status == "ok" and not a.secure and not a.cut
    assert sorted(a.records) == [(10, "mx.example.net"),
                                 (20, "mx2.example.net")]
    assert 0 < a.ttl <= 300
    assert sorted(resolver.ask("MX.Example.NET").records) == [
        "192.0.2.1", "192.0.2.2"]
    assert resolver.ask("mx.example.net", AAAA).records == ["2001:db8::1"]
    assert resolver.ask("example.net", TXT).records == [b"v=spf1 -all"]
    assert resolver.ask("www.example.net", CNAME).records == ["mx.example.net"]
    assert resolver.ask("1.2.0.192.in-addr.arpa", PTR).records == [
        "mx.example.net"]
    assert resolver.ask("null.example.net", MX).records == [(0, "")]


def test_what_is_not_there(resolver):
    a = resolver.ask("nothing.example.net")
    assert (a.status, a.records) == ("nxdomain", [])
    assert 0 < a.ttl <= 60		# the SOA's
    a = resolver.ask("mx.example.net", MX)
    assert (a.status, a.records) == ("nodata", [])
    a = resolver.ask("dangle.example.net")
    assert (a.status, a.canonical) == ("nxdomain", "nothing.example.net")


def test_cnames(resolver):
    a = resolver.ask("far.example.net")
    assert sorted(a.records) == ["192.0.2.1", "192.0.2.2"]
    assert a.canonical == "mx.example.net"
    a = resolver.ask("loop.example.net")
    assert (a.status, a.records) == ("tempfail", [])


def test_a_name_of_no_use_is_left_out(resolver):
    a = resolver.ask("odd.example.net", MX)
    assert a.records == [(20, "mx.example.net")] and a.cut


def test_one_cache_for_all(resolver, server):
    other = resolver.channel("smtpd", 1)
    assert resolver.ask("mx.example.net").status == "ok"
    ident = resolver.send("mx.example.net", A, other)
    assert other.expect(ANSWER)[0] == ident
    assert server.count("mx.example.net", "A") == 1


@pytest.mark.parametrize("mode", ["servfail", "refused", "garbage", "wrong-id",
                                  "silent"])
def test_a_server_that_is_unwell(tmp_path, server, mode):
    server.fail("bad.example.net", mode)
    with Resolver(tmp_path, server.settings("question_timeout = 2s\n")) as r:
        begun = time.monotonic()
        a = r.ask("bad.example.net")
        assert (a.status, a.records) == ("tempfail", []) and a.why
        assert time.monotonic() - begun < 8
        assert r.ask("mx.example.net").status == "ok"


def test_an_empty_answer(resolver, server):
    server.fail("mx.example.net", "empty")
    assert resolver.ask("mx.example.net").status == "nodata"


def test_truncated_answers_come_by_tcp(resolver, server):
    server.fail("mx.example.net", "truncate")
    assert len(resolver.ask("mx.example.net").records) == 2
    assert ("udp", "tcp") == tuple(
        by for n, t, by in server.asked if str(n) == "mx.example.net.")


def test_an_answer_of_many_records(resolver, server):
    server.zone("big.example", "".join(
        f"@ A 10.{i // 250}.{i % 250}.1\n" for i in range(1000)) + "".join(
        f"@ MX {i} {'x' * 60}.{'y' * 60}.m{i}.big.example.\n"
        for i in range(300)) + f't TXT {" ".join([chr(34) + "z" * 250 + chr(34)] * 20)}\n')
    a = resolver.ask("big.example")
    assert a.status == "ok" and a.cut and len(a.records) == 256
    a = resolver.ask("big.example", MX)
    assert a.status == "ok" and a.cut and 100 < len(a.records) <= 256
    a = resolver.ask("t.big.example", TXT)	# one record of 5,000 octets
    assert a.status == "nodata" and a.cut


def test_many_at_once_and_no_more(tmp_path, server):
    server.zone("many.example", "* A 192.0.2.9")
    server.paused = True
    with Resolver(tmp_path, server.settings("max_questions = 100\n")) as r:
        for i in range(80):
            r.send(f"n{i}.many.example", A)
        refused = [Answer(r.asker.expect(ANSWER)[1]) for _ in range(30)]
        assert {a.status for a in refused} == {"tempfail"}
        assert "too many" in refused[0].why
        # One who asks too much takes nothing from the other.
        other = r.channel("smtpd", 1)
        server.paused = False
        r.send("mx.example.net", A, other)
        assert Answer(other.expect(ANSWER)[1]).status == "ok"
        got = [Answer(r.asker.expect(ANSWER)[1]) for _ in range(50)]
        assert {a.status for a in got} == {"ok"}
        assert r.ask("n200.many.example").records == ["192.0.2.9"]


def test_cancelled(resolver, server):
    server.paused = True
    ident = resolver.send("mx.example.net", A)
    resolver.asker.send(CANCEL, ident)
    resolver.asker.send(CANCEL, ident + 77)	# of nothing
    time.sleep(0.2)
    server.paused = False
    # No answer to it, now or later; the next one comes as if it never was.
    assert resolver.ask("mx2.example.net").records == ["192.0.2.3"]
    assert len(resolver.ask("mx.example.net").records) == 2


def test_who_asks_goes_away(resolver, server):
    server.delay("mx.example.net", 0.5)
    other = resolver.channel("smtpd", 1)
    for _ in range(20):
        resolver.send("mx.example.net", A, other)
    time.sleep(0.1)
    other.close()
    assert resolver.ask("mx2.example.net").status == "ok"
    assert resolver.ask("mx.example.net").status == "ok"
    assert resolver.running()


@pytest.mark.parametrize("body", [
    b"", b"\x01", struct.pack("<H", 255) + octets(b"a"),
    struct.pack("<H", 1) + octets(b""), struct.pack("<H", 1) + octets(b"a..b"),
    struct.pack("<H", 1) + octets(b"a\\.b"),
    struct.pack("<H", 1) + octets(b"a" * 254),
    struct.pack("<H", 1) + octets(b"ok.example") + b"x"])
def test_a_malformed_question_closes_the_channel(resolver, body):
    other = resolver.channel("smtpd", 1)
    other.send(ASK, 7, body)
    assert other.receive() is None
    assert resolver.ask("mx.example.net").status == "ok"


# -- DNSSEC

@pytest.fixture
def signed(server):
    server.zone("signed.example", """
        @            MX   10 mx
        mx           A    192.0.2.7
        _25._tcp.mx  TLSA 3 1 1 0011223344556677889900112233445566778899001122334455667788990011
        out          CNAME mx.example.net.
        bad          A    192.0.2.8
        old          A    192.0.2.8
        bare         A    192.0.2.8
    """, signed=True)
    server.fail("bad.signed.example", "bad-signature")
    server.fail("old.signed.example", "old-signature")
    server.fail("bare.signed.example", "no-signature")
    return server


def test_validated(tmp_path, signed):
    with Resolver(tmp_path, signed.settings(), signed.anchors()) as r:
        a = r.ask("signed.example", MX)
        assert a.secure and a.records == [(10, "mx.signed.example")]
        a = r.ask("_25._tcp.mx.signed.example", TLSA)
        assert a.secure and a.records[0][:3] == (3, 1, 1)
        assert len(a.records[0][3]) == 32
        # That there is none is proved, too.
        a = r.ask("_25._tcp.none.signed.example", TLSA)
        assert (a.status, a.secure) == ("nxdomain", True)
        a = r.ask("mx.signed.example", TLSA)
        assert (a.status, a.secure) == ("nodata", True)
        # A CNAME into a zone that is not signed takes it away.
        a = r.ask("out.signed.example")
        assert a.status == "ok" and not a.secure
        assert not r.ask("mx.example.net").secure


@pytest.mark.parametrize("name", ["bad", "old", "bare"])
def test_bogus(tmp_path, signed, name):
    with Resolver(tmp_path, signed.settings(), signed.anchors()) as r:
        a = r.ask(f"{name}.signed.example")
        assert (a.status, a.secure, a.records) == ("bogus", False, [])
        assert a.why
        assert r.ask("mx.signed.example").secure
        assert "event=dns-bogus" in r.log()


def test_the_wrong_key(tmp_path, signed):
    with DnsServer() as other:
        wrong = other.zone("signed.example", "", signed=True).anchor()
    with Resolver(tmp_path, signed.settings(), wrong) as r:
        assert r.ask("signed.example", MX).status == "bogus"


def test_without_validation(tmp_path, signed):
    with Resolver(tmp_path, signed.settings("dnssec = no\n"),
                  signed.anchors()) as r:
        a = r.ask("bad.signed.example")
        assert a.status == "ok" and not a.secure


def test_servers_that_drop_signatures_are_told_of(tmp_path, server):
    """Validation by the root's own keys, by servers that have none."""
    server.zone(".", "")
    with Resolver(tmp_path, server.settings("dnssec = yes\n")) as r:
        a = r.ask("mx.example.net")
        assert a.status == "bogus"
        until = time.monotonic() + 20
        while "event=dnssec-not-passed" not in r.log():
            assert time.monotonic() < until
            time.sleep(0.05)


# -- what it is told

def test_the_hosts_resolv_conf(tmp_path, server):
    """Port 53 it must be there; who answers at that port is not ours to say,
    but that it is asked is."""
    with Resolver(tmp_path, "question_timeout = 1s\n",
                  resolv_conf="# x\nsearch y\nnameserver 127.0.0.3\n") as r:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            s.bind(("127.0.0.3", 53))
        except OSError:
            pytest.skip("port 53 is taken")
        s.settimeout(10)
        r.send("example.org", A)
        wire, peer = s.recvfrom(4096)
        while b"\x07example\x03org" not in wire:
            wire, peer = s.recvfrom(4096)	# the look at the root
        assert Answer(r.asker.expect(ANSWER)[1]).status == "tempfail"
        s.close()


def test_bad_anchors_are_refused_and_the_old_kept(tmp_path, signed):
    with Resolver(tmp_path, signed.settings(), signed.anchors()) as r:
        for bad in ("signed.example. IN A 192.0.2.1\n",
                    ". IN DS nonsense 8 2 00\n", "x\n",
                    signed.anchors() + "/etc/passwd\n"):
            r.give(signed.settings(), bad)
            r.supervisor.send(6, 1)	# commit
            r.supervisor.expect(8)	# refused
            assert r.ask("signed.example", MX).secure


def test_a_reload_forgets_and_waits_on(tmp_path, server):
    with Resolver(tmp_path, server.settings()) as r:
        assert r.ask("mx2.example.net").records == ["192.0.2.3"]
        server.zone("example.net", "mx2 A 192.0.2.33\nmx A 192.0.2.1\n")
        assert r.ask("mx2.example.net").records == ["192.0.2.3"]
        server.delay("mx.example.net", 0.3)
        ident = r.send("mx.example.net", A)
        time.sleep(0.1)
        r.give(server.settings("max_ttl = 1h\n"))
        r.commit()
        got, body, _ = r.asker.expect(ANSWER)
        assert got == ident and Answer(body).records == ["192.0.2.1"]
        assert r.ask("mx2.example.net").records == ["192.0.2.33"]


def test_a_reload_with_a_new_port_wants_a_restart(tmp_path, server):
    with Resolver(tmp_path, server.settings()) as r:
        if "landlock=0" in r.log():
            pytest.skip("no Landlock")
        r.give("servers = 127.0.0.1:9\n")
        r.supervisor.send(6, 1)
        assert r.supervisor.receive()[0] in (7, 8)
        if "a port that was not there" not in r.log():
            pytest.skip("no Landlock for ports")
        assert r.ask("mx.example.net").status == "ok"


def test_it_goes_nowhere_else(resolver):
    """It runs in the host's network, and what it holds are its own ends."""
    fds = []
    for n in os.listdir(f"/proc/{resolver.pid}/fd"):
        # libunbound may close one meanwhile
        with contextlib.suppress(FileNotFoundError):
            fds.append(os.readlink(f"/proc/{resolver.pid}/fd/{n}"))
    assert fds
    assert not [f for f in fds if f.startswith("/") and f != "/dev/null"
                and not f.endswith("resolver.log")], fds


def test_load(resolver, server):
    """Some thousands of names, and as many that are in the cache then."""
    server.zone("load.example", "* A 192.0.2.9")
    asked = []
    for _ in range(2):
        for start in range(0, 2000, 100):
            for i in range(start, start + 100):
                resolver.send(f"n{i}.load.example", A)
            got = [Answer(resolver.asker.expect(ANSWER)[1])
                   for _ in range(100)]
            assert {a.status for a in got} == {"ok"}
        asked.append(len([1 for n, t, by in server.asked
                          if "load" in str(n)]))
    assert asked[0] >= 2000 and asked[1] == asked[0], asked
