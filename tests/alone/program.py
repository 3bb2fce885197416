"""One program of the suite alone, in its real sandbox, with the test in the
place of supervisor and of every sibling.

    with Program("pop3d", folder, tree=False) as p:
        p.settings("pop3d.conf text")
        authd = p.channel("authd")
        port = p.listener("pop3")
        p.commit()

A Program gets what supervisor would give it: a uid of its own, no_new_privs,
one ambient capability, descriptors 3 to 5, no environment.
"""

import array
import ctypes
import fcntl
import itertools
import os
import re
import resource
import signal
import socket
import struct
import time
from pathlib import Path

from support.instance import BUILD, PATIENCE

UID = 64200
ROLES = re.findall(r'X\([A-Z0-9_]+, "([^"]+)"\)', (
    Path(__file__).parents[2] / "common/ipc/roles.h").read_text())

# common/ipc/messages.h
(SETTINGS, TABLE, LISTENER, CHANNEL, LOG, COMMIT, READY, REFUSED, STOP,
 CHANNEL_LOST) = range(1, 11)
SESSION_START, SESSION_STARTED, SESSION_REFUSED, SESSION_GIVE = range(20, 24)
LOGIN, LOGIN_TICKET, LOGIN_REFUSED, LOGIN_CANCEL = range(70, 74)

CAP_SYS_CHROOT = 18
libc = ctypes.CDLL(None, use_errno=True)


def octets(b):
    """Length and octets, as common/ipc/codec.h writes them."""
    return struct.pack("<I", len(b)) + b


class Channel:
    """The test's end of a channel."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(PATIENCE)

    def send(self, kind, ident=0, body=b"", fds=()):
        head = struct.pack("<BBHIQ", 1, 0, kind, len(body), ident)
        self.raw(head + body, fds)

    def raw(self, data, fds=()):
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                    array.array("i", fds))] if fds else []
        self.sock.sendmsg([data], control)

    def receive(self):
        """(type, id, body, descriptors), or None at the end."""
        data, control, _, _ = self.sock.recvmsg(40000, 1024)
        if not data:
            return None
        fds = array.array("i")
        for _, _, raw in control:
            fds.frombytes(raw[:len(raw) - len(raw) % fds.itemsize])
        _, _, kind, length, ident = struct.unpack_from("<BBHIQ", data)
        assert length == len(data) - 16
        return kind, ident, data[16:], list(fds)

    def expect(self, kind):
        # That it lost a peer whom the test took away is no answer.
        while (m := self.receive()) and m[0] == CHANNEL_LOST != kind:
            pass
        assert m is not None and m[0] == kind, m
        return m[1:]

    def close(self):
        self.sock.close()


def pair():
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return Channel(a), b


def _capset(effective, inheritable):
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)(effective, effective, inheritable, 0, 0, 0)
    assert libc.capset(head, data) == 0, ctypes.get_errno()


def _become(uid):
    full = 0xffffffff
    bit = 1 << CAP_SYS_CHROOT
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    assert libc.capget(head, data) == 0
    data[2] |= bit
    assert libc.capset(head, data) == 0
    for cap in range(64):
        libc.prctl(24, cap, 0, 0, 0)		# PR_CAPBSET_DROP
    libc.prctl(8, 1, 0, 0, 0)			# PR_SET_KEEPCAPS
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _capset(bit, bit)
    assert libc.prctl(47, 2, CAP_SYS_CHROOT, 0, 0) == 0	# PR_CAP_AMBIENT
    assert libc.prctl(38, 1, 0, 0, 0) == 0		# PR_SET_NO_NEW_PRIVS


class Program:
    def __init__(self, role, folder, program=None, tree=None, uid=UID,
                 descriptors=None):
        """tree: the directory to jail it in; None: an empty one."""
        self.descriptors = descriptors
        self.role = role
        self.folder = Path(folder)
        self.log_path = self.folder / f"{role}.log"
        jail = Path(tree or self.folder / f"{role}-empty")
        jail.mkdir(exist_ok=True)
        if tree is None:
            os.chmod(jail, 0o755)
        else:
            os.chown(jail, uid, uid)
            os.chmod(jail, 0o700)
        self.supervisor, theirs = pair()
        self.pid = self._spawn(BUILD / "bin" / (program or role), jail,
                               theirs, uid)
        theirs.close()
        self.children = []
        self.serials = itertools.count(1)

    def _spawn(self, path, jail, channel, uid):
        program = os.open(path, os.O_RDONLY)
        jail_fd = os.open(jail, os.O_RDONLY | os.O_DIRECTORY)
        log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND,
                      0o600)
        pid = os.fork()
        if pid == 0:
            try:
                # A test with many sessions has descriptors beyond 100 itself.
                lifted = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in
                          (channel.fileno(), log, jail_fd, program)]
                for i, fd in enumerate(lifted):
                    os.dup2(fd, 3 + i, inheritable=i < 3)
                os.dup2(os.open("/dev/null", os.O_RDWR), 0)
                os.dup2(0, 1)
                os.dup2(log, 2)
                os.closerange(7, 8192)
                if self.descriptors:
                    resource.setrlimit(resource.RLIMIT_NOFILE,
                                       (self.descriptors,) * 2)
                _become(uid)
                os.execve(6, [self.role, "0"], {})
            finally:
                os._exit(99)
        for fd in (program, jail_fd, log):
            os.close(fd)
        return pid

    def __enter__(self):
        return self

    def __exit__(self, *what):
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.supervisor.close()
        for c in self.children:
            c.close()
        if what[0] is not None:
            print(self.log())

    # -- what supervisor gives

    def settings(self, own="", shared="", hostname="mx.example.org"):
        fds = []
        for text in (shared, own):
            fd = os.memfd_create("settings")
            os.write(fd, text.encode())
            fds.append(fd)
        self.supervisor.send(SETTINGS, 0, hostname.encode(), fds)
        for fd in fds:
            os.close(fd)

    def table(self, number, text):
        """enum stage_table in common/stage/stage.h."""
        fd = os.memfd_create("table")
        os.write(fd, text.encode())
        self.supervisor.send(TABLE, 0, bytes([number]), [fd])
        os.close(fd)

    def listener(self, name):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(512)
        s.setblocking(False)
        self.supervisor.send(LISTENER, 0, octets(name.encode()),
                             [s.fileno()])
        self.port = s.getsockname()[1]
        s.close()
        return self.port

    def channel(self, peer, instance=0):
        ours, theirs = pair()
        role = struct.pack("<BIQ", ROLES.index(peer), instance,
                           next(self.serials))
        self.supervisor.send(CHANNEL, 0, role, [theirs.fileno()])
        theirs.close()
        self.children.append(ours)
        return ours

    def commit(self):
        self.supervisor.send(COMMIT, 1)
        return self.supervisor.expect(READY)

    def stop(self):
        self.supervisor.send(STOP)

    def ended(self):
        """Wait for its end: the exit status, or minus the signal."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                self.pid = None
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        raise AssertionError("still running\n" + self.log())

    def running(self):
        return os.waitpid(self.pid, os.WNOHANG) == (0, 0)

    def log(self):
        return self.log_path.read_text()
