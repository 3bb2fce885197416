"""Disks that remember, and every state that a power cut could leave of them.

Lab starts tests-powercut-disk, puts an ext4 on each of its disks and mounts
them.  Log reads what was written, in order, with the marks in between; from it
states() makes images: all that was flushed before the crash, and none, all, a
random part, or a part torn at 512 octets of what was not.

Everything here wants a mount namespace of its own (run.py has one), so that
whatever happens nothing stays mounted and no loop device stays in use.
"""

import os
import random
import shutil
import struct
import subprocess
import time
from pathlib import Path

RECORD = struct.Struct("<BBHIQ")
WRITE, FLUSH, MARK = b"WFM"
SECTOR = 512


def sh(*argv):
    """Run a tool; its words are in the exception if it fails."""
    r = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True)
    if r.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {r.stderr.strip()}")
    return r.stdout


def repair(image):
    """What a host does at its start with a file system that was torn in its
    own checksummed blocks, and that the kernel so refuses."""
    r = subprocess.run(["e2fsck", "-fy", image], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True)
    if r.returncode > 2:
        raise RuntimeError(f"e2fsck: {r.stdout}{r.stderr}")


def mount_image(image, where, options="loop,noatime"):
    where = Path(where)
    where.mkdir(parents=True, exist_ok=True)
    try:
        sh("mount", "-t", "ext4", "-o", options, image, where)
    except RuntimeError:
        repair(image)
        sh("mount", "-t", "ext4", "-o", options, image, where)


def unmount(where):
    """A loop device lets go of its file a while after its own umount."""
    for _ in range(500):
        try:
            sh("umount", where)
            return
        except RuntimeError as e:
            if "not mounted" in str(e):
                return
            last = e
            time.sleep(0.02)
    raise last


class Lab:
    """Live disks, mounted at root/mnt0, root/mnt1, ..."""

    def __init__(self, program, root, disks=1, mebibytes=24):
        self.root = Path(root)
        self.fuse = self.root / "fuse"
        self.log = self.root / "log"
        self.mnt = [self.root / f"mnt{i}" for i in range(disks)]
        self.fuse.mkdir(parents=True)
        self.server = subprocess.Popen(
            [program, "-n", str(disks), "-s", str(mebibytes),
             "-l", self.log, self.fuse])
        self._await(self.fuse / "mark")
        for i, mnt in enumerate(self.mnt):
            disk = self.fuse / f"disk{i}"
            # Tables and journal written out now: nothing is left to a
            # kernel thread that would write during the run.
            sh("mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=4", "-E",
               "lazy_itable_init=0,lazy_journal_init=0,nodiscard", disk)
            mount_image(disk, mnt)
        self._mark = os.open(self.fuse / "mark", os.O_WRONLY)

    def _await(self, path):
        for _ in range(500):
            if path.exists():
                return
            if self.server.poll() is not None:
                raise RuntimeError("the disks did not start")
            time.sleep(0.01)
        raise RuntimeError(f"{path} did not appear")

    def mark(self, text):
        """From here on a crash must not lose what text names."""
        os.write(self._mark, text.encode())

    def close(self):
        os.close(self._mark)
        for mnt in self.mnt:
            unmount(mnt)
        unmount(self.fuse)
        if self.server.wait(timeout=30) != 0:
            raise RuntimeError("the disks failed")


