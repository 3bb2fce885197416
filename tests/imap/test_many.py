"""Many sessions on one mailbox doing random commands, another program at work in
the directory, against a model of what each client must believe.

BULKHEAD_IMAP_SESSIONS=300 and BULKHEAD_IMAP_ROUNDS=2000 make it as large as one
likes; what runs by default takes well under a minute."""

import os
import random
import re

import pytest

from imap.client import Session, fetched

SESSIONS = int(os.environ.get("BULKHEAD_IMAP_SESSIONS", "60"))
ROUNDS = int(os.environ.get("BULKHEAD_IMAP_ROUNDS", "60"))
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "work"]
# RFC 3501 section 7.4.1
NO_EXPUNGE = re.compile(r"(FETCH|STORE|SEARCH) ")


def message(name):
    return b"Subject: %s\r\n\r\nbody of %s\r\n" % (name.encode(), name.encode())


class Client:
    """A client's belief: the UID of each sequence number, flags by UID."""

    def __init__(self, session, rng, qresync, world):
        self.s, self.rng, self.world = session, rng, world
        self.view, self.flags, self.qresync = [], {}, qresync
        self.command, self.wanted, self.seen_gone = None, None, set()
        if qresync:
            session.ok("ENABLE QRESYNC")
        self.take(session.ok("SELECT INBOX"), "SELECT INBOX")
        self.learn()

    # -- what the server says

    def expunged(self, uid):
        assert not NO_EXPUNGE.match(self.command), self.command
        self.flags.pop(uid, None)
        self.seen_gone.add(uid)

    def place_of(self, uid):
        """Where it is; of one that went before its UID could be asked for,
        where it must have been."""
        if uid in self.view:
            return self.view.index(uid)
        at = 1 + max((i for i, u in enumerate(self.view)
                      if u is not None and u < uid), default=-1)
        assert self.view[at] is None, (uid, self.view)
        return at

    def take_one(self, line):
        if m := re.match(rb"\* (\d+) EXISTS", line):
            n = int(m[1])
            assert n >= len(self.view), "EXISTS never shrinks"
            self.view += [None] * (n - len(self.view))
        elif m := re.match(rb"\* (\d+) EXPUNGE", line):
            assert not self.qresync
            self.expunged(self.view.pop(int(m[1]) - 1))
        elif m := re.match(rb"\* VANISHED ([\d:,]+)", line):
            assert self.qresync
            for part in m[1].split(b","):
                a, _, b = part.partition(b":")
                for uid in range(int(a), int(b or a) + 1):
                    self.view.pop(self.place_of(uid))
                    self.expunged(uid)
        elif m := re.match(rb"\* (\d+) FETCH ", line):
            got, at = fetched(line), int(m[1]) - 1
            assert at < len(self.view), "a number beyond EXISTS"
            if "UID" in got:
                assert self.view[at] in (None, got["UID"]), (
                    self.command, line, self.view[at])
                self.view[at] = got["UID"]
            if "FLAGS" in got and self.view[at] is not None:
                self.flags[self.view[at]] = set(got["FLAGS"]) - {b"\\Recent"}

    def take(self, reply, command):
        self.command = command
        for line in reply:
            self.take_one(line)
        known = [u for u in self.view if u is not None]
        assert known == sorted(set(known)), "UIDs ascend"
        assert not self.seen_gone & set(known), "gone is gone"

    def ask(self, command, want=("OK", "NO")):
        r = self.s.ask(command)
        assert r.status in want, (command, r.text)
        self.take(r, command)
        return r

    def learn(self):
        unknown = [q for q, u in enumerate(self.view, 1) if u is None]
        if unknown:
            self.ask(f"FETCH {unknown[0]}:{unknown[-1]} (UID FLAGS)")

    # -- what the client does: send now, read later

    def choose(self):
        w, n = self.world, len(self.view)
        kind = self.rng.randrange(14)
        known = [u for u in self.view if u is not None]
        n = n if known else 0
        uid = self.rng.choice(known) if n else None
        seq = self.rng.randint(1, n) if n else None
        flag, sign = self.rng.choice(FLAGS), self.rng.choice("+-")
        self.wanted = None
        if kind < 3 or n == 0:
            self.wanted = w.name()
            text = message(self.wanted)
            return b"APPEND INBOX {%d+}\r\n%s" % (len(text), text)
        if kind == 3:
            return f"STORE {seq} {sign}FLAGS ({flag})"
        if kind == 4:
            return f"UID STORE {uid} {sign}FLAGS.SILENT ({flag})"
        if kind == 5:
            return "STORE 1:* +FLAGS (\\Seen)"
        if kind == 6:
            return f"FETCH {seq} (UID FLAGS BODY.PEEK[])"
        if kind == 7:
            return f"UID FETCH {uid} (FLAGS BODY[TEXT])"
        if kind == 8:
            return "SEARCH FLAGGED"
        if kind == 9:
            w.doomed.add(uid)
            return f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)"
        if kind == 10:
            return "EXPUNGE"
        if kind == 11:
            w.doomed.add(uid)
            return f"UID MOVE {uid} x"
        if kind == 12:
            return f"COPY {seq} x"
        return "NOOP"

    def send(self):
        self.command = self.choose()
        self.s.tags += 1
        self.tag = f"t{self.s.tags}"
        text = self.command if isinstance(self.command, bytes) else (
            self.command.encode())
        self.s.send(self.tag.encode() + b" " + text + b"\r\n")

    def receive(self):
        r = self.s.finish(self.tag, [], self.s.response())
        command = self.command if isinstance(self.command, str) else "APPEND x"
        assert r.status in ("OK", "NO"), (command, r.text)
        if self.wanted:
            m = re.match(r"\[APPENDUID \d+ (\d+)\]", r.text)
            assert r.status == "OK" and m, r.text
            self.world.appended(int(m[1]), self.wanted)
        elif r.status == "NO":
            assert "EXPUNGEISSUED" in r.text, (command, r.text)
        if ".SILENT" in command and r.status == "OK":
            m = re.match(r"UID STORE (\d+) (.)FLAGS.SILENT \((.*)\)", command)
            self.silent(int(m[1]), m[2], m[3].encode())
        self.take(r, command)
        self.learn()

    def silent(self, uid, sign, flag):
        """The client knows what it did itself."""
        if uid in self.flags:
            if sign == "+":
                self.flags[uid].add(flag)
            else:
                self.flags[uid].discard(flag)


