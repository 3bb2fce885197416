"""make bench: Bulkhead beside Postfix from Debian, in the same run, on the
same disk, both durable.

bench.py PROGRAM-FOLDER PEER-FOLDER [--quick] [--delay MS] [--only NAME]

For each number of clients, message size, and one or many messages on a
connection: messages accepted per second (the final reply is there), delivered
per second (from the first MAIL to the last file in a Maildir), CPU
milliseconds per message (user and system, of all processes of the suite, the
client's and the watcher's not counted), and sync calls per message, counted
by perf, or strace where that is not there, in a run of its own.  The load generator checks every reply and
fails with the first wrong one; every message must arrive.

With --delay the disk is one whose every flush takes so long.
"""

import argparse
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "powercut")]

USERS = 32
TICK = os.sysconf("SC_CLK_TCK")
CELLS = [(clients, size, per)
         for clients in (1, 8, 64) for size in (2048, 10240) for per in (1, 0)]
# Messages in the runs that count syncs, by clients.
SYNC_RUNS = {1: 640, 64: 3200}
# Messages in a cell, by system and clients: some seconds each.
COUNTS = {"postfix": {1: 500, 8: 2000, 64: 3000},
          "bulkhead": {1: 2000, 8: 8000, 64: 16000}}


def cpu_seconds(pids):
    """Used by these processes and by those of their children that ended."""
    ticks = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(int(x) for x in fields[11:15])
    return ticks / TICK


class Bulkhead:
    name = "bulkhead"

    def __init__(self, folder):
        from support.instance import Instance
        self.instance = Instance(
            folder, users=[f"u{n}" for n in range(1, USERS + 1)])
        self.port = self.instance.smtp_port

    def start(self):
        self.instance.start()
        return self

    def pids(self):
        return [self.instance.supervisor.pid,
                *(p for p, _ in self.instance.processes())]

    def maildirs(self):
        return [self.instance.home(f"u{n}") / "Maildir" / "new"
                for n in range(1, USERS + 1)]

    def stop(self):
        self.instance.close()


