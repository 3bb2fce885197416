"""queue-manager alone in its real sandbox, with the test in the place of
smtpd, directory, local-delivery, remote-relay and an operator."""

import email
import fcntl
import os
import select
import socket
import struct
import time

from alone.program import Program, octets
from support.instance import PATIENCE

EXPAND, EXPANDED = 42, 43
QUEUE_IDS, ENQUEUE, ENQUEUED, ENQUEUE_REFUSED = 50, 53, 54, 55
ETRN_ASK, ETRN_ANSWER = 57, 58
DELIVER, DELIVERED = 60, 61
RELAY, RELAYED = 64, 65
QUEUE_ASK, QUEUE_ROWS, QUEUE_DONE = 90, 91, 92

LOCAL, UNKNOWN, NO_RELAY, TEMPFAIL, RELAY_DOMAIN = 1, 2, 3, 4, 5
OK, LATER, FAILED = 1, 2, 3
NEVER, SUCCESS, FAILURE, DELAY = 1, 2, 4, 8
FULL, HDRS = 1, 2
LIST, SHOW, FLUSH, RETRY, HOLD, RELEASE, DELETE, COUNT = range(1, 9)

TEXT = b"Subject: one\r\n\r\nthe body\r\n"
QUICK = "retry_min = 1s\nretry_max = 2s\n"


class Reader:
    def __init__(self, body):
        self.body = body

    def number(self, kind):
        size = struct.calcsize("<" + kind)
        value, = struct.unpack_from("<" + kind, self.body)
        self.body = self.body[size:]
        return value

    def octets(self):
        n = self.number("I")
        value, self.body = self.body[:n], self.body[n:]
        assert len(value) == n
        return value.decode()


def field(tag, value):
    return bytes([tag]) + octets(value)


def envelope(sender, to, flags=0, envid="", ret=0, auth="", client=""):
    """to: addresses, or (address, notify, orcpt)."""
    out = bytes([1]) + field(1, sender.encode())
    out += field(3, struct.pack("<I", flags))
    out += field(4, struct.pack("<Q", 7))
    out += field(5, struct.pack("<Q", int(time.time() * 1000)))
    out += field(6, b"smtp") + field(128, client.encode())
    if envid:
        out += field(7, envid.encode())
    if ret:
        out += field(8, struct.pack("<I", ret))
    if auth:
        out += field(9, auth.encode())
    for r in to:
        address, notify, orcpt = r if isinstance(r, tuple) else (r, 0, "")
        out += field(2, struct.pack("<I", notify) + octets(address.encode()) +
                     octets(orcpt.encode()))
    return out


def memfd(content):
    fd = os.memfd_create("content", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.write(fd, content)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, 0xf)
    return fd


def target(address, kind=1, route="", domain="", reverse="",
           refusal=None):
    out = (bytes([kind]) + octets(address.encode()) +
           octets(reverse.encode()))
    if kind == 2:
        out += octets(route.encode()) + octets(domain.encode())
    if refusal:
        code, status, text = refusal
        out += struct.pack("<HBBB", code, *status) + octets(text.encode())
    return out


def elsewhere(address, route="", domain=None, reverse=""):
    return target(address, 2, route, domain or address.split("@")[1], reverse)


