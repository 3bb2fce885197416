"""A host of the test's own with system users: an /etc/passwd that only this
instance sees (a mount namespace of its supervisor's), with homes in which the
tests put .forward files."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

from support.instance import BUILD, DOMAIN, Instance

NOBODY = 62100		# uids of the users; nobody has them


class World:
    def __init__(self, folder, users=("walt", "rita"), shell="/bin/sh",
                 settings="", files=None):
        # Where every uid can go.
        self.where = Path(tempfile.mkdtemp(prefix="bh-forward-"))
        os.chmod(self.where, 0o755)
        self.uids = {}
        self.i = Instance(folder, settings="system_uid_min = 1000\n"
                          "system_uid_max = 70000\n" + settings,
                          files=files, program_dir=self._programs())
        lines = [l for l in open("/etc/passwd")]
        for n, name in enumerate(users):
            uid = NOBODY + self.i.slot.number * 10 + n
            assert uid < 65534
            self.uids[name] = uid
            lines.append(f"{name}:x:{uid}:{uid}::{self.home(name)}:{shell}\n")
            self.home(name).mkdir()
            os.chown(self.home(name), uid, uid)
        (self.where / "passwd").write_text("".join(lines))
        conf = (self.i.conf / "bulkhead.conf").read_text()
        self.i.write("bulkhead.conf", conf.replace("system_users = no",
                                                   "system_users = yes"))

    def _programs(self):
        programs = self.where / "bin"
        shutil.copytree(BUILD / "bin", programs,
                        ignore=shutil.ignore_patterns("tests-*"))
        os.rename(programs / "supervisor", self.where / "supervisor")
        (programs / "supervisor").write_text(
            "#!/bin/sh\nexec unshare --mount --propagation private sh -c '"
            f"mount --bind {self.where}/passwd /etc/passwd && "
            f"exec {self.where}/supervisor \"$@\"' sh \"$@\"\n")
        os.chmod(programs / "supervisor", 0o755)
        return programs

    def home(self, name):
        return self.where / f"home-{name}"

    def put(self, name, file, text, mode=0o600, owner=None):
        """A file of the user's, in the user's home."""
        path = self.home(name) / file
        path.write_text(text)
        uid = self.uids[name] if owner is None else owner
        os.chown(path, uid, uid)
        os.chmod(path, mode)
        return path

    def forward(self, name, text, **more):
        return self.put(name, ".forward", text, **more)

    def script(self, name, file, text):
        return self.put(name, file, "#!/bin/sh\n" + text, mode=0o700)

    def send(self, name, message=None, sender="a@example.net", detail=""):
        to = f"{name}{'+' + detail if detail else ''}@{DOMAIN}"
        assert not self.i.send(sender, [to], message or MESSAGE)

    def maildir(self, name):
        found = []
        for sub in ("new", "cur"):
            d = self.i.mail / f"u{self.uids[name]}" / "Maildir" / sub
            if d.is_dir():
                found += sorted(d.iterdir())
        return found

    def pids(self, program):
        """Of a program of the suite, whoever it runs as: a runner has its
        user's uid, which is none of the instance's."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.readlink(f"/proc/{entry}/exe") == \
                        os.path.realpath(self.i.programs / program):
                    found.append(int(entry))
            except OSError:
                continue
        return found

    def kill(self, program):
        killed = self.pids(program)
        for pid in killed:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return killed

    def close(self):
        try:
            self.i.close()
        finally:
            shutil.rmtree(self.where, ignore_errors=True)


MESSAGE = ("From: a@example.net\r\nSubject: x\r\n\r\nhello\r\n"
           "From here on\r\n>From there\r\n")
