"""A slot is a number that no other test run on this host holds.  From it come
the uid range and the ports of an instance, so that nothing ever meets."""

import fcntl
import os
import socket
import tempfile

UIDS = 65536
FIRST_UID = 1_600_000_000
FIRST_PORT = 20_000		# below what the kernel gives to clients
PORTS = 8
SLOTS = 1200


class Slot:
    def __init__(self):
        folder = os.path.join(tempfile.gettempdir(), "bulkhead-test-slots")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for n in range(SLOTS):
            fd = os.open(os.path.join(folder, str(n)),
                         os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(fd)
                continue
            if self._ports_free(n) and not list(uids_in_use(self.uids(n))):
                self.number, self._fd = n, fd
                return
            os.close(fd)
        raise RuntimeError("all slots for test instances are taken")

    @staticmethod
    def uids(n):
        first = FIRST_UID + n * UIDS
        return range(first, first + UIDS)

    @staticmethod
    def _ports_free(n):
        for i in range(PORTS):
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", FIRST_PORT + n * PORTS + i))
                except OSError:
                    return False
        return True

    @property
    def uid_base(self):
        return self.uids(self.number)[0]

    def port(self, i):
        return FIRST_PORT + self.number * PORTS + i

    def free(self):
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def uids_in_use(uids):
    """(pid, name) of every process that runs under one of these uids."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/status") as f:
                status = dict(l.split(":", 1) for l in f if ":" in l)
        except OSError:
            continue
        if status["State"].strip().startswith("Z"):
            continue
        if int(status["Uid"].split()[0]) in uids:
            yield int(entry), status["Name"].strip()
