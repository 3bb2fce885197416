"""What is measured.  A scenario takes benches and options and gives rows: text
that says which case, then a row of figures for each system that can do it.
All systems run at once and take turns in every case: a machine is not the same
from one minute to the next.
"""

import contextlib
import socket
import ssl
import time

from bench.measure import private_kib
from bench.systems import DEAD

CELLS = [(clients, size, per)
         for clients in (1, 8, 64) for size in (2048, 10240) for per in (1, 0)]
# Messages in a case, by clients: some seconds.
COUNTS = {"bulkhead": {1: 2000, 8: 8000, 64: 16000},
          "postfix": {1: 500, 8: 2000, 64: 3000},
          "opensmtpd": {1: 300, 8: 600, 64: 1000},
          "exim": {1: 100, 8: 300, 64: 500}}
# Messages in the runs that count syncs, by clients.
SYNC_RUNS = {1: 640, 64: 3200}
WAITING = 20_000
# Idle connections; Postfix has a hundred processes for them.
IDLE = {True: 10_000, False: 80}
# Of these a connection for each message takes up to half a second.
SLOW_TO_CONNECT = ("opensmtpd", "exim")


def count(bench, clients, scale, per=0):
    if per and bench.system.name in SLOW_TO_CONNECT:
        scale /= 4
    return max(clients, int(COUNTS[bench.system.name][clients] * scale))


def sync_run(bench, clients):
    return SYNC_RUNS[clients] // (1 if bench.system.name == "bulkhead" else 4)


def say(bench, what, row):
    print(f"  {bench.system.name:9} {what}: " + "  ".join(
        f"{k} {v:.4g}" for k, v in row.items()), flush=True)
    return row


def measured(b, what, run):
    """A peer that fails is named, and has no figure in that case."""
    try:
        return say(b, what, run(b))
    except (OSError, RuntimeError, AssertionError) as e:
        if b.system.name == "bulkhead":
            raise
        print(f"  {b.system.name:9} {what}: failed: {e!r}", flush=True)
        return {}


def turns(benches, what, run):
    return what, {b.system.name: measured(b, what, run) for b in benches}


def words(clients, size, per):
    return (f"{clients} client{'s' if clients > 1 else ''}, "
            f"{size // 1024} KiB, {'one' if per else 'many'} a connection")


def cells_of(options):
    if options.delay:
        return [(c, 10240, 0) for c in (1, 8, 64)]
    return CELLS if not options.quick else [(1, 10240, 0), (64, 10240, 0)]


def local(benches, options):
    """Accepted by SMTP, delivered into Maildirs."""
    for clients, size, per in cells_of(options):
        yield turns(benches, words(clients, size, per), lambda b: b.cell(
            clients, size, per, count(b, clients, options.scale, per)))
    for clients in SYNC_RUNS if not options.delay else ():
        def run(b):
            n = sync_run(b, clients)

            def letters():
                expected = b.arrived() + n
                b.load(clients, n, 10240, 0)
                b.settle(expected)
            return {"syncs": b.syncs(letters, n)}
        yield turns(benches, words(clients, 10240, 0), run)


def relay(benches, options):
    """Accepted by SMTP, passed on to another host by SMTP."""
    cases = cells_of(options)
    if not options.quick and not options.delay:
        cases = [(c, 10240, per) for c in (1, 8, 64) for per in (1, 0)]
    for clients, size, per in cases:
        yield turns(benches, words(clients, size, per), lambda b: b.relay(
            clients, size, per, count(b, clients, options.scale, per)))

    def run(b):
        n = sync_run(b, 64)
        return {"syncs": b.syncs(lambda: b.relay(64, 10240, 0, n), n)}
    yield turns(benches, words(64, 10240, 0), run)


def submission(benches, options):
    """By TLS from the first octet, logged in; no session is resumed."""
    able = [b for b in benches if b.system.submission_port]
    for clients, per in ((8, 1), (64, 1), (64, 0)):
        yield turns(able, words(clients, 10240, per), lambda b: b.cell(
            clients, 10240, per,
            count(b, clients, options.scale / (4 if per else 1)), login=True))


def waiting(benches, options):
    """Local mail while 20,000 letters wait for a host that is dead."""
    able = [b for b in benches if b.system.name in ("bulkhead", "postfix")]
    n = int(WAITING * min(1, options.scale))

    def cell(b):
        return b.cell(64, 10240, 0, count(b, 64, options.scale))

    steps = (("nothing waits, " + words(64, 10240, 0), cell),
             (f"{n} are taken in for the dead host",
              lambda b: b.load(64, n, 2048, 0, domain=DEAD)),
             (f"{n} wait, " + words(64, 10240, 0), cell))
    # One system after the other: what waits keeps one busy in its own way, and
    # must not be in the way of the others.
    rows = [(what, {}) for what, _ in steps]
    for b in able:
        for (what, run), (_, of) in zip(steps, rows):
            of[b.system.name] = measured(b, what, run)
    yield from rows


def idle(benches, options):
    """Connections that say EHLO and then nothing, in clear text and by TLS."""
    able = [b for b in benches if hasattr(b.system, "smtp_pids")]
    for tls in (False, True):
        yield turns([b for b in able
                     if not tls or b.system.submission_port],
                    "idle, " + ("TLS" if tls else "clear text"),
                    lambda b: memory_of_idle(
                        b, int(IDLE[b.system.name == "bulkhead"] *
                               min(1, options.scale)), tls))


def memory_of_idle(b, n, tls):
    """Of the processes that hold them, whole."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port = b.system.submission_port if tls else b.system.port
    with contextlib.ExitStack() as stack:
        for _ in range(n):
            s = socket.create_connection(("127.0.0.1", port), 30)
            if tls:
                s = context.wrap_socket(s)
            stack.enter_context(s)
            assert s.recv(512).startswith(b"220")
            s.sendall(b"EHLO idle.example.net\r\n")
            assert s.recv(4096).startswith(b"250")
        time.sleep(1)
        return {"connections": n,
                "KiB each": private_kib(b.system.smtp_pids()) / n}


# What waits still keeps a system busy: that is the last.
ALL = {f.__name__: f for f in (local, relay, submission, idle, waiting)}
