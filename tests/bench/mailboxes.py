"""make bench, second part: mailboxes, Bulkhead beside Dovecot of Debian, in one
run, on one disk.

mailboxes.py PROGRAM-FOLDER PEER-FOLDER [--full] [--what NAME,...]
    [--systems NAME,...] [--messages N] [--json FILE]

mailbox_scenarios.py says what is measured, systems/mailboxes.py who.  The reader
(reader/) checks every reply.  CPU is user and system milliseconds of all processes
of a system.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "powercut")]

from bench import mailbox_scenarios as scenarios		# noqa: E402
from bench.bench import names_of, peers_ready			# noqa: E402
from bench.report import table					# noqa: E402
from bench.systems.dovecot import Mailboxes as Dovecot		# noqa: E402
from bench.systems.mailboxes import Bulkhead, Ports		# noqa: E402
from support.slots import Slot					# noqa: E402
from tls.authority import Pair					# noqa: E402

SYSTEMS = {c.name: c for c in (Bulkhead, Dovecot)}


def parsed():
    p = argparse.ArgumentParser()
    p.add_argument("bin", type=Path)
    p.add_argument("peers", type=Path)
    p.add_argument("--full", action="store_true",
                   help="100,000 messages, and a folder of a million")
    p.add_argument("--messages", type=int)
    p.add_argument("--million", type=int, default=1_000_000)
    p.add_argument("--systems", type=names_of(SYSTEMS), default=list(SYSTEMS))
    p.add_argument("--what", type=names_of(scenarios.ALL))
    p.add_argument("--folder", default="/var/tmp")
    p.add_argument("--json", type=Path)
    options = p.parse_args()
    options.bin = options.bin.resolve()
    options.scale = 2 if options.full else 1
    if not options.messages:
        options.messages = 100_000 if options.full else 20_000
    if not options.what:
        options.what = [n for n in scenarios.ALL
                        if options.full or n != "million"]
    return options


def build(options, where, etc):
    pair = Pair(where, "bench", hosts=("mx.example.net",))
    made = []
    for name in peers_ready(options, etc, options.systems, SYSTEMS):
        slot = Slot()
        ports = Ports(slot.port(4), slot.port(5), slot.port(6))
        made.append((scenarios.Bench(options.bin, SYSTEMS[name](
            where / name, ports, scenarios.USERS, pair)), slot))
    return [b for b, _ in made], [s for _, s in made]


def measure(options, benches):
    results, failed = {}, []
    try:
        for b in benches:
            b.system.start()
        scenarios.prepared(benches)
        for name in options.what:
            print(f"{name}: {scenarios.ALL[name].__doc__}", flush=True)
            results[name] = rows = []
            try:
                rows.extend(scenarios.ALL[name](benches, options))
            except (RuntimeError, OSError, AssertionError) as e:
                failed.append(name)		# the others are measured
                print(f"{name} FAILED: {e}", flush=True)
    finally:
        for b in benches:
            with contextlib.suppress(Exception):
                b.system.stop()
    return results, failed


def main():
    options = parsed()
    with tempfile.TemporaryDirectory(prefix="bulkhead-bench-",
                                     dir=options.folder) as t:
        os.chmod(t, 0o755)
        etc = Path(t) / "etc"
        etc.mkdir()
        benches, slots = build(options, Path(t), etc)
        results, failed = measure(options, benches)
        for s in slots:
            s.free()
    names = [b.system.name for b in benches]
    for name, rows in results.items():
        print(f"\n{name}: {scenarios.ALL[name].__doc__}\n\n" +
              table(rows, names))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    if failed:
        sys.exit("FAILED: " + ", ".join(failed))


if __name__ == "__main__":
    main()
