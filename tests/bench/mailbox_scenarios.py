"""What is measured of mailboxes.  As in scenarios.py: a scenario takes benches
and options and gives rows.  The systems take turns in every round of a case, and
a figure is the median of its rounds.
"""

import contextlib
import os
import random
import shutil
import socket
import ssl
import statistics
import subprocess
import time

from bench.measure import cpu_exact, cpu_seconds
from bench.scenarios import turns
from bench.systems import DOMAIN
from bench.systems.mailboxes import held_by

SIZE = 2048
SMALL = 1000			# messages of the users beside the first
CLIENTS = 8
ROUND_SECONDS = 4
USERS = 11
READERS = 10			# u1 to u10; u11 has the maildrop
METADATA = "(UID FLAGS ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)"
# As a client with a list of messages to show asks.
LISTING = ("(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc "
           "Subject Date Message-ID Priority X-Priority References Newsgroups "
           "In-Reply-To Content-Type Reply-To)])")
WORDS = ("letter harbour cargo ballast anchor lantern compass rudder galley "
         "mooring pilot tide ledger signal watch bulwark keel mast").split()


class Bench:
    """One system, and the runs on it."""

    def __init__(self, bin_dir, system):
        self.bin, self.system, self.session = bin_dir, system, None

    def reader(self, what, port="imap", **flags):
        argv = [self.bin / "tests-bench-reader", what, "-p",
                str(getattr(self.system.ports, port))]
        for k, v in flags.items():
            argv += ["-" + k, str(v)]
        return argv

    def run(self, what, port="imap", **flags):
        """A whole run of the reader: seconds, and of the processor."""
        cpu = cpu_seconds(self.system.pids())
        r = subprocess.run(self.reader(what, port, **flags), text=True,
                           stdin=subprocess.DEVNULL, capture_output=True)
        if r.returncode != 0:
            raise RuntimeError(f"{self.system.name}: {r.stdout}{r.stderr}"
                               f"{self.system.log()[-2000:]}")
        time.sleep(0.1)		# sessions that end are counted, too
        return (float(r.stdout.split("=")[1]),
                cpu_seconds(self.system.pids()) - cpu)

    def open(self):
        self.session = subprocess.Popen(
            self.reader("script"), text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)

    def do(self, command, **expect):
        """In the session: milliseconds, and of the processor."""
        pids = self.system.pids()
        cpu = cpu_exact(pids)
        self.session.stdin.write(command + "\n")
        self.session.stdin.flush()
        got = dict(w.split("=") for w in self.session.stdout.readline().split())
        for k, v in expect.items():
            if not got or int(got[k]) != v:
                raise RuntimeError(
                    f"{self.system.name}: {command}: {got}, not {k}={v}")
        return {"ms": float(got["seconds"]) * 1000,
                "cpu_ms": (cpu_exact(pids) - cpu) * 1000}

    def close(self):
        self.session.stdin.close()
        self.session.wait()


# -- messages


