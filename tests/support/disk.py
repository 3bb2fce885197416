"""Small disks for tests, mounted where only this test process sees them."""

import ctypes
import os
import subprocess

CLONE_NEWNS = 0x00020000
_private = False


def lacking():
    if os.geteuid() != 0:
        return "mounting needs root"
    if not os.path.exists("/dev/loop-control"):
        return "this kernel or container has no loop devices"
    return None


def own_mounts():
    """From here on what this process and its children mount is seen by them
    alone, and is gone when they are, however they end."""
    global _private
    if _private:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    _private = True


class Disk:
    """An ext4 of so many mebibytes in a file; for `with`."""

    def __init__(self, folder, mebibytes):
        own_mounts()
        self.path = folder / "disk"
        self.path.mkdir(parents=True)
        image = folder / "disk.img"
        with open(image, "wb") as f:
            f.truncate(mebibytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=4",
                        image], check=True)
        subprocess.run(["mount", "-o", "loop,noatime", image, self.path],
                       check=True)

    def fill(self, leave=0):
        """Write until nothing more fits, but for `leave` octets."""
        filler = self.path / "filler"
        with open(filler, "ab", buffering=0) as f:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        f.write(b"\1" * size)
                except OSError:
                    pass
            os.fsync(f.fileno())
            if leave:
                f.truncate(max(0, f.tell() - leave))
        return filler

    def __enter__(self):
        return self

    def __exit__(self, *trouble):
        subprocess.run(["umount", "-l", self.path], check=False)
