"""OpenSMTPD, with Maildir delivery and a relay rule.  Its folders in /var are
fixed: they are mounts of this namespace."""

import os
import subprocess
from pathlib import Path

from . import DOMAIN, RELAYED, children, packages

FIXED = (("spool", "/var/spool"), ("lib", "/var/lib"))
CONF = """\
queue ttl 1d
smtp max-message-size 40M
smtp limit max-mails 1000000
table owners file:{etc}/owners
table names file:{etc}/names
listen on 127.0.0.1 port {ports.smtp} hostname mx.example.net
action "mailbox" maildir "{folder}/mail/%{{user.username}}" \\
	virtual <names> userbase <owners>
action "elsewhere" relay host "smtp://127.0.0.1:{ports.sink}"
match from any for domain "{domain}" action "mailbox"
match from any for domain "{relayed}" action "elsewhere"
"""


class OpenSMTPD:
    name = "opensmtpd"
    before_250 = "nothing"
    packages = ["opensmtpd"]
    submission_port = None

    def __init__(self, folder, ports, users, certificate=None):
        self.folder, self.port = Path(folder), ports.smtp
        self.users = users
        self.etc = self.folder / "etc"
        for d in ("etc", "mail", "spool", "lib/opensmtpd/empty"):
            (self.folder / d).mkdir(parents=True, exist_ok=True)
        owner = packages.uid("bench")
        (self.etc / "smtpd.conf").write_text(CONF.format(
            etc=self.etc, folder=folder, ports=ports, domain=DOMAIN,
            relayed=RELAYED))
        names = [f"u{n}" for n in range(1, users + 1)]
        (self.etc / "names").write_text("".join(
            f"{u}@{DOMAIN} {u}\n" for u in names))
        (self.etc / "owners").write_text("".join(
            f"{u} {owner}:{owner}:{folder}/mail/{u}\n" for u in names))
        for u in names:
            (self.folder / "mail" / u).mkdir(exist_ok=True)
            os.chown(self.folder / "mail" / u, owner, owner)
        os.chown(self.folder / "mail", owner, owner)

    def start(self):
        for own, fixed in FIXED:
            subprocess.run(["mount", "--bind", self.folder / own, fixed],
                           check=True)
        self.process = subprocess.Popen(
            ["/usr/sbin/smtpd", "-d", "-f", self.etc / "smtpd.conf"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.folder / "log", "ab"))
        return self

    def pids(self):
        return children(self.process.pid)

    def maildirs(self):
        return [self.folder / "mail" / f"u{n}" / "new"
                for n in range(1, self.users + 1)]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        for _, fixed in FIXED:
            subprocess.run(["umount", "-l", fixed], check=True)
