"""Postfix from Debian, unpacked into a folder of its own and run from there:
never installed, for it would take the place of the host's mail server.

Needs a mount namespace of its own (bench.py has one): Postfix looks up its
user in the password file, which is therefore one with two more lines.
"""

import os
import resource
import shutil
import socket
import subprocess
import time
from pathlib import Path

LIBRARIES = ("libdb5.3", "libicu72", "libnsl2", "libsasl2-2", "libssl3",
             "libtirpc3")
UID = 1_599_000_000


def fetch(folder):
    """Download and unpack what is not there yet; the folder of the root."""
    folder = Path(folder)
    root = folder / "root"
    if (root / "usr/lib/postfix/sbin/master").exists():
        return root
    wanted = ["postfix"] + [
        p for p in LIBRARIES
        if subprocess.run(["dpkg-query", "-W", p],
                          capture_output=True).returncode]
    print("Will be downloaded and unpacked (not installed):",
          ", ".join(wanted), flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    for attempt in (1, 2):
        r = subprocess.run(
            ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download",
             *wanted], cwd=folder, stdin=subprocess.DEVNULL)
        if r.returncode == 0:
            break
        if attempt == 1:
            print("The lists of packages are old or absent: apt-get update")
            subprocess.run(["apt-get", "-qq", "update"], check=False)
    else:
        return None
    for deb in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", deb, root], check=True)
    return root


def _names_for(folder):
    """A password and a group file with Postfix's, in place of the host's."""
    for name, lines in (
            ("passwd", f"postfix:x:{UID}:{UID}::/nonexistent:/bin/false\n"),
            ("group", f"postfix:x:{UID}:\npostdrop:x:{UID + 1}:\n")):
        copy = folder / name
        text = Path("/etc", name).read_text()
        kept = [l for l in text.splitlines(True)
                if not l.startswith(("postfix:", "postdrop:"))]
        copy.write_text("".join(kept) + lines)
        os.chmod(copy, 0o644)
        subprocess.run(["mount", "--bind", copy, f"/etc/{name}"], check=True)


def _names_back():
    """The host's own; a mount of a file keeps its whole disk mounted."""
    for name in ("passwd", "group"):
        subprocess.run(["umount", f"/etc/{name}"], check=True)


MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
proxymap  unix  -       -       n       -       -       proxymap
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
"""

# The standard settings, but for three that would slow it down here for
# reasons of no interest: the pause that lets delivery catch up with clients
# who are faster, a limit on clients from one address, and logging.
MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {root}/usr/lib/postfix/sbin
command_directory = {root}/usr/sbin
shlib_directory = {root}/usr/lib/postfix
meta_directory = {root}/usr/share/postfix
mail_owner = postfix
setgid_group = postdrop
default_privs = nobody
import_environment = MAIL_CONFIG LANG=C LD_LIBRARY_PATH
myhostname = mx.example.net
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
in_flow_delay = 0
smtpd_client_connection_count_limit = 0
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/users
virtual_uid_maps = static:{owner}
virtual_gid_maps = static:{owner}
virtual_minimum_uid = 100
virtual_mailbox_limit = 0
alias_maps =
alias_database =
biff = no
syslog_name = bench-postfix
"""


def _running(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Postfix:
    name = "postfix"

    def __init__(self, root, folder, port, users):
        self.root, self.folder, self.port = Path(root), Path(folder), port
        self.users = users
        for d in ("etc", "queue", "data", "mail"):
            (self.folder / d).mkdir(parents=True, exist_ok=True)
        owner = UID + 2
        os.chown(self.folder / "mail", owner, owner)
        os.chown(self.folder / "data", UID, UID)
        (self.folder / "etc/main.cf").write_text(
            MAIN.format(folder=folder, root=root, owner=owner))
        (self.folder / "etc/master.cf").write_text(MASTER.format(port=port))
        (self.folder / "etc/users").write_text("".join(
            f"u{n}@example.org u{n}/\n" for n in range(1, users + 1)))
        self._queue()
        _names_for(self.folder)
        self.master = None

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
            group = UID + 1 if name in ("maildrop", "public") else -1
            os.chown(q / name, UID, group if group > 0 else UID)
        (q / "pid").mkdir(exist_ok=True)

    def start(self):
        libraries = [self.root / "usr/lib/postfix",
                     self.root / "usr/lib/x86_64-linux-gnu",
                     self.root / "usr/lib/aarch64-linux-gnu"]
        self.master = subprocess.Popen(
            [self.root / "usr/lib/postfix/sbin/master", "-d",
             "-c", self.folder / "etc"], stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"],
                 "LD_LIBRARY_PATH": ":".join(map(str, libraries))},
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
        """master and all its children."""
        pid = self.master.pid
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [pid] + [int(p) for p in f.read().split()]

    def maildirs(self):
        return [self.folder / "mail" / f"u{n}" / "new"
                for n in range(1, self.users + 1)]

    def queued(self):
        return sum(1 for d in ("incoming", "active", "deferred")
                   for _, _, files in os.walk(self.folder / "queue" / d)
                   for _ in files)

    def stop(self):
        if self.master is None:
            return
        pids = self.pids()
        self.master.terminate()
        self.master.wait(timeout=30)
        until = time.monotonic() + 10
        while any(map(_running, pids)) and time.monotonic() < until:
            time.sleep(0.05)
        self.master = None
        _names_back()
        shutil.rmtree(self.folder / "queue", ignore_errors=True)
