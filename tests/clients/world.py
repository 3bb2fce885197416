"""Doors: an instance as its users' programs meet it, every door with TLS and a
certificate of the test's own authority.  Desk: a person's home directory, and
the programs that are started there.
"""

import contextlib
import itertools
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import termios
import time
from pathlib import Path

import pytest

from support import pki
from support.instance import DOMAIN, Instance
from support.slots import Slot

# Nothing here is about speed: a client may take long on a busy machine.
PATIENCE = 240
UNPACKED = Path(os.environ.get("BULKHEAD_CLIENTS")
                or Path(__file__).resolve().parents[2] / "build/clients")
ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"


def program(name, where="usr/bin"):
    """A client, unpacked or installed; the test is skipped without it."""
    for path in UNPACKED / "root" / where / name, Path("/", where, name):
        if path.exists():
            return str(path)
    pytest.skip(f"{name} is neither installed nor unpacked: "
                "`make check-clients` could not get it from Debian")


def eventually(what, why, patience=PATIENCE):
    """Wait until what() is true, and give that back."""
    deadline = time.monotonic() + patience
    while not (answer := what()):
        assert time.monotonic() < deadline, why() if callable(why) else why
        time.sleep(0.05)
    return answer


def letter(number, body="A line.", subject=None):
    return (f"From: Sender <sender@example.net>\r\nTo: {ALICE}\r\n"
            f"Subject: {subject or f'letter {number}'}\r\n"
            f"Date: Fri, 13 Nov 2026 10:{number % 60:02}:00 +0000\r\n"
            f"Message-ID: <{number}@letters.example.net>\r\n"
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"\r\n{body}\r\n").encode()


def number_of(octets):
    """Which letter() is this?"""
    found = re.search(rb"^Message-ID: <(\d+)@letters", octets, re.M | re.I)
    return int(found[1]) if found else None


def taken(paths):
    """The numbers of letters in these files, which are removed."""
    numbers = []
    for path in paths:
        numbers.append(number_of(path.read_bytes()))
        path.unlink()
    return sorted(numbers)


class Doors(Instance):
    """The harness's doors speak STARTTLS, and beside them are those of
    implicit TLS and of submission."""

    def __init__(self, folder, **more):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        slot = Slot()
        self.imaps_port, self.pops_port, self.submission_port, \
            self.submissions_port = (slot.port(n) for n in range(3, 7))
        authority = pki.Authority("The authority of a test")
        chain, key = authority.leaf("localhost", f"mx.{DOMAIN}").write(folder)
        os.chmod(key, 0o600)
        self.ca = folder / "authority.pem"
        self.ca.write_text(authority.pem())
        files = {stage: self._listener(name, port, lines)
                 for stage, name, port, lines in (
                     ("imapd.conf", "imaps", self.imaps_port, ""),
                     ("pop3d.conf", "pop3s", self.pops_port, ""),
                     ("smtpd.conf", "submissions", self.submissions_port,
                      "\tservice = submission\n"))}
        files["smtpd.conf"] += (
            "listener submission {\n\tservice = submission\n"
            f"\taddress = 127.0.0.1:{self.submission_port}\n"
            "\ttls = required\n}\n")
        settings = more.pop("settings", "")
        super().__init__(folder / "instance", files=files, slot=slot,
                         settings=f"certificate doors {{\n\tchain = {chain}\n"
                         f"\tkey = {key}\n}}\n{settings}", **more)

    @staticmethod
    def _listener(name, port, lines):
        return (f"listener {name} {{\n\taddress = 127.0.0.1:{port}\n"
                f"\ttls = implicit\n{lines}}}\n")

    def start(self, wait=True):
        super().start(wait)
        self.await_log(n=4, event="certificate-in-use")
        return self

    @contextlib.contextmanager
    def phone(self, name="alice"):
        """The test's own view, by IMAP."""
        c = self.imap(name)
        try:
            yield c
        finally:
            c.logout()

    def put(self, numbers, folder="INBOX", flags="", name="alice", **more):
        with self.phone(name) as c:
            for n in numbers:
                ok(c.append(folder, flags, None, letter(n, **more)))

    def letters(self, folder="INBOX", name="alice"):
        """{number: flags} of the letters of a folder; two of one number are
        a mistake."""
        with self.phone(name) as c:
            return contents(c, folder)

    def folders(self, name="alice"):
        with self.phone(name) as c:
            return {re.search(rb' "?([^"]+)"?$', line)[1].decode()
                    for line in ok(c.list())}

    @contextlib.contextmanager
    def unchanged(self, *folders):
        """Nothing in these folders is touched meanwhile."""
        before = [self.status(f, "HIGHESTMODSEQ") for f in folders]
        yield
        assert before == [self.status(f, "HIGHESTMODSEQ") for f in folders]

    def status(self, folder, item, name="alice"):
        with self.phone(name) as c:
            [line] = ok(c.status(folder, f"({item})"))
            return int(re.search(rb"\((?:\S+) (\d+)\)", line)[1])


