"""make bench: Bulkhead beside the mail systems of Debian, in one run, on one
disk.

bench.py PROGRAM-FOLDER PEER-FOLDER [--quick] [--delay MS] [--what NAME,...]
    [--systems NAME,...] [--json FILE]

scenarios.py says what is measured, systems/ who, measure.py how: the load
generator checks every reply and fails with the first wrong one; every message
must arrive; CPU is user and system milliseconds a message, of all processes of
a system, the client's and the watcher's not counted.

With --delay the disk is one whose every flush takes so long.
"""

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "powercut")]

from bench import scenarios					# noqa: E402
from bench.measure import USERS, Bench				# noqa: E402
from bench.report import table				# noqa: E402
from bench.systems import Ports, packages			# noqa: E402
from bench.systems.bulkhead import Bulkhead			# noqa: E402
from bench.systems.exim import Exim				# noqa: E402
from bench.systems.opensmtpd import OpenSMTPD			# noqa: E402
from bench.systems.postfix import Postfix			# noqa: E402
from support.slots import Slot					# noqa: E402
from tls.authority import Pair					# noqa: E402

SYSTEMS = {c.name: c for c in (Bulkhead, Postfix, OpenSMTPD, Exim)}


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


def peers_ready(options, etc, names, systems=SYSTEMS):
    """The packages of the others, laid over this namespace's /usr and /etc."""
    wanted = sorted({p for n in names for p in systems[n].packages})
    if not wanted:
        return names
    root = packages.fetch(options.peers, wanted)
    if root is None or not packages.lay_over(root, etc):
        print("The others could not be downloaded, or this kernel has no "
              "overlay mounts; figures of Bulkhead alone.")
        return [n for n in names if n == "bulkhead"]
    return names


def build(options, where, etc):
    """The systems that take part, each with ports of its own."""
    pair = Pair(where, "bench", hosts=("mx.example.net",))
    made = []
    names = peers_ready(options, etc, options.systems)
    for name in names:
        slot = Slot()
        ports = Ports(slot.port(4), slot.port(5), slot.port(6), slot.port(7))
        system = SYSTEMS[name](where / name, ports, USERS, pair)
        if hasattr(system, "settings"):
            system.settings(etc)
        made.append((Bench(options.bin, system, ports.sink), slot))
    return [b for b, _ in made], [s for _, s in made]


def measure(options, benches):
    results = {}
    try:
        for b in benches:
            b.start()
        for name in options.what:
            print(f"{name}: {scenarios.ALL[name].__doc__}", flush=True)
            results[name] = list(scenarios.ALL[name](benches, options))
    finally:
        for b in benches:
            with contextlib.suppress(Exception):
                b.system.stop()
    return results


def names_of(known):
    def parse(text):
        names = text.split(",")
        for n in names:
            if n not in known:
                raise argparse.ArgumentTypeError(
                    f"{n}: not one of {', '.join(known)}")
        return names
    return parse


def main():
    p = argparse.ArgumentParser()
    p.add_argument("bin", type=Path)
    p.add_argument("peers", type=Path)
    p.add_argument("--quick", action="store_true")
    p.add_argument("--delay", type=int, default=0, metavar="MS")
    p.add_argument("--systems", type=names_of(SYSTEMS), default=list(SYSTEMS))
    p.add_argument("--what", type=names_of(scenarios.ALL),
                   default=list(scenarios.ALL))
    p.add_argument("--folder", default="/var/tmp")
    p.add_argument("--json", type=Path)
    options = p.parse_args()
    options.bin = options.bin.resolve()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    options.scale = (0.3 if options.delay else 1) * \
        (0.3 if options.quick else 1)
    with tempfile.TemporaryDirectory(prefix="bulkhead-bench-",
                                     dir=options.folder) as t:
        os.chmod(t, 0o755)
        etc = Path(t) / "etc"
        etc.mkdir()
        where, close = disk(options, Path(t))
        benches, slots = build(options, where, etc)
        results = measure(options, benches)
        for s in slots:
            s.free()
        close()
    names = [b.system.name for b in benches]
    for b in benches:
        print(f"{b.system.name} syncs before its 250: {b.system.before_250}")
    if options.delay:
        print(f"Every flush of the disk takes {options.delay} ms.")
    for name, rows in results.items():
        print(f"\n{name}: {scenarios.ALL[name].__doc__}\n\n" +
              table(rows, names))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
