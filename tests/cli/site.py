"""A configuration directory that no supervisor has been started for."""

import os
import pty
import re
import select
import subprocess
from pathlib import Path

from support.instance import BUILD, SANITIZED

PATIENCE = 120 if SANITIZED else 60
QUESTION = re.compile(rb"(?:Password for \S+|The same again): ")
PROGRAMS = ("supervisor", "smtpd", "queue-manager", "local-delivery",
            "local-delivery-worker", "local-delivery-runner",
            "directory", "authd", "authd-verifier",
            "authd-pam", "pop3d", "pop3d-session", "imapd", "imapd-session",
            "remote-relay", "resolver", "tlskeyd", "milterd")


class Site:
    """An instance on paper, and bulkhead(8) for it."""
    # Ports below those that the kernel gives to clients, and no slot's.

    def __init__(self, folder):
        self.folder = Path(folder)
        self.conf = self.folder / "etc"
        self.conf.mkdir(mode=0o755)
        self.run = self.folder / "run"
        self.write("bulkhead.conf",
                   "hostname = mx.example.org\n"
                   f"spool_dir = {self.folder}/spool\n"
                   f"mail_root = {self.folder}/mail\n"
                   f"run_dir = {self.run}\n"
                   f"state_dir = {self.folder}/state\n"
                   f"program_dir = {self._programs()}\n"
                   "uid_base = 3200000000\n"
                   "system_users = no\n")
        for stage, name, port in (("smtpd", "smtp", 19025),
                                  ("pop3d", "pop3", 19110),
                                  ("imapd", "imap", 19143)):
            self.write(f"{stage}.conf", f"listener {name} {{\n"
                       f"\taddress = 127.0.0.1:{port}\n}}\n")
        self.write("domains", "example.org\n")
        self.write("aliases", "root: alice\n")

    def _programs(self):
        """A folder with every program; nothing here is ever started."""
        folder = self.folder / "programs"
        folder.mkdir(mode=0o755)
        for name in PROGRAMS:
            (folder / name).symlink_to("/bin/false")
        return folder

    def write(self, name, text, mode=0o644):
        path = self.conf / name
        path.write_text(text)
        os.chmod(path, mode)
        return path

    def add(self, name, text):
        return self.write(name, (self.conf / name).read_text() + text)

    def bulkhead(self, *args, input="", **more):
        return subprocess.run(
            [BUILD / "bin" / "bulkhead", "-C", self.conf, *args],
            input=input, capture_output=True, text=True, timeout=PATIENCE,
            **more)

    def add_user(self, name, password="correct horse"):
        done = self.bulkhead("user", "add", name, input=password + "\n")
        assert done.returncode == 0, done.stderr
        return done


def on_terminal(command, answers):
    """Run a command on a terminal of its own, answering its
    questions in turn.  Returns its status and all that the terminal showed."""
    pid, fd = pty.fork()
    if pid == 0:
        try:
            os.execv(command[0], [str(c) for c in command])
        finally:
            os._exit(127)
    shown, asked = b"", 0
    while select.select([fd], [], [], PATIENCE)[0]:
        try:
            more = os.read(fd, 4096)
        except OSError:
            break
        if not more:
            break
        shown += more
        if len(QUESTION.findall(shown)) > asked:
            os.write(fd, answers[asked].encode() + b"\n")
            asked += 1
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    return os.waitstatus_to_exitcode(status), shown.decode()