class Bench:
    def __init__(self, bin_dir, system):
        self.bin, self.system, self.run = bin_dir, system, 0

    def load(self, clients, messages, size, per):
        """Figures of one run of the generator."""
        self.run += 1
        r = subprocess.run(
            [self.bin / "tests-bench-load", "-p", str(self.system.port),
             "-c", str(clients), "-n", str(messages), "-s", str(size),
             "-m", str(per), "-u", str(USERS), "-r", f"r{self.run}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if r.returncode != 0:
            raise RuntimeError(f"{self.system.name}: {r.stdout}{r.stderr}")
        return {k: float(v) for k, v in
                (w.split("=") for w in r.stdout.split())}

    def arrived(self):
        return sum(len(os.listdir(d)) for d in self.system.maildirs()
                   if d.is_dir())

    def settle(self, expected, patience=120):
        until = time.monotonic() + patience
        while self.arrived() < expected:
            if time.monotonic() > until:
                raise RuntimeError(f"{self.system.name}: {self.arrived()} of "
                                   f"{expected} messages arrived")
            time.sleep(0.02)

    def warm_up(self):
        """One message for each user makes the mailboxes."""
        self.load(1, USERS, 2048, 0)
        self.settle(USERS)
        time.sleep(0.5)

    def cell(self, clients, size, per, messages):
        before = self.arrived()
        watch = subprocess.Popen(
            [self.bin / "tests-bench-watch", "-n", str(messages), "-t", "180",
             *self.system.maildirs()], stdout=subprocess.PIPE, text=True)
        assert watch.stdout.readline() == "ready\n"
        cpu, began = cpu_seconds(self.system.pids()), time.monotonic()
        got = self.load(clients, messages, size, per)
        words = dict(w.split("=") for w in watch.stdout.readline().split())
        watch.wait()
        if int(words["delivered"]) != messages:
            raise RuntimeError(f"{self.system.name}: {words} of {messages}")
        self.settle(before + messages)
        time.sleep(0.2)		# the queue's own last work counts, too
        cpu = cpu_seconds(self.system.pids()) - cpu
        return {"accepted": messages / got["seconds"],
                "delivered": messages / (float(words["last"]) - began),
                "cpu_ms": cpu * 1000 / messages,
                "p50_ms": got["p50_ms"], "p99_ms": got["p99_ms"]}

    def syncs(self, clients, messages):
        """Calls that wait for the disk, per message."""
        count = counting(self.system.pids())
        expected = self.arrived() + messages
        self.load(clients, messages, 10240, 0)
        self.settle(expected)
        time.sleep(0.5)
        return count() / messages


SYNCS = ("fsync", "fdatasync", "syncfs", "sync")


def counting(pids):
    """Count the calls of SYNCS from now on; what is returned ends it.  perf
    counts beside the processes, strace stops them at every call: everything
    is slower then, and so comes in smaller batches."""
    f = tempfile.NamedTemporaryFile("r", suffix=".counts")
    if counts_with_perf():
        events = ",".join(f"syscalls:sys_enter_{s}" for s in SYNCS)
        argv = ["perf", "stat", "-x,", "-o", f.name, "-e", events,
                "-p", ",".join(map(str, pids))]
    else:
        argv = ["strace", "-f", "-qq", "-c", "-o", f.name,
                "-e", "trace=" + ",".join(SYNCS),
                *(a for p in pids for a in ("-p", str(p)))]
    tracer = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    time.sleep(1)

    def count():
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        calls = 0
        for line in f.read().splitlines():
            if "sys_enter" in line:
                calls += int(line.split(",")[0])
            elif (words := line.split()) and words[-1] in SYNCS:
                calls += int(words[3])
        f.close()
        return calls
    return count


@functools.cache
def counts_with_perf():
    """Is perf here, and may it see system calls?"""
    return bool(shutil.which("perf")) and not subprocess.run(
        ["perf", "stat", "-e", "syscalls:sys_enter_fsync", "true"],
        stdin=subprocess.DEVNULL, capture_output=True).returncode


def measure_cell(bench, clients, size, per, scale):
    name = bench.system.name
    row = bench.cell(clients, size, per,
                     max(64, int(COUNTS[name][clients] * scale)))
    print(f"  {name:9} {clients:3} clients  {size:6} octets  "
          f"{'one ' if per else 'many'} a connection: "
          f"{row['accepted']:8.0f} accepted/s  "
          f"{row['delivered']:8.0f} delivered/s  "
          f"{row['cpu_ms']:6.3f} ms CPU  "
          f"p99 {row['p99_ms']:.1f} ms", flush=True)
    return row


def measure(bin_dir, systems, cells, scale, with_syncs):
    """All systems run, and take turns in every cell: a machine is not the
    same from one minute to the next."""
    benches = [Bench(bin_dir, s) for s in systems]
    results = {s.name: {} for s in systems}
    try:
        for b in benches:
            b.system.start()
            b.warm_up()
        for cell in cells:
            for b in benches:
                results[b.system.name]["/".join(map(str, cell))] = \
                    measure_cell(b, *cell, scale)
        for b in benches if with_syncs else ():
            results[b.system.name]["syncs"] = {
                str(c): b.syncs(c, n) for c, n in SYNC_RUNS.items()}
    finally:
        for s in systems:
            s.stop()
    return results


def table(results):
    """A table in Markdown; a ratio above 1 is in Bulkhead's favour."""
    names = list(results)
    both = len(names) == 2
    lines = ["| clients | size | messages a connection | " +
             " | ".join(f"{n}: accepted/s | delivered/s | CPU ms"
                        for n in names) +
             (" | accepted | delivered | CPU |" if both else " |")]
    lines.append("|" + "---|" * (lines[0].count("|") - 1))
    for key in (k for k in results[names[0]] if k != "syncs"):
        clients, size, per = key.split("/")
        rows = [results[n][key] for n in names]
        line = (f"| {clients} | {int(size) // 1024} KiB | "
                f"{'one' if per == '1' else 'many'} |")
        for r in rows:
            line += (f" {r['accepted']:.0f} | {r['delivered']:.0f} |"
                     f" {r['cpu_ms']:.3f} |")
        if both:
            a, b = rows
            line += (f" {a['accepted'] / b['accepted']:.1f}x |"
                     f" {a['delivered'] / b['delivered']:.1f}x |"
                     f" {b['cpu_ms'] / max(a['cpu_ms'], 1e-3):.1f}x |")
        lines.append(line)
    for n in names:
        for clients, calls in results[n].get("syncs", {}).items():
            lines.append(f"\nsync calls per message, {n}, {clients} "
                         f"client{'s' if clients != '1' else ''}: "
                         f"{calls:.2f}")
    return "\n".join(lines)


def disk(options, folder):
    """Where the suites keep their files: the host's disk, or a slow one."""
    if not options.delay:
        return folder, lambda: None
    import lab
    fuse, mnt = folder / "fuse", folder / "slow"
    fuse.mkdir()
    server = subprocess.Popen(
        [options.bin / "tests-powercut-disk", "-s", "2048",
         "-w", str(options.delay), fuse])
    while not (fuse / "disk0").exists():
        time.sleep(0.02)
    lab.sh("mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=1",
           fuse / "disk0")
    lab.mount_image(fuse / "disk0", mnt)

    def close():
        lab.unmount(mnt)
        lab.unmount(fuse)
        server.wait()
    return mnt, close


def main():
    p = argparse.ArgumentParser()
    p.add_argument("bin", type=Path)
    p.add_argument("peers", type=Path)
    p.add_argument("--quick", action="store_true")
    p.add_argument("--delay", type=int, default=0, metavar="MS")
    p.add_argument("--only", choices=("bulkhead", "postfix"))
    p.add_argument("--folder", default="/var/tmp")
    p.add_argument("--json", type=Path)
    options = p.parse_args()
    options.bin = options.bin.resolve()

    cells = CELLS if not options.quick else [(1, 10240, 0), (64, 10240, 0)]
    if options.delay:
        cells = [(c, 10240, 0) for c in (1, 8, 64)]
    scale = (0.3 if options.delay else 1) * (0.3 if options.quick else 1)
    with tempfile.TemporaryDirectory(prefix="bulkhead-bench-",
                                     dir=options.folder) as t:
        os.chmod(t, 0o755)
        where, close = disk(options, Path(t))
        systems = []
        if options.only != "postfix":
            systems.append(Bulkhead(where / "bulkhead"))
        if options.only != "bulkhead":
            from bench import postfix
            root = postfix.fetch(options.peers)
            if root is None:
                print("Postfix could not be downloaded; figures of Bulkhead "
                      "alone.")
            else:
                from support.slots import Slot
                systems.append(postfix.Postfix(
                    root.resolve(), where / "postfix", Slot().port(0), USERS))
        results = measure(options.bin, systems, cells, scale,
                          not options.delay)
        close()
    if options.delay:
        print(f"\nEvery flush of the disk takes {options.delay} ms.")
    print("\n" + table(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
