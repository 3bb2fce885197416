"""Exim, in the way of its manual: a daemon, one process a connection, one a
delivery.  Those end as orphans, so its CPU is what reaper.py waited for."""

import os
import subprocess
import sys
from pathlib import Path

from . import DOMAIN, children, packages

HERE = Path(__file__).resolve().parent
CONF = """\
primary_hostname = mx.example.net
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
log_selector = -all
daemon_smtp_ports = {ports.smtp}
local_interfaces = 127.0.0.1
domainlist local_domains = {domain}
hostlist relay_from_hosts = 127.0.0.1
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
queue_run_max = 64
remote_max_parallel = 64
never_users =
keep_environment =
tls_advertise_hosts =
pipelining_advertise_hosts = *
prdr_enable = false
host_lookup =
rfc1413_query_timeout = 0s

begin acl
acl_rcpt:
  accept hosts = +relay_from_hosts
  deny
acl_data:
  accept

begin routers
mailbox:
  driver = accept
  domains = +local_domains
  local_parts = lsearch;{folder}/names
  transport = maildir
elsewhere:
  driver = manualroute
  domains = ! +local_domains
  transport = smtp
  route_list = * 127.0.0.1 byname
  self = send

begin transports
maildir:
  driver = appendfile
  directory = {folder}/mail/$local_part_data
  maildir_format
  create_directory
  user = bench
  group = bench
  delivery_date_add
  envelope_to_add
  return_path_add
smtp:
  driver = smtp
  port = {ports.sink}
  allow_localhost
  hosts_try_fastopen =

begin retry
* * F,1h,1m
"""


class Exim:
    name = "exim"
    before_250 = "header and data file, in their directories"
    packages = ["exim"]
    submission_port = None

    def __init__(self, folder, ports, users, certificate=None):
        self.folder, self.port = Path(folder), ports.smtp
        self.users = users
        for d in ("etc/exim4", "mail", "spool", "log"):
            (self.folder / d).mkdir(parents=True, exist_ok=True)
        for d in ("spool", "log"):
            os.chown(self.folder / d, packages.uid("Debian-exim"),
                     packages.uid("Debian-exim"))
        os.chown(self.folder / "mail", packages.uid("bench"),
                 packages.uid("bench"))
        (self.folder / "names").write_text("".join(
            f"u{n}: u{n}\n" for n in range(1, users + 1)))
        self.conf = self.folder / "etc/exim4/exim4.conf"
        self.conf.write_text(CONF.format(
            folder=folder, ports=ports, domain=DOMAIN))

    def settings(self, etc):
        """Where it looks for them, for its children, too."""
        (etc / "exim4").mkdir(exist_ok=True)
        (etc / "exim4/exim4.conf").write_text(self.conf.read_text())

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, HERE / "reaper.py", "/usr/sbin/exim4", "-bdf"],
            stdin=subprocess.DEVNULL,
            stderr=open(self.folder / "stderr", "ab"))
        return self

    def pids(self):
        return children(self.process.pid)

    def smtp_pids(self):
        return self.pids()[2:]		# behind reaper.py and the daemon

    def maildirs(self):
        return [self.folder / "mail" / f"u{n}" / "new"
                for n in range(1, self.users + 1)]

    def stop(self):
        for p in self.pids()[1:2]:
            os.kill(p, 15)
        self.process.wait(timeout=30)