class Parcel:
    """A RELAY as remote-relay sees it."""

    def __init__(self, world, ident, body, fds):
        r = Reader(body)
        self.world, self.ident = world, ident
        self.queue_id, self.nonce = r.number("Q"), r.number("Q")
        size, offset = r.number("Q"), r.number("Q")
        self.arrival, self.flags = r.number("q"), r.number("I")
        self.ret = r.number("B")
        (self.reverse_path, self.envid, self.auth, self.route,
         self.domain) = (r.octets() for _ in range(5))
        self.recipients = []
        for _ in range(r.number("I")):
            number, notify = r.number("I"), r.number("I")
            self.recipients.append((number, r.octets(), r.octets(), notify))
        assert r.body == b""
        self.content = os.pread(fds[0], size, offset)
        os.close(fds[0])

    @property
    def to(self):
        return [r[1] for r in self.recipients]

    def answer(self, which=None, result=OK, code=None, status=None,
               text="Ok", mta="mx.remote.example", down=False, passed=False,
               unknown=False):
        """For one recipient by its place, or for all that are left."""
        chosen = ([self.recipients[which]] if which is not None
                  else list(self.recipients))
        code = code or {OK: 250, LATER: 451, FAILED: 550}[result]
        status = status or (code // 100, 1, 5)
        for r in chosen:
            self.recipients.remove(r)
            marks = unknown + 2 * passed + 4 * down + 8 * (
                not self.recipients)
            self.world.relay.send(RELAYED, self.ident, struct.pack(
                "<QIBBHBBB", self.queue_id, r[0], result, marks, code,
                *status) + octets(text.encode()) + octets(mta.encode()))


class World(Program):
    def __init__(self, folder, own="", shared="", relay=True,
                 answer=None):
        super().__init__("queue-manager", folder, tree=folder / "spool")
        self.book = answer or (lambda address, reverse: (
            (LOCAL, [target(address)]) if address.endswith("@example.org")
            else (NO_RELAY, [elsewhere(address)])))
        self.settings(own if "retry_min" in own else QUICK + own, shared)
        self.directory = self.channel("directory")
        self.delivery = self.channel("local-delivery")
        self.relay = self.channel("remote-relay") if relay else None
        self.commit()
        self.peers = {}
        self.ids = {}
        self.parcels, self.delivered = [], []
        self.local = lambda address, content: (OK, 250)

    def peer(self, role):
        if role not in self.peers:
            self.peers[role] = ch = self.channel(role)
            while True:
                kind, _, body, _ = ch.receive()
                if kind == QUEUE_IDS:
                    self.ids[role] = struct.unpack_from("<Q", body)[0]
                    break
        return self.peers[role]

    # -- as smtpd

    def enqueue(self, sender, to, content=TEXT, role="smtpd-submit",
                **fields):
        ch = self.peer(role)
        e = envelope(sender, to, **fields)
        self.ids[role] += 1
        fds = [memfd(content)]
        head = struct.pack("<QIIQI", self.ids[role], 0, len(content),
                           len(content), len(e))
        if len(e) > 32768:
            fds.append(memfd(e))
            e = b""
        ch.send(ENQUEUE, self.ids[role], head + octets(e), fds)
        for fd in fds:
            os.close(fd)
        while True:
            kind, ident, body, _ = self.serve(ch)
            if kind == ENQUEUED:
                assert ident == self.ids[role]
                return ident
            assert kind == QUEUE_IDS, kind

    # -- as the others

    def _on_expand(self, ident, body, fds):
        r = Reader(body)
        verdict, targets = self.book(r.octets(), r.octets())
        out, n, last = b"", 0, len(targets) - 1
        for i, t in enumerate(targets):
            out += t
            n += 1
            if len(out) > 20000 and i < last:
                self.directory.send(EXPANDED, ident, struct.pack(
                    "<BBH", verdict, 0, n) + out)
                out, n = b"", 0
        self.directory.send(EXPANDED, ident,
                            struct.pack("<BBH", verdict, 1, n) + out)

    def _on_deliver(self, ident, body, fds):
        r = Reader(body)
        queue_id, _, number, maybe = (r.number(k) for k in "QQIB")
        size, offset = r.number("Q"), r.number("Q")
        r.number("q")
        reverse, to = r.octets(), r.octets()
        content = os.pread(fds[0], size, offset)
        os.close(fds[0])
        result, code = self.local(to, content)
        if result == OK:
            self.delivered.append((to, reverse, content))
        self.delivery.send(DELIVERED, ident, struct.pack(
            "<BBHBBB", result, 0, code, code // 100, 0, 0) + octets(b"As told"))

    def _on_relay(self, ident, body, fds):
        self.parcels.append(Parcel(self, ident, body, fds))

    def serve(self, wanted=None, seconds=PATIENCE):
        """Be directory, local-delivery and remote-relay until there is a
        message on the wanted channel; or for so many seconds."""
        handlers = {self.directory: {EXPAND: self._on_expand},
                    self.delivery: {DELIVER: self._on_deliver,
                                    QUEUE_IDS: lambda *what: None}}
        if self.relay:
            handlers[self.relay] = {RELAY: self._on_relay}
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            channels = list(handlers) + ([wanted] if wanted else [])
            # What is waited for may come true by what is in no message.
            ready, _, _ = select.select([c.sock for c in channels], [], [],
                                        min(left, 0.1))
            for ch in channels:
                if ch.sock not in ready:
                    continue
                m = ch.receive()
                assert m is not None, "queue-manager has gone\n" + self.log()
                kind, ident, body, fds = m
                if ch is wanted:
                    return m
                handlers[ch][kind](ident, body, fds)
            if not wanted and getattr(self, "enough", lambda: False)():
                return None
        assert not wanted, "no answer\n" + self.log()
        return None

    def until(self, condition, seconds=PATIENCE):
        self.enough = condition
        if not condition():
            self.serve(seconds=seconds)
        self.enough = lambda: False
        assert condition(), self.log()

    def quiet(self, seconds=1.0):
        self.enough = lambda: False
        self.serve(seconds=seconds)

    def next_parcel(self):
        self.until(lambda: self.parcels)
        return self.parcels.pop(0)

    def reports(self, n=1):
        """The first n reports that were delivered here."""
        def those():
            return [d for d in self.delivered if d[1] == ""]
        self.until(lambda: len(those()) >= n)
        found = those()[:n]
        for d in found:
            self.delivered.remove(d)
        return [Report(*d) for d in found]

    # -- as an operator

    def ask(self, verb, queue_id=0, after=0, limit=0, destination=""):
        ch = self.channel("control")
        ch.send(QUEUE_ASK, 1, struct.pack(
            "<BQQI", verb, queue_id, after, limit) +
            octets(destination.encode()))
        rows = b""
        while True:
            kind, _, body, _ = self.serve(ch)
            if kind == QUEUE_DONE:
                break
            rows += body
        self.children.remove(ch)
        ch.close()
        r = Reader(body)
        status, _, affected = (r.number(k) for k in "BQQ")
        names = ("accepted", "delivered", "bounced", "expired", "deleted",
                 "held", "queued")
        c = {name: r.number("Q") for name in names}
        assert c["accepted"] == sum(c[n] for n in names[1:]), c
        return status, affected, c, rows

    def counters(self):
        return self.ask(COUNT)[2]


class Report:
    def __init__(self, to, reverse, content):
        self.to = to
        self.message = email.message_from_bytes(content)
        self.text, self.status, self.original = self.message.get_payload()
        self.content = content
        parts = self.status.get_payload()
        self.fields, self.recipients = parts[0], parts[1:]

    def of(self, address):
        [one] = [r for r in self.recipients
                 if r["Final-Recipient"].split("; ")[1] == address]
        return one
