"""Dovecot with its standard settings: whole, for mailboxes, and its auth service
alone, for the submission of Postfix."""

import os
import subprocess
import time
from pathlib import Path

from support.instance import crypt

from . import DOMAIN, children, packages

COMMON = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
auth_mechanisms = plain
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovenull
default_vsz_limit = 2G
passdb {{
  driver = passwd-file
  args = scheme=CRYPT username_format=%u {folder}/passwords
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={folder}/home/%n
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

AUTH = COMMON + """\
protocols =
ssl = no
service auth {{
  unix_listener {folder}/auth-client {{
    mode = 0666
  }}
}}
"""

# As Debian has it; what is beside that are limits that a benchmark from one
# address would meet.
MAILBOXES = COMMON + """\
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate.chain}
ssl_key = <{certificate.key}
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
mail_max_userip_connections = 2000
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  process_limit = 2000
  inet_listener imap {{
    port = {ports.imap}
  }}
  inet_listener imaps {{
    port = {ports.imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {ports.pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""


def passwords(users):
    """The same hashes as the users of the instance beside it have."""
    return "".join(
        "u{0}@{1}:{2}::::::\n".format(n, DOMAIN, crypt(
            f"u{n}-secret", "$5$rounds=1000$" + os.urandom(8).hex()))
        for n in range(1, users + 1))


class _Dovecot:
    def __init__(self, folder, users, text, **values):
        self.folder = Path(folder)
        for d in ("run", "state", "home"):
            (self.folder / d).mkdir(parents=True)
        (self.folder / "passwords").write_text(passwords(users))
        os.chmod(self.folder / "passwords", 0o644)
        self.conf = self.folder / "dovecot.conf"
        self.conf.write_text(text.format(folder=folder, **values))

    def start(self):
        self.process = subprocess.Popen(
            ["/usr/sbin/dovecot", "-F", "-c", self.conf],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while not self.ready():
            if time.monotonic() > until:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.1)
        return self

    def pids(self):
        return children(self.process.pid)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


class Auth(_Dovecot):
    def __init__(self, folder, users, uid):
        super().__init__(folder, users, AUTH, uid=uid)

    def ready(self):
        return (self.folder / "auth-client").exists()


class Mailboxes(_Dovecot):
    name = "dovecot"
    packages = ["dovecot"]
    # What holds a logged-in connection.
    programs = {"imap", "imap-login"}

    def __init__(self, folder, ports, users, certificate):
        self.ports, self.users = ports, users
        self.uid = packages.uid("bench")
        super().__init__(folder, users, MAILBOXES, uid=self.uid, ports=ports,
                         certificate=certificate)

    def ready(self):
        return (self.folder / "run" / "login" / "imap").exists() or \
            (self.folder / "run" / "master.pid").exists()

    def home(self, user):
        return self.folder / "home" / user

    def owner(self, user):
        return self.uid

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def lose_index(self, user):
        """All that it could make again; UIDs stay."""
        for f in (self.home(user) / "Maildir").glob("**/dovecot.index*"):
            f.unlink()
