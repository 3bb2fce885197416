"""No space, no descriptors, no logger: a temporary refusal, alive, and well
again without a restart."""

import os
import smtplib
import socket
import subprocess
import sys
import threading
import time

import pytest

from support import disk
from support.instance import DOMAIN, PATIENCE
from support.ledger import Ledger
from support.load import Load, settle_and_audit

USERS = ["alice", "bob"]
MESSAGE = b"Subject: x\r\n\r\n" + b"y" * 60_000 + b"\r\n"
needs_disk = pytest.mark.skipif(disk.lacking() is not None,
                                reason=str(disk.lacking()))


def code_of_sending(instance, octets=MESSAGE):
    """The reply that ends a transaction: 250, or the refusal."""
    try:
        instance.send("a@example.net", [f"alice@{DOMAIN}"], octets)
        return 250
    except smtplib.SMTPRecipientsRefused as e:
        return next(iter(e.recipients.values()))[0]
    except smtplib.SMTPResponseException as e:
        return e.smtp_code


def await_code(instance, wanted, octets=MESSAGE):
    deadline = time.monotonic() + PATIENCE
    while (code := code_of_sending(instance, octets)) != wanted:
        assert code // 100 == 4 or code == 250, code
        assert time.monotonic() < deadline, (code, instance.tail())
        time.sleep(0.1)


@needs_disk
def test_the_spool_is_full(new_instance, tmp_path):
    with disk.Disk(tmp_path / "d", 40) as d:
        instance = new_instance(spool=d.path / "spool", users=USERS,
                                files={"queue-manager.conf":
                                       "segment_size = 1M\n"})
        instance.start()
        pids = instance.processes()
        assert code_of_sending(instance) == 250
        # With the deliveries held back the segments fill up.
        stopped = instance.kill("local-delivery", 19)
        filler = d.fill()
        codes = [code_of_sending(instance) for _ in range(60)]
        assert set(codes) <= {250, 451, 452, 421}, set(codes)
        assert codes[-1] in (451, 452), codes
        accepted = 1 + codes.count(250)
        filler.unlink()
        for pid in stopped:
            os.kill(pid, 18)
        await_code(instance, 250)
        instance.await_empty_queue()
        assert len(instance.messages("alice")) == accepted + 1
        assert all(m.endswith(b"y" * 60_000 + b"\n")
                   for m in instance.messages("alice"))
        left = [p for p in instance.processes()
                if p[1] != "local-delivery-worker"[:15]]
        assert set(left) <= set(pids) | set(left) and \
            {p for p in pids if p[1] != "local-delivery-worker"[:15]} <= \
            set(left), "somebody died"


@needs_disk
def test_the_mailboxes_are_full(new_instance, tmp_path):
    with disk.Disk(tmp_path / "d", 24) as d:
        instance = new_instance(
            mail=d.path / "mail", users=USERS,
            files={"queue-manager.conf": "retry_min = 1s\n"})
        instance.start()
        instance.send("a@example.net", [f"alice@{DOMAIN}"], MESSAGE)
        instance.await_mail("alice", 1)
        filler = d.fill()
        for _ in range(3):
            instance.send("a@example.net", [f"alice@{DOMAIN}"], MESSAGE)
        time.sleep(1)
        assert len(instance.maildir("alice")) == 1	# and none is half
        assert not instance.counters()["empty"]
        filler.unlink()
        instance.command("queue", "flush")
        assert len(instance.await_mail("alice", 4)) == 4
        counted = instance.await_empty_queue()
        assert counted["delivered"] == 4 and counted["bounced"] == 0


def limit_descriptors(pid, soft):
    """As the process's own uid, which is allowed to, wherever root is not."""
    uid = os.stat(f"/proc/{pid}").st_uid
    if uid == 0:		# not dumpable: the directory shows root
        with open(f"/proc/{pid}/status") as f:
            uid = int(next(l for l in f if l.startswith("Uid:")).split()[1])
    subprocess.run(
        [sys.executable, "-c",
         "import resource, sys\n"
         "pid, soft = map(int, sys.argv[1:])\n"
         "n = resource.RLIMIT_NOFILE\n"
         "hard = resource.prlimit(pid, n)[1]\n"
         "resource.prlimit(pid, n, (soft or hard, hard))\n",
         str(pid), str(soft)],
        check=True, user=uid, group=uid, extra_groups=[], cwd="/")


