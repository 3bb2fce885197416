"""Postfix with its standard settings, but for three that would slow it down
here for reasons of no interest: the pause that lets delivery catch up with
clients who are faster, a limit on clients from one address, and logging.

Submission asks Dovecot's auth service, as most hosts do.
"""

import os
import resource
import shutil
import socket
import subprocess
import time
from pathlib import Path

from . import DEAD, DOMAIN, RELAYED, children, dovecot, packages

MASTER = """\
127.0.0.1:{ports.smtp} inet n - n - - smtpd
{submission}cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
proxymap  unix  -       -       n       -       -       proxymap
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
smtp      unix  -       -       n       -       -       smtp
scache    unix  -       -       n       -       1       scache
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
"""

SUBMISSION = """\
127.0.0.1:{ports.submission} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
"""

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
default_privs = nobody
import_environment = MAIL_CONFIG LANG=C
myhostname = mx.example.net
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
in_flow_delay = 0
smtpd_client_connection_count_limit = 0
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/users
virtual_uid_maps = static:{owner}
virtual_gid_maps = static:{owner}
virtual_minimum_uid = 100
virtual_mailbox_limit = 0
transport_maps = texthash:{folder}/etc/transport
alias_maps =
alias_database =
biff = no
syslog_name = bench-postfix
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/dovecot/auth-client
smtpd_tls_chain_files = {certificate}
"""

TRANSPORT = """\
{RELAYED} smtp:[127.0.0.1]:{ports.sink}
{DEAD} smtp:[127.0.0.1]:{ports.dead}
"""


def _running(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Postfix:
    name = "postfix"
    before_250 = "the queue file"
    packages = ["postfix", "dovecot"]

    def __init__(self, folder, ports, users, certificate=None):
        self.folder, self.port = Path(folder), ports.smtp
        self.users = users
        self.owner, self.daemon, self.drop = map(
            packages.uid, ("bench", "postfix", "postdrop"))
        for d in ("etc", "queue", "data", "mail"):
            (self.folder / d).mkdir(parents=True, exist_ok=True)
        os.chown(self.folder / "mail", self.owner, self.owner)
        os.chown(self.folder / "data", self.daemon, self.daemon)
        self.submission_port = ports.submission if certificate else None
        self.auth = dovecot.Auth(self.folder / "dovecot", users,
                                 self.daemon) if certificate else None
        self._settings(ports, certificate)
        self._queue()
        self.master = None

    def _settings(self, ports, certificate):
        etc = self.folder / "etc"
        submission = SUBMISSION.format(ports=ports) if certificate else ""
        (etc / "main.cf").write_text(MAIN.format(
            folder=self.folder, owner=self.owner, domain=DOMAIN,
            certificate=f"{certificate.key}, {certificate.chain}"
            if certificate else ""))
        (etc / "master.cf").write_text(MASTER.format(
            ports=ports, submission=submission))
        (etc / "transport").write_text(TRANSPORT.format(
            ports=ports, RELAYED=RELAYED, DEAD=DEAD))
        (etc / "users").write_text("".join(
            f"u{n}@{DOMAIN} u{n}/\n" for n in range(1, self.users + 1)))

    def _queue(self):
        """The directories that an installation would make."""
        q = self.folder / "queue"
        for name, mode in (
                ("active", 0o700), ("bounce", 0o700), ("corrupt", 0o700),
                ("defer", 0o700), ("deferred", 0o700), ("flush", 0o700),
                ("hold", 0o700), ("incoming", 0o700), ("private", 0o700),
                ("saved", 0o700), ("trace", 0o700), ("maildrop", 0o730),
                ("public", 0o710)):
            (q / name).mkdir(exist_ok=True)
            os.chmod(q / name, mode)
            os.chown(q / name, self.daemon, self.drop if name in (
                "maildrop", "public") else self.daemon)
        (q / "pid").mkdir(exist_ok=True)

    def start(self):
        if self.auth:
            self.auth.start()
        self.master = subprocess.Popen(
            ["/usr/lib/postfix/sbin/master", "-d", "-c", self.folder / "etc"],
            stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]},
            start_new_session=True,
            # It closes every descriptor that there could be, one by one.
            preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_NOFILE, (16384, 16384)))
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        return self

    def pids(self):
        return children(self.master.pid) + (
            self.auth.pids() if self.auth else [])

    def smtp_pids(self):
        return [p for p in self.pids()
                if Path(f"/proc/{p}/comm").read_text() == "smtpd\n"]

    def maildirs(self):
        return [self.folder / "mail" / f"u{n}" / "new"
                for n in range(1, self.users + 1)]

    def stop(self):
        if self.master is None:
            return
        pids = self.pids()
        self.master.terminate()
        self.master.wait(timeout=30)
        if self.auth:
            self.auth.stop()
        until = time.monotonic() + 10
        while any(map(_running, pids)) and time.monotonic() < until:
            time.sleep(0.05)
        self.master = None
        shutil.rmtree(self.folder / "queue", ignore_errors=True)
