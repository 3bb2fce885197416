"""A Bulkhead of the test's own: one configuration directory, directories,
ports and uids that nobody else has, started, watched and stopped.

    with Instance(folder) as i:
        i.add_user("alice", "secret")
        i.start()
        i.send("a@example.net", ["alice@example.org"], message)
        i.await_mail("alice", 1)

stop() asserts what every test wants to know: no process is left, and no
sanitizer has found anything.
"""

import ctypes
import imaplib
import os
import poplib
import re
import secrets
import shutil
import signal
import smtplib
import subprocess
import tempfile
import time
from pathlib import Path

from . import logs
from .slots import Slot, uids_in_use

BUILD = Path(os.environ.get("BULKHEAD_BUILD")
             or Path(__file__).resolve().parents[2] / "build" / "gcc")
SANITIZED = bool(os.environ.get("BULKHEAD_SANITIZE"))
# A sanitizer build on two busy cores is slow; waiting longer costs nothing.
PATIENCE = 60 if SANITIZED else 30
DOMAIN = "example.org"
COUNTERS = re.compile(r"^-- recipients: .*$", re.M)
PAIR = re.compile(r"(accepted|delivered|bounced|expired|deleted|held|queued) "
                  r"(\d+)")
ACCOUNT_UID = 1000		# from uid_base: account 0, were there one

FILES = {
    "queue-manager.conf": "",
    "local-delivery.conf": "",
    "remote-relay.conf": "",
    "resolver.conf": "",
    "directory.conf": "",
    "authd.conf": "",
}


def crypt(password, salt):
    lib = ctypes.CDLL("libcrypt.so.1")
    lib.crypt.restype = ctypes.c_char_p
    return lib.crypt(password.encode(), salt.encode()).decode()


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)	# PR_SET_PDEATHSIG


