"""What a program named in ~/.forward, and so a captured runner, gets: the
rights of its user and nothing else."""

import os
import shutil
import time

import pytest

from support.instance import BUILD, DOMAIN, PATIENCE
from .test_forward import until
from .world import MESSAGE

ATTACKER = r'''#!/usr/bin/python3
import ctypes, errno, os, signal, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
spool, mail, passwords, control, victim, above, home = sys.argv[1:]
victim, above = int(victim), int(above)

def call(name, *args):
    ctypes.set_errno(0)
    if getattr(libc, name)(*args) == -1:
        raise OSError(ctypes.get_errno(), name)

def read(path):
    with open(path, "rb") as f:
        f.read(1)

def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)

# In /proc, which is the host's; among its own the runner is process 1.
runner = next(int(l.split()[1]) for l in open("/proc/self/status")
              if l.startswith("PPid"))
# One of them reads the list itself.
extra = [f for f in os.listdir("/proc/self/fd") if int(f) > 2][1:]
ATTACKS = [
    ("spool", "list", lambda: os.listdir(spool)),
    ("spool", "by /proc", lambda: os.listdir(f"/proc/{victim}/root")),
    ("mail", "another's mailbox", lambda: os.listdir(mail)),
    ("passwords", "the table", lambda: read(passwords)),
    ("passwords", "/etc/shadow", lambda: read("/etc/shadow")),
    ("control", "connect", lambda: connect(control)),
    ("signal", "a stage", lambda: os.kill(victim, 9)),
    ("signal", "supervisor", lambda: os.kill(above, 9)),
    ("memory", "a stage", lambda: read(f"/proc/{victim}/mem")),
    ("memory", "the runner", lambda: read(f"/proc/{runner}/mem")),
    ("descriptors", "the runner's", lambda: os.listdir(f"/proc/{runner}/fd")),
    ("descriptors", "more than three", lambda: None if extra else
        os.fstat(99)),
    ("ptrace", "the runner", lambda: call("ptrace", 16, os.getppid(), 0, 0)),
    ("root", "setuid", lambda: os.setuid(0)),
    ("root", "setgroups", lambda: os.setgroups([0])),
    ("root", "chroot", lambda: os.chroot(home)),
    ("root", "mount", lambda: call("mount", b"x", home.encode(), b"tmpfs", 0, None)),
    ("root", "set-uid program", lambda: os.stat("/bin/su") and
        (_ for _ in ()).throw(OSError(errno.EPERM, "")) if
        os.system("su -c true </dev/null >/dev/null 2>&1") else None),
    ("kernel", "user namespace", lambda: call("unshare", 0x10000000)),
    ("kernel", "bpf", lambda: call("syscall", 321, 0, None, 0)),
    ("kernel", "io_uring", lambda: call("syscall", 425, 1, None)),
    ("kernel", "keyctl", lambda: call("syscall", 250, 0, 0, 0, 0, 0)),
]
with open(home + "/out.new", "w") as out:
    for asset, what, act in ATTACKS:
        try:
            act()
            word = "BREACH"
        except OSError as e:
            word = errno.errorcode.get(e.errno, str(e.errno))
        out.write(f"{asset}\t{what}\t{word}\n")
os.rename(home + "/out.new", home + "/out")
'''


def test_a_program_gets_what_its_user_has(world):
    w = world()
    w.put("walt", "attack", ATTACKER, mode=0o700)
    victim = w.i.pids("queue-manager")[0]
    with open(f"/proc/{victim}/status") as f:
        supervisor = next(l.split()[1] for l in f if l.startswith("PPid"))
    (w.i.home("bob") / "Maildir").mkdir(parents=True)
    os.chmod(w.i.home("bob"), 0o700)
    w.forward("walt", f"|{w.home('walt')}/attack {w.i.spool} "
              f"{w.i.home('bob')} {w.i.conf / 'passwords'} "
              f"{w.i.run / 'control'} {victim} {supervisor} {w.home('walt')}\n")
    w.send("walt")
    out = w.home("walt") / "out"
    until(out.exists, "no result", w)
    rows = [l.split("\t") for l in out.read_text().splitlines()]
    for asset, what, word in rows:
        print(f"{asset:12} {what:20} {word}")
    assert len(rows) == 22
    assert not [r for r in rows if r[2] == "BREACH"], rows
    assert victim in w.i.pids("queue-manager")


def captured(world, text):
    """A host on which the runner is the attacker's program."""
    w = world(start=False, files={"local-delivery.conf": text,
                                  "queue-manager.conf": "retry_min = 1s\n"
                                                        "retry_max = 1s\n"})
    shutil.copy(BUILD / "bin" / "tests-breach-attacker",
                w.where / "bin" / "local-delivery-runner")
    w.i.expect_failures = True
    w.i.start()
    return w


def test_forged_answers_fell_nobody(world):
    w = captured(world, "#forge\n")
    others = {p for p in w.i.processes() if "runner" not in p[1]}
    w.forward("walt", f"alice@{DOMAIN}\n")
    for _ in range(5):
        w.send("walt")
    w.i.await_log(20, event="forged")
    fallen = {p for p in others if p[1] != "local-delivery-"} - \
        set(w.i.processes())
    assert not fallen, f"{fallen} fell\n{w.i.tail()}"
    # Nothing is lost, and others get their mail.
    assert not w.i.send("a@example.net", [f"bob@{DOMAIN}"], MESSAGE)
    w.i.await_mail("bob", 1)
    until(lambda: w.i.counters()["queued"] == 5, "not five", w)
    assert w.i.counters()["difference"] == 0