def ok(answer):
    assert answer[0] == "OK", answer
    return answer[1]


def contents(c, folder):
    """{number: flags}, of one moment: where another client expunges something
    meanwhile, it is asked again."""
    while True:
        ok(c.select(folder, readonly=True))
        if not ok(c.search(None, "ALL"))[0]:
            return {}
        status, items = c.fetch("1:*", "(FLAGS BODY.PEEK[HEADER])")
        if status == "OK":
            break
        assert b"EXPUNGEISSUED" in items[-1], items
    found = {}
    for item in items:
        if not isinstance(item, tuple):
            continue
        number = number_of(item[1])
        assert number not in found, f"{number} is there twice"
        flags = re.search(rb"FLAGS \(([^)]*)\)", item[0])[1].decode().split()
        found[number] = {f for f in flags if f != "\\Recent"}
    return found


class Desk:
    """A home directory, and programs that see no other.  They run as root, or
    as the uid that own() names."""

    def __init__(self, doors):
        # Where every uid comes to: pytest's folders are root's alone.
        self.home = Path(tempfile.mkdtemp(prefix="bh-desk-"))
        os.chmod(self.home, 0o711)
        self.uid = 0
        self.started = []
        self.numbers = itertools.count()
        self.ca = self.write("authority.pem", doors.ca.read_text(), 0o644)
        self.env = {"HOME": str(self.home), "PATH": "/usr/bin:/bin",
                    "LC_ALL": "C.UTF-8", "TERM": "xterm", "USER": "alice",
                    "TMPDIR": str(self.home), "TZ": "UTC"}
        # For what is unpacked and not installed.  Chromium's libpulse has a
        # library of its own in a folder of its own.
        arch = sysconfig.get_config_var("MULTIARCH")
        self.libraries = {"LD_LIBRARY_PATH": ":".join(
            str(UNPACKED / "root" / d) for d in (
                f"usr/lib/{arch}", f"lib/{arch}",
                f"usr/lib/{arch}/pulseaudio"))}

    def own(self, uid):
        """For clients that refuse to run as root."""
        self.uid = uid
        for where, _, names in os.walk(self.home):
            for path in where, *(os.path.join(where, n) for n in names):
                os.chown(path, uid, uid)

    def write(self, name, text, mode=0o600):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.chmod(path, mode)
        os.chown(path, self.uid, self.uid)
        return path

    def run(self, *command, status=(0,), **env):
        """Run to its end; its output, both kinds."""
        child = self.begin(*command, **env)
        try:
            code = child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = "no end"
        finally:
            self.end(child)
        text = child.log.read_text(errors="replace")
        assert code in status, f"{command}: {code}\n{text[-6000:]}"
        return text

    def begin(self, *command, **env):
        """Start it in a group of its own, which end() ends."""
        log = self.home / f"output-{next(self.numbers)}"
        with open(log, "wb") as out:
            child = subprocess.Popen(
                [str(c) for c in command], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, cwd=self.home,
                user=self.uid,
                group=self.uid, extra_groups=[], env={**self.env, **env},
                start_new_session=True)
        child.log = log
        self.started.append(child)
        return child

    @staticmethod
    def end(child):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def processes(self):
        """Of this home, also those that left the group of their parent."""
        mark = f"HOME={self.home}".encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                text = Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue
            if mark in text.split(b"\0"):
                yield int(pid)

    def close(self):
        for child in self.started:
            self.end(child)

        def gone():
            left = list(self.processes())
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not left

        eventually(gone, "programs outlive SIGKILL")
        shutil.rmtree(self.home, ignore_errors=True)


class Terminal:
    """A program on a terminal of its own: keys in, what it paints out."""

    def __init__(self, desk, *command):
        self.painted = self.all = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(desk.home)
                os.execve(command[0], [str(c) for c in command], desk.env)
            finally:
                os._exit(127)
        termios.tcsetwinsize(self.fd, (40, 120))

    def read(self, seconds=0.1):
        """False: it has ended."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            octets = os.read(self.fd, 65536)
        except OSError:
            return False
        self.painted += octets
        self.all += octets
        return bool(octets)

    def await_text(self, text):
        """Until it is painted; what came before is forgotten."""
        deadline = time.monotonic() + PATIENCE
        while (at := self.painted.find(text)) < 0:
            alive = self.read()
            assert alive and time.monotonic() < deadline, (
                f"{text} is not shown: {self.painted[-3000:]}")
        self.painted = self.painted[at + len(text):]

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def await_end(self, keys=""):
        """Its exit status.  keys are pressed again and again: one that comes
        together with news from the server may be lost in the program."""
        deadline = time.monotonic() + PATIENCE
        again = time.monotonic() + 5
        while self.read():
            assert time.monotonic() < deadline, self.painted[-3000:]
            if keys and time.monotonic() > again:
                self.press(keys)
                again += 5
        pid, self.pid = self.pid, None
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def close(self):
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = None
        os.close(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
