"""An instance of its own for the demonstration: directories, ports and uids
that nobody else has; and what can be seen of it from outside."""

import os
import random
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

DOMAIN = "harbour.example"
UIDS = 65536
PATIENCE = 60


class Failure(Exception):
    """A step of the tour went wrong."""


class Ship:
    def __init__(self, build, domain=DOMAIN):
        self.domain = domain
        parent = os.environ.get("BULKHEAD_DEMO_DIR", "/var/tmp")
        os.makedirs(parent, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="bulkhead-demo.",
                                            dir=parent))
        os.chmod(self.folder, 0o755)
        self.conf = self.folder / "etc"
        self.conf.mkdir(mode=0o755)
        self.log_path = self.folder / "log"
        self.tool = Path(build) / "bin" / "bulkhead"
        self.programs = self._programs(Path(build) / "bin")
        self.ports = dict(zip(("smtp", "pop3", "imap"), free_ports(3)))
        self.passwords = {}
        self.process = None
        self.log = None
        self.uid_base = None

    def _programs(self, built):
        """The daemons must be root's, whoever owns the clone."""
        folder = self.folder / "programs"
        folder.mkdir(mode=0o755)
        for program in built.iterdir():
            if program.is_file():
                shutil.copyfile(program, folder / program.name)
                os.chmod(folder / program.name, 0o755)
        return folder

    def address(self, name):
        return f"{name}@{self.domain}"

    # -- configuration

    def write(self, name, text):
        path = self.conf / name
        path.write_text(text)
        os.chmod(path, 0o644)

    def configure(self):
        self.write("domains", f"{self.domain}\n")
        self.write("aliases", "root: alice\n")
        for file, kind in (("smtpd", "smtp"), ("pop3d", "pop3"),
                           ("imapd", "imap")):
            self.write(f"{file}.conf", f"listener {kind} {{\n"
                       f"\taddress = 127.0.0.1:{self.ports[kind]}\n}}\n")
        for base in uid_bases():
            self.uid_base = base
            self.write("bulkhead.conf",
                       f"hostname = mx.{self.domain}\n"
                       f"spool_dir = {self.folder}/spool\n"
                       f"mail_root = {self.folder}/mail\n"
                       f"state_dir = {self.folder}/state\n"
                       f"run_dir = {self.folder}/run\n"
                       f"program_dir = {self.programs}\n"
                       "log = stderr\n"
                       f"uid_base = {base}\n"
                       "system_users = no\n")
            said = self.bulkhead("check").stderr
            if "choose another uid_base" not in said:
                return
        raise Failure("no free range of uids on this host:\n" + said)

    def bulkhead(self, *args, input=None):
        return subprocess.run([self.tool, "-C", self.conf, *args],
                              input=input or "", capture_output=True,
                              text=True, timeout=PATIENCE)

    def shown(self, *args):
        """The command as a person would type it."""
        return shlex.join(["bulkhead", "-C", str(self.conf), *args])

    def must(self, *args, input=None):
        done = self.bulkhead(*args, input=input)
        if done.returncode != 0:
            raise Failure(f"bulkhead {' '.join(args)}: status "
                          f"{done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def add_user(self, name):
        self.passwords[name] = secrets.token_urlsafe(9)
        return self.must("user", "add", self.address(name),
                         input=self.passwords[name] + "\n").stdout.strip()

    # -- life

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.tool, "-C", self.conf, "start", "-f"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.log = Log(self.log_path)
        deadline = time.monotonic() + PATIENCE
        while self.bulkhead("status").returncode != 0:
            if self.process.poll() is not None:
                raise Failure("it did not start:\n" + self.tail())
            if time.monotonic() > deadline:
                raise Failure("not ready in time:\n" + self.tail())
            time.sleep(0.05)

    def status(self):
        """(process, pid, uid, account) of every process."""
        rows = []
        for line in self.must("status").stdout.splitlines()[1:]:
            f = line.split()
            rows.append((f[0], f[2], f[3], f[6]))
        return rows

    def tail(self, lines=30):
        if not self.log_path.exists():
            return ""
        text = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join(text[-lines:])

    def stop(self):
        """Returns the processes that are left: none, unless all is lost."""
        if self.process is not None and self.process.poll() is None:
            self.bulkhead("stop")
            try:
                self.process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.log is not None:
            self.log.close()
            self.log = None
        deadline = time.monotonic() + 5
        while (left := self.left()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def left(self):
        ours = range(self.uid_base or 0, (self.uid_base or -UIDS) + UIDS)
        return [pid for pid in os.listdir("/proc") if pid.isdigit()
                and uid_of(pid) in ours]

    # -- mailboxes

    def home(self, name):
        number = next(line.split()[1] for line in
                      (self.conf / "users").read_text().splitlines()
                      if line.startswith(self.address(name)))
        return self.folder / "mail" / number

    def await_message(self, name, count):
        where = self.home(name) / "Maildir"
        deadline = time.monotonic() + PATIENCE
        while True:
            found = [p for sub in ("new", "cur") if (where / sub).is_dir()
                     for p in (where / sub).iterdir()]
            if len(found) >= count:
                return max(found, key=lambda p: p.stat().st_mtime_ns)
            if time.monotonic() > deadline:
                raise Failure(f"nothing came for {name}:\n" + self.tail())
            time.sleep(0.02)


class Log:
    """Follows the log; notes the uid of a line's process while it lives."""

    def __init__(self, path):
        self.path, self.lines, self.ended = path, [], False
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self):
        with open(self.path, errors="replace") as f:
            rest = ""
            while not self.ended:
                more = f.read()
                if not more:
                    time.sleep(0.01)
                    continue
                *whole, rest = (rest + more).split("\n")
                for text in whole:
                    fields = dict(
                        (k, v.strip('"')) for k, v in
                        re.findall(r'([\w-]+)=("(?:\\.|[^"\\])*"|\S*)', text))
                    fields["uid"] = uid_of(fields.get("pid", ""))
                    self.lines.append(fields)

    def about(self, queue_id):
        return [l for l in self.lines if l.get("queue") == queue_id]

    def await_event(self, queue_id, stage):
        deadline = time.monotonic() + PATIENCE
        while not any(l.get("stage") == stage for l in self.about(queue_id)):
            if time.monotonic() > deadline:
                raise Failure(f"no line of {stage} about {queue_id}")
            time.sleep(0.02)

    def await_line(self, n=1, **fields):
        """The last line that has all of these, when there are n."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = [l for l in self.lines
                     if all(l.get(k) == v for k, v in fields.items())]
            if len(found) >= n:
                return found[-1]
            if time.monotonic() > deadline:
                raise Failure(f"{len(found)} of {n} lines in the log with "
                              f"{fields}")
            time.sleep(0.02)

    def close(self):
        self.ended = True
        self.thread.join()


def uid_of(pid):
    try:
        return os.stat(f"/proc/{pid}").st_uid if pid else None
    except OSError:
        return None


def free_ports(count):
    """Unprivileged, on loopback, below those that the kernel gives away."""
    found = []
    for port in random.sample(range(10000, 30000), 2000):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise Failure("no free ports on loopback")


def uid_bases():
    """Places for a range of uids: within what this user namespace has."""
    spaces = []
    with open("/proc/self/uid_map") as f:
        for line in f:
            first, _, count = map(int, line.split())
            spaces.append((max(first, 65536), first + count))
    wide = [(max(a, 600_000_000), min(b, 1_500_000_000)) for a, b in spaces]
    for a, b in [s for s in wide if s[1] - s[0] > UIDS] or spaces:
        for _ in range(50):
            if b - a > UIDS:
                yield random.randrange(a, b - UIDS + 1, 1)