class World:
    def __init__(self, home, rng):
        self.home, self.rng, self.serial = home, rng, 0
        self.by_uid, self.doomed, self.foreign = {}, set(), set()

    def name(self):
        self.serial += 1
        return f"m{self.serial}"

    def appended(self, uid, name):
        assert uid not in self.by_uid, "no UID twice"
        self.by_uid[uid] = name

    def interfere(self):
        """Another program adds, renames and removes files."""
        maildir, kind = self.home / "Maildir", self.rng.randrange(3)
        if kind == 0:
            name = self.name()
            self.foreign.add(name)
            tmp = maildir / "tmp" / name
            tmp.write_bytes(message(name).replace(b"\r\n", b"\n"))
            os.chown(tmp, os.stat(self.home).st_uid, -1)
            os.rename(tmp, maildir / "new" / name)
            return
        files = sorted(os.listdir(maildir / "cur"))
        if not files:
            return
        f = self.rng.choice(files)
        m = re.search(r",B=\d+-(\d+)", f)
        if m is None:
            return
        try:
            if kind == 1:
                self.doomed.add(int(m[1]))
                os.unlink(maildir / "cur" / f)
            else:
                base = f.partition(":2,")[0]
                os.rename(maildir / "cur" / f, maildir / "cur" / (
                    base + ":2," + self.rng.choice(["", "F", "RS", "S"])))
        except FileNotFoundError:
            pass


@pytest.mark.parametrize("seed", [1])
def test_many_sessions(session, home, seed):
    rng = random.Random(seed)
    world = World(home, rng)
    first = session()
    first.ok("CREATE x")
    for _ in range(20):
        name = world.name()
        r = first.ok("APPEND INBOX {}", message(name))
        world.appended(int(re.match(r"\[APPENDUID \d+ (\d+)\]", r.text)[1]),
                       name)
    clients = [Client(session(), rng, n % 2 == 1, world)
               for n in range(SESSIONS)]
    for _ in range(ROUNDS):
        busy = rng.sample(clients, min(8, len(clients)))
        for c in busy:
            c.send()
        if rng.randrange(2):
            world.interfere()
        for c in busy:
            c.receive()
    # all is told: the clients agree with each other and with a newcomer
    for c in clients:
        c.ask("NOOP", ["OK"])
        c.learn()
    last = Client(session(), rng, False, world)
    last.ask("UID FETCH 1:* (FLAGS)", ["OK"])
    for c in clients:
        c.ask("NOOP", ["OK"])
        assert c.view == last.view
        assert c.flags == last.flags
    # nothing is there that nobody put there, nothing went that nobody removed
    names = {}
    for r in last.s.ok("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"):
        m = re.search(rb"Subject: (m\d+)", r)
        if m:
            names[fetched(r)["UID"]] = m[1].decode()
    for uid, name in world.by_uid.items():
        assert names.get(uid, name) == name
        assert uid in names or uid in world.doomed, (uid, name)
    assert set(names.values()) <= set(world.by_uid.values()) | world.foreign
    assert not os.listdir(home / "Maildir" / "tmp")