class Instance:
    def __init__(self, folder, files=None, settings="", program_dir=None,
                 spool=None, mail=None, users=("alice", "bob"), slot=None):
        self.folder = Path(folder)
        self.conf = self.folder / "etc"
        self.spool = Path(spool or self.folder / "spool")
        self.mail = Path(mail or self.folder / "mail")
        self.run = Path(tempfile.mkdtemp(prefix="bh-run-"))
        self.log_path = self.folder / "log"
        self.programs = Path(program_dir or BUILD / "bin")
        self.slot = slot or Slot()
        self.supervisor = None
        self.accounts = {}
        self.expect_failures = False
        self.smtp_port, self.pop_port, self.imap_port = (
            self.slot.port(i) for i in range(3))
        self._configure(files or {}, settings)
        for name in users:
            self.add_user(name, f"{name}-secret")

    # -- configuration

    def _configure(self, files, settings):
        self.conf.mkdir(parents=True, exist_ok=True)
        os.chmod(self.conf, 0o700)
        texts = dict(FILES)
        texts["bulkhead.conf"] = (
            f"hostname = mx.{DOMAIN}\n"
            f"spool_dir = {self.spool}\n"
            f"mail_root = {self.mail}\n"
            f"run_dir = {self.run}\n"
            f"state_dir = {self.folder / 'state'}\n"
            f"program_dir = {self.programs}\n"
            f"log = stderr\n"
            f"uid_base = {self.slot.uid_base}\n"
            f"system_users = no\n{settings}")
        for stage, name, port in (("smtpd", "smtp", self.smtp_port),
                                  ("pop3d", "pop3", self.pop_port),
                                  ("imapd", "imap", self.imap_port)):
            texts[f"{stage}.conf"] = (
                f"listener {name} {{\n\taddress = 127.0.0.1:{port}\n}}\n")
        texts["domains"] = DOMAIN + "\n"
        texts["aliases"] = ""
        texts["users"] = ""
        texts["passwords"] = ""
        for name, text in files.items():
            # A stage's text is added to the standard one, a table's replaces.
            texts[name] = (texts.get(name, "") if name.endswith(".conf")
                           else "") + text
        for name, text in texts.items():
            self.write(name, text)

    def write(self, name, text):
        """Replace a file of the configuration as an editor would."""
        new = self.conf / f".{name}.new"
        new.write_text(text)
        os.chmod(new, 0o600)
        os.replace(new, self.conf / name)

    def add_user(self, name, password=None, domain=DOMAIN):
        """As `bulkhead user add` does, without its deliberate slowness."""
        number = len(self.accounts) + 1
        salt = "$5$rounds=1000$" + secrets.token_hex(8)
        hashed = crypt(password or f"{name}-secret", salt)
        with open(self.conf / "users", "a") as f:
            f.write(f"{name}@{domain} {number}\n")
        with open(self.conf / "passwords", "a") as f:
            f.write(f"{number} {hashed} -\n")
        self.accounts[name] = number
        return number

    def uid(self, name):
        return self.slot.uid_base + ACCOUNT_UID + self.accounts[name]

    # -- life

    def start(self, wait=True):
        assert self.supervisor is None
        log = open(self.log_path, "ab")
        self.log_start = log.tell()
        ready, told = os.pipe()
        self.supervisor = subprocess.Popen(
            [self.programs / "supervisor", "-f", "-C", self.conf,
             "-r", str(told)], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, pass_fds=[told], preexec_fn=_die_with_parent)
        os.close(told)
        log.close()
        with os.fdopen(ready) as f:
            word = f.readline().strip() if wait else "READY"
        if word != "READY":
            status = self.supervisor.wait(timeout=PATIENCE)
            self.supervisor = None
            raise AssertionError(
                f"supervisor did not start ({status}): {word}\n" + self.tail())
        return self

    def stop(self):
        """Stop as an operator does; all must be gone."""
        if self.supervisor is None:
            return
        self.supervisor.terminate()
        try:
            status = self.supervisor.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            left = self.processes()
            self.kill_all()
            raise AssertionError(f"did not stop: {left}\n{self.tail()}")
        self.supervisor = None
        left = self.await_no_process()
        assert not left, f"left behind: {left}\n{self.tail()}"
        assert status == 0, f"supervisor ended with {status}\n{self.tail()}"
        self.check_log()

    def kill_all(self):
        """The whole instance at once, as an out-of-memory killer might."""
        if self.supervisor is not None:
            self.supervisor.kill()	# first: it starts no more
            self.supervisor.wait()
            self.supervisor = None
        for n in range(3):
            # One that supervisor had just begun is root's for a moment.
            time.sleep(0.05 if n else 0)
            for pid, _ in self.processes():
                try:
                    os.kill(pid, signal.SIGKILL)
                    if os.getpid() == 1:	# orphans come to us
                        os.waitpid(pid, 0)
                except (ProcessLookupError, ChildProcessError):
                    pass
        left = self.await_no_process()
        assert not left, f"outlived SIGKILL: {left}"

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        try:
            self.stop()
        finally:
            if self.supervisor is not None:
                self.kill_all()
            shutil.rmtree(self.run, ignore_errors=True)
            # 64 MiB each time; the disk is for the next test.
            shutil.rmtree(self.spool / "segments", ignore_errors=True)
            self.slot.free()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.close()
            return
        try:
            self.close()
        except AssertionError:
            pass		# the first failure is the one to see

    # -- processes

    def processes(self):
        """(pid, program) of all but supervisor."""
        return sorted(uids_in_use(self.slot.uids(self.slot.number)))

    def await_no_process(self):
        deadline = time.monotonic() + PATIENCE
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left

    def pids(self, program):
        """Pids of a program; supervisor's own lines say which is which."""
        wanted = str(self.programs / program)
        found = []
        for pid, _ in self.processes():
            try:
                exe = os.readlink(f"/proc/{pid}/exe")
            except OSError:
                continue
            if exe == os.path.realpath(wanted):
                found.append(pid)
        return found

    def kill(self, program, sig=signal.SIGKILL):
        pids = self.pids(program)
        for pid in pids:
            try:
                os.kill(pid, sig)
            except ProcessLookupError:
                pass
        return pids

    def command(self, *args, input=None, check=False):
        """bulkhead(8) for this instance."""
        return subprocess.run(
            [BUILD / "bin" / "bulkhead", "-C", self.conf, *map(str, args)],
            input=input, stdin=None if input else subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE, check=check)

    def counters(self):
        """The conservation law as `bulkhead queue list` prints it; "empty"
        says whether nothing waits.  None: queue-manager is not ready."""
        r = self.command("queue", "list")
        sums = COUNTERS.search(r.stdout)
        if r.returncode != 0 or sums is None:
            return None
        counted = {k: int(v) for k, v in PAIR.findall(sums[0])}
        counted["empty"] = "The queue is empty." in r.stdout
        counted["difference"] = counted["accepted"] - sum(
            counted[k] for k in ("delivered", "bounced", "expired", "deleted",
                                 "held", "queued"))
        return counted

    def await_empty_queue(self, patience=None):
        deadline = time.monotonic() + (patience or PATIENCE)
        while True:
            counted = self.counters()
            if counted is not None and \
                    counted["queued"] == 0:
                return counted
            assert time.monotonic() < deadline, (
                f"the queue does not empty: {counted}\n"
                f"{self.command('queue', 'list').stdout[:1500]}\n"
                f"{self.tail()}")
            time.sleep(0.02)

    # -- log

    def log(self, **fields):
        """Log lines that have all these fields."""
        return [l for l in logs.read(self.log_path)
                if all(l.get(k) == str(v) for k, v in fields.items())]

    def await_log(self, n=1, **fields):
        deadline = time.monotonic() + PATIENCE
        while len(found := self.log(**fields)) < n:
            assert time.monotonic() < deadline, (
                f"{len(found)} of {n} lines with {fields}\n{self.tail()}")
            time.sleep(0.02)
        return found

    def tail(self, lines=30):
        """The end of the log, without what is only daily work."""
        text = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join([l for l in text if "level=info" not in l][-lines:])

    def check_log(self):
        found = logs.sanitizer_reports(self.log_path)
        assert not found, "\n".join(found) + "\n" + self.tail(200)
        # A call outside of a process's list is always a mistake of ours.
        if not self.expect_failures:
            bad = [l for l in logs.read(self.log_path)
                   if l.get("signal") in ("31", "11", "6", "SIGSYS",
                                          "SIGSEGV", "SIGABRT")]
            assert not bad, f"died: {bad}\n{self.tail(100)}"

    # -- clients

    def smtp(self, timeout=PATIENCE):
        return smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=timeout,
                            local_hostname="client.example.net")

    def pop(self, name=None):
        c = poplib.POP3("127.0.0.1", self.pop_port, timeout=PATIENCE)
        if name:
            c.user(f"{name}@{DOMAIN}")
            c.pass_(f"{name}-secret")
        return c

    def imap(self, name=None):
        c = imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=PATIENCE)
        if name:
            c.login(f"{name}@{DOMAIN}", f"{name}-secret")
        return c

    def send(self, reverse_path, recipients, message):
        """One transaction; returns the recipients that were refused.  While
        queue-manager is away the answer is 451 4.3.0: try again, as every
        client would."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with self.smtp() as c:
                    return c.sendmail(reverse_path, recipients, message)
            except smtplib.SMTPDataError as e:
                if b"Queue not available" not in e.smtp_error or \
                        time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    # -- mailboxes

    def home(self, name):
        return self.mail / str(self.accounts[name])

    def maildir(self, name, folder=""):
        """Names of the messages of a folder, as any program would see them."""
        found = []
        for sub in ("new", "cur"):
            where = self.home(name) / "Maildir" / folder / sub
            if where.is_dir():
                found += sorted(where.iterdir())
        return found

    def messages(self, name):
        return [p.read_bytes() for p in self.maildir(name)]

    def await_mail(self, name, n):
        deadline = time.monotonic() + PATIENCE
        while len(found := self.maildir(name)) < n:
            assert time.monotonic() < deadline, (
                f"{len(found)} of {n} messages for {name}\n{self.tail()}")
            time.sleep(0.02)
        return found
