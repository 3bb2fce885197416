"""How it is measured: runs of the load generator, CPU time, calls that wait
for the disk, memory."""

import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time

from bench.systems import DOMAIN, RELAYED

USERS = 32
TICK = os.sysconf("SC_CLK_TCK")
SYNCS = ("fsync", "fdatasync", "syncfs", "sync")


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


def cpu_exact(pids):
    """Seconds used by these processes, to the nanosecond; none that ended."""
    total = 0
    for pid in pids:
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[0])
        except OSError:
            continue
    return total / 1e9


def private_kib(pids):
    """Memory that no other process shares, and page tables."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            total += sum(int(l.split()[1]) for l in f
                         if l.startswith(("Private_Dirty:", "Private_Clean:")))
        with open(f"/proc/{pid}/status") as f:
            total += sum(int(l.split()[1]) for l in f
                         if l.startswith("VmPTE:"))
    return total


class Bench:
    """One system, and the runs on it."""

    def __init__(self, bin_dir, system, sink_port=None):
        self.bin, self.system, self.run = bin_dir, system, 0
        self.sink_port = sink_port

    def start(self):
        self.system.start()
        until = time.monotonic() + 30
        while True:		# the first letter, as soon as it is up
            try:
                self.load(1, 1, 2048, 0)
                break
            except RuntimeError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
        # One for each user makes the mailboxes.
        before = self.arrived()
        self.load(1, USERS, 2048, 0)
        self.settle(before + USERS)
        time.sleep(0.5)

    def load(self, clients, messages, size, per, domain=DOMAIN, login=False):
        """Figures of one run of the generator."""
        self.run += 1
        port = self.system.submission_port if login else self.system.port
        r = subprocess.run(
            [self.bin / "tests-bench-load", "-p", str(port),
             "-c", str(clients), "-n", str(messages), "-s", str(size),
             "-m", str(per), "-u", str(USERS), "-d", domain,
             "-r", f"r{self.run}", *(["-A"] if login else [])],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if r.returncode != 0:
            raise RuntimeError(f"{self.system.name}: {r.stdout}{r.stderr}")
        return {k: float(v) for k, v in
                (w.split("=") for w in r.stdout.split())}

    def arrived(self):
        return sum(len(os.listdir(d)) for d in self.system.maildirs()
                   if d.is_dir())

    def settle(self, expected, patience=180):
        until = time.monotonic() + patience
        while self.arrived() < expected:
            if time.monotonic() > until:
                raise RuntimeError(f"{self.system.name}: {self.arrived()} of "
                                   f"{expected} messages arrived")
            time.sleep(0.02)

    def cell(self, clients, size, per, messages, login=False):
        """Accepted, and delivered into Maildirs."""
        before = self.arrived()
        watch = subprocess.Popen(
            [self.bin / "tests-bench-watch", "-n", str(messages), "-t", "300",
             *self.system.maildirs()], stdout=subprocess.PIPE, text=True)
        assert watch.stdout.readline() == "ready\n"
        row = self._measured(watch, "delivered", clients, messages, size, per,
                             login=login)
        self.settle(before + messages)
        return row

    def relay(self, clients, size, per, messages):
        """Accepted, and passed on to the sink."""
        sink = subprocess.Popen(
            [self.bin / "tests-bench-sink", "-p", str(self.sink_port),
             "-n", str(messages), "-t", "300"],
            stdout=subprocess.PIPE, text=True)
        assert sink.stdout.readline() == "ready\n"
        return self._measured(sink, "received", clients, messages, size, per,
                              domain=RELAYED)

    def _measured(self, far_end, word, clients, messages, size, per, **how):
        cpu, began = cpu_seconds(self.system.pids()), time.monotonic()
        got = self.load(clients, messages, size, per, **how)
        words = dict(w.split("=") for w in far_end.stdout.readline().split())
        far_end.wait()
        if int(words[word]) != messages:
            raise RuntimeError(f"{self.system.name}: {words} of {messages}")
        time.sleep(0.2)		# the queue's own last work counts, too
        cpu = cpu_seconds(self.system.pids()) - cpu
        return {"accepted": messages / got["seconds"],
                "delivered": messages / (float(words["last"]) - began),
                "cpu_ms": cpu * 1000 / messages,
                "p50_ms": got["p50_ms"], "p99_ms": got["p99_ms"]}

    def syncs(self, run, messages):
        """Calls that wait for the disk, per message of this run."""
        count = counting(self.system.pids())
        run()
        time.sleep(0.5)
        return count() / messages


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