def message(n):
    pick = random.Random(n)
    who = f"{pick.choice(WORDS)}.{n % 977}"
    words = " ".join(pick.choices(WORDS, k=6))
    head = (f"Return-Path: <{who}@example.net>\r\n"
            f"Received: from mx.example.net (mx.example.net [192.0.2.7])\r\n"
            f"\tby mx.{DOMAIN} with ESMTPS id {n:08x};\r\n"
            f"\tMon, 02 Nov 2026 10:{n // 60 % 60:02}:{n % 60:02} +0000\r\n"
            f"From: \"{words.title()[:20]}\" <{who}@example.net>\r\n"
            f"To: u1@{DOMAIN}, Somebody Else <else@{DOMAIN}>\r\n"
            f"Subject: {words} number {n % 1000}\r\n"
            f"Date: Mon, 02 Nov 2026 10:{n // 60 % 60:02}:{n % 60:02} +0000\r\n"
            f"Message-ID: <{n}.{pick.getrandbits(48):x}@example.net>\r\n"
            "MIME-Version: 1.0\r\n")
    if n % 4:
        head += "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        return head + lines(pick, SIZE - len(head))
    text = lines(pick, (SIZE - len(head)) // 2 - 160)
    return head + (
        "Content-Type: multipart/alternative; boundary=\"=b=\"\r\n\r\n"
        "--=b=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text +
        "\r\n--=b=\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>" +
        text + "</p>\r\n--=b=--\r\n")


def lines(pick, size):
    out = []
    while size > 80:
        line = " ".join(pick.choices(WORDS, k=9))[:70] + "\r\n"
        out.append(line)
        size -= len(line)
    return "".join(out) + "x" * max(0, size - 2) + "\r\n"


def fill(bench, user, count):
    """A Maildir as another program has left it: lines end in LF."""
    home, owner = bench.system.home(user), bench.system.owner(user)
    home.mkdir(exist_ok=True)
    os.chown(home, owner, owner)
    os.chmod(home, 0o700)
    for d in ("", "cur", "new", "tmp", ".Copies", ".Copies/cur",
              ".Copies/new", ".Copies/tmp"):
        (home / "Maildir" / d).mkdir(exist_ok=True)
        os.chown(home / "Maildir" / d, owner, owner)
    cur = os.open(home / "Maildir" / "cur", os.O_RDONLY)
    for n in range(count):
        text = message(n)
        wire, text = len(text), text.replace("\r\n", "\n").encode()
        fd = os.open(f"{1_790_000_000 + n}.M{n}P7.mx,S={len(text)},W={wire}"
                     f":2,{'S' if n % 3 else ''}",
                     os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=cur)
        os.write(fd, text)
        os.fchown(fd, owner, owner)
        os.close(fd)
    os.close(cur)


def written(benches):
    """The disk has nothing left to do."""
    subprocess.run(["sync", "-f", *{b.system.home("u1") for b in benches}],
                   check=True)


# -- one session, one large folder


def case(benches, what, command, rounds=3, before=None, **expect):
    """command may be a function of the round, or a list of them."""
    got = {b: [] for b in benches}
    for n in range(rounds):
        for b in benches:
            if before:
                before(b, n)
            got[b].append(b.do(command(n) if callable(command) else command,
                               **expect))
    return turns(benches, what, lambda b: {
        k: statistics.median(r[k] for r in got[b]) for k in got[b][0]})


def folder(benches, options):
    """One session and one folder, of 2 KiB messages; milliseconds."""
    n = options.messages
    print(f"  {n} messages are written", flush=True)
    for b in benches:
        fill(b, "u1", n)
    written(benches)
    for b in benches:
        b.open()
        b.do("CREATE Moved")
        b.do("SELECT INBOX", exists=n)
        b.do(f"FETCH 1:* {METADATA}", fetches=n)
    time.sleep(3)		# what is put down a little later is there
    yield from reading(benches, n)
    yield from changing(benches, n)
    yield from cold(benches, n)
    for b in benches:
        b.close()


def reading(benches, n):
    yield case(benches, "SELECT, the first of a session", "SELECT INBOX", 7,
               lambda b, _: b.do("RECONNECT"), exists=n)
    yield case(benches, "SELECT again", "SELECT INBOX", 7, exists=n)
    yield case(benches, "UID FETCH 1:* (FLAGS)", "UID FETCH 1:* (FLAGS)", 5,
               fetches=n)
    yield case(benches, "FETCH 1:* with all metadata", f"FETCH 1:* {METADATA}",
               fetches=n)
    yield case(benches, "UID FETCH 1:* with chosen header fields",
               f"UID FETCH 1:* {LISTING}", 5, fetches=n)
    one = sum(1 for i in range(n) if i % 977 == 77)
    yield case(benches, "SEARCH FROM", "SEARCH FROM .77@example.net", 5,
               found=one)
    one = sum(1 for i in range(n) if i % 1000 == 77)
    yield case(benches, "SEARCH SUBJECT", 'SEARCH SUBJECT "number 77"', 5,
               found=one + sum(1 for i in range(n)
                               if 770 <= i % 1000 < 780))
    yield case(benches, "SEARCH BODY", 'SEARCH BODY "not in any message"',
               found=0)
    yield case(benches, "SORT (REVERSE DATE)", "SORT (REVERSE DATE) UTF-8 ALL")
    yield case(benches, "SORT (SUBJECT)", "SORT (SUBJECT) UTF-8 ALL")
    yield case(benches, "THREAD REFERENCES", "THREAD REFERENCES UTF-8 ALL")


def changing(benches, n):
    yield case(benches, "STORE on all", lambda r: "STORE 1:* "
               f"{'-' if r % 2 else '+'}FLAGS (\\Flagged)", 4, fetches=n)
    yield case(benches, "STORE on all, SILENT", lambda r: "STORE 1:* "
               f"{'-' if r % 2 else '+'}FLAGS.SILENT (\\Answered)", 2)
    some = min(1000, n // 10)
    yield case(benches, f"COPY of {some}",
               lambda r: f"COPY {r * some + 1}:{(r + 1) * some} Copies")
    yield case(benches, f"MOVE of {some}", f"MOVE 1:{some} Moved",
               expunges=some)
    yield case(benches, f"EXPUNGE of {some}", "EXPUNGE", 3,
               lambda b, _: b.do(
                   f"STORE 1:{some} +FLAGS.SILENT (\\Deleted)"),
               expunges=some)


def cold(benches, n):
    def lose(b, _):
        b.do("UNSELECT")
        b.do("RECONNECT")
        b.system.lose_index("u1")
    left = n - 6 * min(1000, n // 10)
    yield case(benches, "SELECT without any index", "SELECT INBOX", 3, lose,
               exists=left)
    yield case(benches, "FETCH 1:* with all metadata, nothing cached",
               f"FETCH 1:* {METADATA}", 1, fetches=left)


# -- many sessions


def prepared(benches):
    """The users beside the first have a mailbox."""
    for b in benches:
        fill(b, "u1", 0)
        for u in range(2, READERS + 1):
            fill(b, f"u{u}", SMALL)
    written(benches)
    for b in benches:
        b.run("logins", c=READERS, n=READERS, u=READERS)


def rate(benches, what, count, rounds, *args, **flags):
    """Operations a second, in rounds of at most count of them: fewer where a
    system would take longer than some seconds for it."""
    got = {b: [] for b in benches}
    counts = {}
    for b in benches:
        few = max(count // 20, flags["c"])
        counts[b] = min(count, max(
            few, int(few / b.run(*args, n=few, **flags)[0] * ROUND_SECONDS)))
    for _ in range(rounds):
        for b in benches:
            n = counts[b] // flags["c"] * flags["c"]
            seconds, cpu = b.run(*args, n=n, **flags)
            got[b].append({"a second": n / seconds, "cpu_ms": cpu * 1000 / n})
    return turns(benches, what, lambda b: {
        k: statistics.median(r[k] for r in got[b]) for k in got[b][0]})


def append(benches, options):
    """APPEND of 2 KiB messages, each synced when it is answered."""
    n = int(1000 * options.scale)
    yield rate(benches, "APPEND, 1 session", n, 3, "append", c=1)
    yield rate(benches, "APPEND, 8 sessions of one user", 2 * n, 3, "append",
               c=CLIENTS)
    yield rate(benches, "APPEND, 8 sessions of 8 users", 2 * n, 3, "append",
               c=CLIENTS, f=2, u=CLIENTS)


def logins(benches, options):
    """Login, a look at the mailbox and logout, 8 clients, 8 users."""
    n = int(800 * options.scale)
    yield rate(benches, "POP3 logins", n, 3, "pop3-logins", "pop3",
               c=CLIENTS, f=2, u=CLIENTS)
    yield rate(benches, "IMAP logins", n, 3, "logins", c=CLIENTS, f=2,
               u=CLIENTS)


def pop3(benches, options):
    """Retrieval of a maildrop, one message a command."""
    n = min(10000, options.messages // 2)
    for b in benches:
        fill(b, f"u{USERS}", n)
    written(benches)
    yield rate(benches, f"RETR of {n}", n, 3, "retrieve", "pop3", c=1, f=USERS)


def mixed(benches, options):
    """20 sessions of 5 users: reading, flags, searches, coming and going."""
    n = int(20000 * options.scale)
    yield rate(benches, "20 sessions", n, 3, "mixed", c=20, f=2, u=5)


def private_dirty_kib(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                total += sum(int(l.split()[1]) for l in f
                             if l.startswith("Private_Dirty:"))
        except OSError:
            continue
    return total


def idle(benches, options):
    """Sessions with INBOX selected, of 10 users: private dirty memory of all
    processes, less what there was without them."""
    for tls in (False, True):
        yield turns(benches, "TLS" if tls else "clear text",
                    lambda b: memory_of_idle(b, 100, tls))


def connected(port, context):
    """A process that is just being started for it may refuse a client."""
    for attempt in range(5):
        s = socket.create_connection(("127.0.0.1", port), 60)
        try:
            return context.wrap_socket(s) if context else s
        except OSError:
            s.close()
            if attempt == 4:
                raise
            time.sleep(0.5)


def memory_of_idle(b, n, tls):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port = b.system.ports.imaps if tls else b.system.ports.imap
    before = private_dirty_kib(b.system.pids())
    with contextlib.ExitStack() as stack:
        for i in range(n):
            s = connected(port, context if tls else None)
            f = stack.enter_context(s.makefile("rwb"))
            stack.enter_context(s)
            assert f.readline().startswith(b"* OK")
            u = i % READERS + 1
            for tag, line in ((b"a", f"LOGIN u{u}@{DOMAIN} u{u}-secret"),
                              (b"b", "SELECT INBOX")):
                f.write(tag + b" " + line.encode() + b"\r\n")
                f.flush()
                while not (got := f.readline()).startswith(tag):
                    assert got, "the connection ended"
                assert got.startswith(tag + b" OK"), got
        time.sleep(5)
        held = held_by(b.system)
        kib = private_dirty_kib(b.system.pids())
        assert len(held) >= n, held
    time.sleep(1)
    return {"connections": n, "KiB each": (kib - before) / n}


def million(benches, options):
    """A folder of a million messages, opened warm."""
    for b in benches:
        shutil.rmtree(b.system.home("u1"))
        fill(b, "u1", options.million)
    written(benches)
    for b in benches:
        b.open()
        b.do("SELECT INBOX", exists=options.million)
    time.sleep(5)
    yield case(benches, "SELECT of a million", "SELECT INBOX", 5,
               lambda b, _: b.do("RECONNECT"), exists=options.million)
    for b in benches:
        b.close()


ALL = {f.__name__: f for f in (
    folder, append, logins, pop3, mixed, idle, million)}
