"""Each system call of a queue's life once made its last one, and once made to
fail with each error that counts: what it promised is kept (rules A and R).

strace counts calls per thread and per name, and an injection that does not
fire proves nothing: so every point comes from a trace of the same work, and
that it fired is asserted."""

import collections
import os
import re
import shutil
import subprocess

import pytest

from support.instance import BUILD, SANITIZED

PROGRAM = BUILD / "queue-manager" / "test_kill_points"
CALLS = ("openat openat2 mkdirat pread64 pwrite64 pwritev write fsync fdatasync "
         "unlinkat linkat ftruncate newfstatat fstat getdents64 close "
         "memfd_create").split()
ERRORS = ("EIO", "ENOSPC", "EMFILE")
FAIL = ("openat openat2 pwrite64 pwritev fsync fdatasync linkat unlinkat "
        "ftruncate memfd_create").split()

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None or SANITIZED or not PROGRAM.exists(),
    reason="needs strace, the unit tests built, and no sanitizer")


def run(mode, folder, strace=()):
    return subprocess.run([*strace, PROGRAM, mode, folder],
                          capture_output=True, text=True, timeout=60)


def prepared(folder):
    """A spool with a life behind it."""
    folder.mkdir()
    assert run("work", folder).returncode == 0
    return folder


def points(spool, tmp_path):
    """(name, k): the most calls of that name that any one thread makes."""
    copy = tmp_path / "reference"
    shutil.copytree(spool, copy)
    trace = tmp_path / "trace"
    run("work", copy, ["strace", "-f", "-qq", "-o", trace, "-e",
                       "trace=" + ",".join(CALLS)])
    counts = collections.Counter()
    for line in trace.read_text().splitlines():
        if m := re.match(r"(\d+) +(\w+)\(", line):
            counts[m[1], m[2]] += 1
    most = collections.Counter()
    for (_, name), n in counts.items():
        most[name] = max(most[name], n)
    shutil.rmtree(copy)
    return [(name, k) for name, n in sorted(most.items())
            for k in range(1, n + 1)]


def promises(text):
    said = collections.defaultdict(set)
    for line in text.splitlines():
        word, id, number = line.split()[:3]
        said[word].add((int(id), int(number)))
    return said


def check(spool, said, what):
    """accepted: both recipients are queued, but for those settled.  A second
    recovery finds the same."""
    first = run("check", spool)
    assert first.returncode == 0, (what, first.stderr)
    assert "damaged" not in first.stdout, (what, first.stdout)
    assert "difference 0 " in first.stdout, (what, first.stdout)
    queued = promises("\n".join(l for l in first.stdout.splitlines()
                                if l.startswith("queued")))["queued"]
    for id, _ in said["accepted"]:
        for n in 0, 1:
            at = (id, n)
            # A result that was on its way may count, or not.
            if at in said["trying"] and at not in said["settled"]:
                continue
            assert (at in queued) != (at in said["settled"]), (
                what, at, first.stdout)
    again = run("check", spool)
    strip = re.compile(r"next \d+")
    assert strip.sub("", again.stdout) == strip.sub("", first.stdout), what
    highest = max([id for id, _ in said["accepted"]] + [0])
    assert int(re.search(r"next (\d+)", first.stdout)[1]) > highest, what


def test_kill_before_every_call(tmp_path):
    spool = prepared(tmp_path / "spool")
    fired = 0
    todo = points(spool, tmp_path)
    for name, k in todo:
        copy = tmp_path / "copy"
        shutil.copytree(spool, copy)
        out = run("work", copy, [
            "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={name}",
            "-e", f"inject={name}:signal=KILL:when={k}"])
        fired += out.returncode in (137, -9)
        said = promises(out.stdout)
        check(copy, said, (name, k))
        shutil.rmtree(copy)
    assert len(todo) > 100
    assert fired >= len(todo) * 0.9, f"{fired} of {len(todo)} fired"


@pytest.mark.parametrize("error", ERRORS)
def test_every_call_fails_once(tmp_path, error):
    spool = prepared(tmp_path / "spool")
    fired = 0
    todo = [p for p in points(spool, tmp_path) if p[0] in FAIL]
    for name, k in todo:
        copy = tmp_path / "copy"
        shutil.copytree(spool, copy)
        trace = tmp_path / "trace"
        out = run("work", copy, [
            "strace", "-f", "--seccomp-bpf", "-qq", "-o", trace, "-e",
            f"trace={name}", "-e", f"inject={name}:error={error}:when={k}"])
        assert out.returncode in (0, 1), (name, k, out.stderr)
        fired += "INJECTED" in trace.read_text()
        said = promises(out.stdout)
        check(copy, said, (name, k, error))
        shutil.rmtree(copy)
    assert fired >= len(todo) * 0.9, f"{fired} of {len(todo)} fired"