@pytest.mark.parametrize("stage", ["smtpd", "queue-manager",
                                   "local-delivery"])
def test_no_free_descriptors(new_instance, stage):
    """The stage waits, or refuses for now; it does not end, nothing that got
    its 250 is lost, and it goes on by itself when there are some again."""
    instance = new_instance(users=USERS).start()
    ledger = Ledger()
    assert code_of_sending(instance) == 250
    pids = instance.pids(stage)
    for pid in pids:
        limit_descriptors(pid, len(os.listdir(f"/proc/{pid}/fd")) + 2)
    with Load(instance, ledger, USERS, clients=12):
        time.sleep(2)
        if stage != "smtpd":	# which has answered 421 by itself
            instance.await_log(event="no-free-descriptor", stage=stage)
    for pid in instance.pids(stage):
        limit_descriptors(pid, 0)
    assert instance.pids(stage) == pids
    assert instance.supervisor.poll() is None
    await_code(instance, 250)
    for m in range(20):
        assert code_of_sending(instance) == 250
    instance.command("queue", "flush")
    # The messages of this test itself are no part of the ledger.
    counted = instance.await_empty_queue()
    assert counted["difference"] == 0 and counted["bounced"] == 0
    have = {u: b"\n".join(instance.messages(u)) for u in USERS}
    lost = [n for n in ledger.promised for u in ledger.recipients[n]
            if f"end of {n}\n".encode() not in have[u]]
    assert not lost, lost


class Logger:
    """A syslog that can go away and come again."""

    def __init__(self, path):
        self.path, self.lines = str(path), []
        self.socket = None
        self.start()

    def start(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        threading.Thread(target=self._read, args=(self.socket,),
                         daemon=True).start()

    def _read(self, s):
        while True:
            try:
                line = s.recv(8192)
            except OSError:
                return
            if not line:
                return
            self.lines.append(line.decode(errors="replace"))

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        os.unlink(self.path)

    def wait_for(self, text, start=0):
        deadline = time.monotonic() + PATIENCE
        while not any(text in l for l in self.lines[start:]):
            assert time.monotonic() < deadline, self.lines[-20:]
            time.sleep(0.05)


def test_the_logger_goes_and_comes_again(new_instance):
    instance = new_instance(users=USERS)
    path = instance.run.parent / (instance.run.name + ".log")
    logger = Logger(path)
    conf = (instance.conf / "bulkhead.conf").read_text()
    instance.write("bulkhead.conf", conf.replace(
        "log = stderr", f"log = syslog\nlog_socket = {path}"))
    try:
        instance.start()
        logger.wait_for("event=ready")
        assert code_of_sending(instance) == 250
        logger.wait_for("bulkhead-smtpd[")
        logger.stop()
        for _ in range(5):	# nobody waits for a logger
            began = time.monotonic()
            assert code_of_sending(instance) == 250
            assert time.monotonic() - began < 5
        seen = len(logger.lines)
        logger.start()
        deadline = time.monotonic() + PATIENCE
        while not any("bulkhead-smtpd[" in l for l in logger.lines[seen:]):
            assert time.monotonic() < deadline, logger.lines[-5:]
            assert code_of_sending(instance) == 250
            time.sleep(0.3)
        instance.await_empty_queue()
    finally:
        logger.stop()


@needs_disk
def test_a_full_spool_under_load(new_instance, tmp_path):
    """Full and not full again while clients never stop."""
    with disk.Disk(tmp_path / "d", 48) as d:
        instance = new_instance(
            spool=d.path / "spool", users=USERS,
            files={"queue-manager.conf": "segment_size = 1M\n"})
        instance.start()
        ledger = Ledger()
        with Load(instance, ledger, USERS, sizes=(2000, 30_000)):
            for _ in range(2):
                time.sleep(0.5)
                filler = d.fill()
                time.sleep(1)
                filler.unlink()
            time.sleep(1)
        _, doubled = settle_and_audit(instance, ledger, USERS)
        assert not doubled
