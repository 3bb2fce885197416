"""Dovecot: its auth service, for the submission of Postfix."""

import os
import subprocess
import time
from pathlib import Path

from support.instance import crypt

from . import DOMAIN, children

AUTH = """\
base_dir = {folder}/run
state_dir = {folder}/state
protocols =
log_path = {folder}/log
ssl = no
auth_mechanisms = plain
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovenull
passdb {{
  driver = passwd-file
  args = scheme=CRYPT username_format=%u {folder}/passwords
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={folder}
}}
service auth {{
  unix_listener {folder}/auth-client {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


def passwords(users):
    """The same hashes as the users of the instance beside it have."""
    return "".join(
        "u{0}@{1}:{2}::::::\n".format(n, DOMAIN, crypt(
            f"u{n}-secret", "$5$rounds=1000$" + os.urandom(8).hex()))
        for n in range(1, users + 1))


class Auth:
    def __init__(self, folder, users, uid):
        self.folder = Path(folder)
        (self.folder / "run").mkdir(parents=True)
        (self.folder / "state").mkdir()
        (self.folder / "passwords").write_text(passwords(users))
        os.chmod(self.folder / "passwords", 0o644)
        self.conf = self.folder / "dovecot.conf"
        self.conf.write_text(AUTH.format(folder=folder, uid=uid))

    def start(self):
        self.process = subprocess.Popen(
            ["/usr/sbin/dovecot", "-F", "-c", self.conf],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while not (self.folder / "auth-client").exists():
            if time.monotonic() > until:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.1)

    def pids(self):
        return children(self.process.pid)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
