"""A DNS server of the test's own, on loopback, by UDP and TCP.

    with DnsServer() as dns:
        dns.zone("example.net", '''
            @       MX   10 mx
            mx      A    192.0.2.1
        ''')
        dns.fail("down.example.net", "servfail")
        instance.write("resolver.conf", dns.settings())

It answers for every zone that it was given as a resolver would that is asked
to recurse: CNAMEs are followed, what it does not know does not exist.  A zone
may be signed (dns.zone(..., signed=True)): dns.anchors() is then what
validators need to know.  What it was asked is in dns.asked.
"""

import socket
import struct
import threading
import time

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.node
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

IN = dns.rdataclass.IN
DAY = 86400
# How a name can be unwell.
MODES = {"servfail", "refused", "silent", "truncate", "wrong-id", "garbage",
         "empty", "bad-signature", "no-signature", "old-signature"}
SOA = "@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"


class Zone:
    def __init__(self, origin, text, signed, ttl, key=None):
        self.origin = dns.name.from_text(origin)
        text = "\n".join(line.strip() for line in text.splitlines())
        self.zone = dns.zone.from_text(f"$TTL {ttl}\n" + SOA + text + "\n",
                                       origin=self.origin, relativize=False,
                                       check_origin=False)
        self.key = None
        if signed:
            self.key = key or ec.generate_private_key(ec.SECP256R1())
            self.dnskey = dns.dnssec.make_dnskey(
                self.key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256,
                flags=257)
            self.zone.get_rdataset(self.origin, "DNSKEY", create=True).add(
                self.dnskey, ttl)
        self.names = sorted(self.zone.nodes)

    def anchor(self):
        return f"{self.origin} IN DNSKEY {self.dnskey.to_text()}\n"

    def rrset(self, name, rdtype):
        owner = name
        if not self.exists(name):		# RFC 4592; unsigned zones only
            while not self.exists(owner.parent()):
                owner = owner.parent()
            owner = dns.name.Name((b"*",) + owner.parent().labels)
        rds = self.zone.get_rdataset(owner, rdtype)
        if rds is None:
            return None
        rrset = dns.rrset.RRset(name, IN, rds.rdtype)
        rrset.update(rds)
        return rrset

    def exists(self, name):
        return name in self.zone.nodes or any(
            n.is_subdomain(name) for n in self.names)

    def matched(self, name):
        """Is it there, by itself or by a wildcard?"""
        if self.exists(name):
            return True
        while not self.exists(name.parent()):
            name = name.parent()
        return dns.name.Name((b"*",) + name.parent().labels) in \
            self.zone.nodes

    def signature(self, rrset, mode=None):
        now = int(time.time())
        first, last = now - DAY, now + DAY
        if mode == "old-signature":
            first, last = now - 30 * DAY, now - 20 * DAY
        sig = dns.dnssec.sign(rrset, self.key, self.origin, self.dnskey,
                              inception=first, expiration=last)
        if mode == "bad-signature":
            wire = bytearray(sig.to_wire())
            wire[-1] ^= 1
            sig = dns.rdata.from_wire(IN, "RRSIG", bytes(wire), 0, len(wire))
        return dns.rrset.from_rdata(rrset.name, rrset.ttl, sig)

    def nsec(self, name):
        """The NSEC record at or before a name (RFC 4034 section 4)."""
        before = [n for n in self.names if n <= name]
        owner = before[-1] if before else self.names[-1]
        after = self.names[(self.names.index(owner) + 1) % len(self.names)]
        types = [rds.rdtype for rds in self.zone.nodes[owner].rdatasets]
        types += [dns.rdatatype.NSEC, dns.rdatatype.RRSIG]
        return dns.rrset.from_text(
            owner, 60, IN, "NSEC", f"{after} " + " ".join(
                sorted(dns.rdatatype.to_text(t) for t in types)))