class Log:
    """What happened: records (kind, disk, offset, octets), and where the run
    proper begins (the mark "begin"; before it lies mkfs)."""

    def __init__(self, path, disks, mebibytes):
        self.size = mebibytes << 20
        self.disks = disks
        self.records = []
        self.begin = 0
        data = memoryview(Path(path).read_bytes())
        at = 0
        while at + RECORD.size <= len(data):
            kind, disk, _, length, offset = RECORD.unpack_from(data, at)
            at += RECORD.size
            octets = data[at:at + length]
            at += length
            if kind == MARK and bytes(octets) == b"begin":
                self.begin = len(self.records)
            self.records.append((kind, disk, offset, octets))
        if at != len(data):
            raise RuntimeError("the log ends in the middle of a record")

    def count(self, kind):
        return sum(1 for r in self.records[self.begin:] if r[0] == kind)

    def points(self, most, rng):
        """Crash points: after each mark and before it, and as many other
        places as there is room for.  A point p means: p records happened."""
        marks = [i + 1 for i, r in enumerate(self.records)
                 if r[0] == MARK and i >= self.begin]
        first = {p for m in marks for p in (m, m - 1)}
        if len(first) > most:
            first = set(rng.sample(sorted(first), most))
        rest = [p for p in range(self.begin + 1, len(self.records) + 1)
                if p not in first]
        extra = min(len(rest), most - len(first))
        return sorted(first | set(rng.sample(rest, extra)))

    def marks_before(self, point):
        return [bytes(r[3]).decode() for r in self.records[self.begin:point]
                if r[0] == MARK and bytes(r[3]) != b"begin"]


HOW = ("none", "all", "random", "torn")


def _survivors(how, pending, rng):
    """Which of the writes that were never flushed reached the disk, and how
    much of each."""
    if how == "none":
        return []
    if how == "all":
        return pending
    if how == "random":
        return [w for w in pending if rng.random() < 0.5]
    kept = []
    for offset, octets in pending:
        for at in range(0, len(octets), SECTOR):
            if rng.random() < 0.5:
                kept.append((offset + at, octets[at:at + SECTOR]))
    return kept


class Images:
    """Images of the disks, moving forward through the log."""

    def __init__(self, log, folder):
        self.log = log
        self.at = 0
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        # What is certainly on each disk, and what may be.
        self.sure = [bytearray(log.size) for _ in range(log.disks)]
        self.pending = [[] for _ in range(log.disks)]

    def forward(self, point):
        for kind, disk, offset, octets in self.log.records[self.at:point]:
            if kind == WRITE:
                self.pending[disk].append((offset, octets))
            elif kind == FLUSH:
                for o, b in self.pending[disk]:
                    self.sure[disk][o:o + len(b)] = b
                self.pending[disk].clear()
        self.at = point

    def write(self, how, rng):
        """Image files of a crash here; how is a name of HOW for each disk."""
        paths = []
        for disk, h in enumerate(how):
            path = self.folder / f"disk{disk}.img"
            with open(path, "wb", buffering=0) as f:
                f.write(self.sure[disk])
                for offset, octets in _survivors(h, self.pending[disk], rng):
                    f.seek(offset)
                    f.write(octets)
            paths.append(path)
        return paths

    def unflushed(self):
        return sum(len(p) for p in self.pending)


def states(log, folder, most, share=(0, 1), seed=1):
    """Yield (point, how, image paths) for about `most` crash states; share
    (i, n) takes the i-th of n parts, so that n processes can divide the work.
    The seed decides everything, and what is yielded can be made again."""
    per_point = 4
    points = log.points(max(1, most // per_point), random.Random(seed))
    images = Images(log, folder)
    for point in points[share[0]::share[1]]:
        images.forward(point)
        for n in range(per_point):
            rng = random.Random(f"{seed}/{point}/{n}")
            if n < 2:
                how = [HOW[n]] * log.disks
            else:
                how = [rng.choice(HOW) for _ in range(log.disks)]
            yield point, how, images.write(how, rng)
    shutil.rmtree(folder, ignore_errors=True)


def lacking(program):
    """Why no power cut can be tried here, in words; None if one can."""
    if os.geteuid() != 0:
        return "mounting needs root"
    if not os.path.exists("/dev/fuse"):
        return "this kernel or container has no FUSE (/dev/fuse)"
    if not os.path.exists("/dev/loop-control"):
        return "this kernel or container has no loop devices"
    if shutil.which("mkfs.ext4") is None:
        return "mkfs.ext4 is not installed (e2fsprogs)"
    if not os.path.exists(program):
        return f"{program} is not built"
    return None