class DnsServer:
    def __init__(self, port=0):
        self.zones = []
        self.modes = {}
        self.delays = {}
        self.asked = []			# (name, type, "udp" or "tcp")
        self.lock = threading.Lock()
        self.stopped = False
        self.paused = False
        self._bind(port)
        self.threads = [threading.Thread(target=f, daemon=True)
                        for f in (self._udp, self._tcp)]
        for t in self.threads:
            t.start()

    def _bind(self, port):
        """The same port twice."""
        for _ in range(50):
            self.tcp = socket.socket()
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.tcp.bind(("127.0.0.1", port))
            self.port = self.tcp.getsockname()[1]
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self.udp.bind(("127.0.0.1", self.port))
            except OSError:
                self.tcp.close()
                self.udp.close()
                continue
            self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.tcp.listen(64)
            return
        raise OSError("no port is free for both UDP and TCP")

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def close(self):
        self.stopped = True
        self.udp.close()
        try:
            self.tcp.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.tcp.close()

    # -- what a test says

    def zone(self, origin, text="", signed=False, ttl=300, key=None):
        """Add a zone, or replace the one of that name."""
        new = Zone(origin, text, signed, ttl, key)
        with self.lock:
            self.zones = [z for z in self.zones if z.origin != new.origin]
            self.zones.append(new)
        return new

    def fail(self, name, mode):
        """From now on that name is unwell; None: it is well again."""
        assert mode is None or mode in MODES, mode
        self.modes[dns.name.from_text(name)] = mode

    def delay(self, name, seconds):
        self.delays[dns.name.from_text(name)] = seconds

    def settings(self, more=""):
        """For resolver.conf.  Where nothing is signed validation would only
        say that the root should have been."""
        return (f"servers = 127.0.0.1:{self.port}\n{more}" +
                ("" if self.anchors() or "dnssec" in more
                 else "dnssec = no\n"))

    def anchors(self):
        """For the table trust-anchors."""
        return "".join(z.anchor() for z in self.zones if z.key)

    def await_asked(self, name, patience=30):
        until = time.monotonic() + patience
        while not self.count(name):
            assert time.monotonic() < until, self.asked
            time.sleep(0.01)

    def count(self, name, rdtype=None):
        wanted = dns.name.from_text(name)
        return sum(n == wanted and rdtype in (None, t)
                   for n, t, _ in self.asked)

    # -- answers

    def _zone_of(self, name):
        found = [z for z in self.zones if name.is_subdomain(z.origin)]
        return max(found, key=lambda z: len(z.origin.labels), default=None)

    def _add(self, section, zone, rrset, want_dnssec, mode):
        section.append(rrset)
        if zone.key and want_dnssec and mode != "no-signature":
            section.append(zone.signature(rrset, mode))

    def _answer(self, query, reply):
        q = query.question[0]
        name, seen = q.name, 0
        secure = bool(query.ednsflags & dns.flags.DO)
        while True:
            zone = self._zone_of(name)
            mode = self.modes.get(name)
            if zone is None:
                reply.set_rcode(dns.rcode.NXDOMAIN)
                return
            rrset = zone.rrset(name, q.rdtype)
            if rrset is not None:
                self._add(reply.answer, zone, rrset, secure, mode)
                return
            alias = zone.rrset(name, "CNAME")
            if alias is None:
                break
            self._add(reply.answer, zone, alias, secure, mode)
            name = alias[0].target
            seen += 1
            if seen > 20:	# a loop: what there is of it
                return
        if not zone.matched(name):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        self._add(reply.authority, zone, zone.rrset(zone.origin, "SOA"),
                  secure, mode)
        if zone.key and secure:
            self._deny(reply, zone, name, mode)

    def _deny(self, reply, zone, name, mode):
        """That there is no such name, and no wildcard for it either."""
        nsecs = {zone.nsec(name).name: zone.nsec(name)}
        if not zone.exists(name):
            encloser = name.parent()
            while not zone.exists(encloser):
                encloser = encloser.parent()
            star = zone.nsec(dns.name.from_text("*", encloser))
            nsecs[star.name] = star
        for nsec in nsecs.values():
            self._add(reply.authority, zone, nsec, True, mode)

    def reply(self, wire, by):
        """The octets to send back, or None."""
        query = dns.message.from_wire(wire)
        q = query.question[0]
        with self.lock:
            self.asked.append((q.name, dns.rdatatype.to_text(q.rdtype), by))
        mode = self.modes.get(q.name)
        if self.paused or mode == "silent":
            return None
        if mode == "garbage":
            return wire[:2] + b"\xff" * 40
        reply = dns.message.make_response(query, recursion_available=True)
        if mode == "servfail":
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif mode == "refused":
            reply.set_rcode(dns.rcode.REFUSED)
        elif mode != "empty":
            self._answer(query, reply)
        if mode == "wrong-id":
            reply.id ^= 0x5555
        if mode == "truncate" and by == "udp":
            reply.answer, reply.authority = [], []
            reply.flags |= dns.flags.TC
        most = 65535
        if by == "udp":
            most = query.payload if query.edns >= 0 else 512
        try:
            return reply.to_wire(max_size=most)
        except dns.exception.TooBig:
            reply.answer, reply.authority = [], []
            reply.flags |= dns.flags.TC
            return reply.to_wire(max_size=most)

    def _wait(self, wire):
        if not self.delays:
            return 0
        name = dns.message.from_wire(wire).question[0].name
        return self.delays.get(name, 0)

    # -- sockets

    def _udp(self):
        while not self.stopped:
            try:
                wire, peer = self.udp.recvfrom(65535)
            except OSError:
                return
            wait = self._wait(wire)
            if wait:
                threading.Timer(wait, self._udp_one, (wire, peer)).start()
            else:
                self._udp_one(wire, peer)

    def _udp_one(self, wire, peer):
        try:
            out = self.reply(wire, "udp")
        except dns.exception.DNSException:
            return		# not a question
        if out is not None and not self.stopped:
            try:
                self.udp.sendto(out, peer)
            except OSError:
                pass

    def _tcp(self):
        while not self.stopped:
            try:
                s, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._tcp_one, args=(s,),
                             daemon=True).start()

    def _tcp_one(self, s):
        with s, s.makefile("rb") as f:
            s.settimeout(60)
            try:
                while len(head := f.read(2)) == 2:
                    wire = f.read(struct.unpack(">H", head)[0])
                    time.sleep(self._wait(wire))
                    out = self.reply(wire, "tcp")
                    if out is None:
                        return
                    s.sendall(struct.pack(">H", len(out)) + out)
            except (OSError, dns.exception.DNSException):
                return
