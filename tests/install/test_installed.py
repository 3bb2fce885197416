"""make install into a root of its own, and a host made of it: see host.py."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from support.instance import BUILD, SANITIZED

TOP = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.xdist_group("install"),		# one `make install` for all
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """What `make install` puts into an empty folder."""
    folder = tmp_path_factory.mktemp("root")
    folder.chmod(0o755)		# it becomes "/", which all may pass through
    # The same variant as everything else; nothing is built again.
    make = ["make", "-s", "-C", TOP, f"BUILD={BUILD}",
            f"DESTDIR={folder}", "install"]
    variant = BUILD.name.split("-")[0]
    make.insert(1, f"CC={variant if variant in ('gcc', 'clang') else 'gcc'}")
    if SANITIZED:
        make.insert(1, f"SANITIZE={os.environ['BULKHEAD_SANITIZE']}")
    if os.environ.get("BULKHEAD_WERROR"):
        make.insert(1, "WERROR=1")
    subprocess.run(make, check=True, stdin=subprocess.DEVNULL,
                   env={k: v for k, v in os.environ.items()
                        if not k.startswith("MAKE") and k != "MFLAGS"})
    return folder


def test_what_is_installed(root):
    files = {str(p.relative_to(root)): p for p in root.rglob("*")
             if not p.is_dir()}
    for name in ("usr/local/sbin/bulkhead",
                 "usr/local/libexec/bulkhead/supervisor",
                 "usr/local/libexec/bulkhead/smtpd",
                 "usr/local/libexec/bulkhead/imapd-session",
                 "usr/local/lib/systemd/system/bulkhead.service",
                 "usr/local/lib/sysusers.d/bulkhead.conf",
                 "usr/local/lib/tmpfiles.d/bulkhead.conf",
                 "etc/pam.d/bulkhead"):
        assert name in files, name
    for name, path in files.items():
        mode = path.lstat().st_mode
        assert not mode & (stat.S_ISUID | stat.S_ISGID), f"{name}: set-id"
        assert stat.S_ISLNK(mode) or not mode & 0o022, name
        assert "test" not in path.name, f"{name} is installed"
    assert os.listdir(root / "etc/bulkhead") == []
    # No path of the machine that built it, and no @...@ left over.
    for name, path in files.items():
        if path.suffix in (".service", ".conf"):
            assert not re.search(r"@[A-Z]+@", path.read_text()), name
        if os.access(path, os.X_OK) and not path.is_symlink():
            assert str(TOP).encode() + b"/" not in path.read_bytes(), name


def test_a_letter_on_a_host_of_its_own(root):
    r = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "--net", "--uts",
         "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc",
         sys.executable, Path(__file__).with_name("host.py"), root],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
    assert r.returncode == 0, r.stdout + r.stderr
    got = json.loads(r.stdout.splitlines()[-1])
    assert "failed" not in got, f"{got['failed']}\n{got['log']}"
    assert got["before"] == []
    assert got["textbook"][0], got["textbook"]
    text = ["Do you like ketchup?", "How about pickles?"]
    assert got["pop"] == [1, text]
    assert got["imap"] == [1, text]
    # 587 and 465: nobody who has not logged in, and from who has to anyone.
    for stranger, mechanisms in got["submitted"]:
        assert stranger == 530 and "PLAIN" in mechanisms
    assert got["subjects"] == [["Subject: by 465", "Subject: by 587"], 3]
    # Each under its named user, and root is supervisor alone.
    assert got["processes"]["root"] == ["supervisor"]
    for user, program in (("bh-smtpd", "smtpd"), ("bh-submit", "smtpd"),
                          ("bh-queue", "queue-manager"),
                          ("bh-deliver", "local-delivery"),
                          ("bh-relay", "remote-relay"),
                          ("bh-dns", "resolver"), ("bh-tls", "tlskeyd"),
                          ("bh-milter", "milterd"),
                          ("bh-dir", "directory"), ("bh-pop3d", "pop3d"),
                          ("bh-imapd", "imapd")):
        assert got["processes"][user] == [program], got["processes"]
    assert got["processes"]["bh-auth"] == ["authd", "authd-verifier"]
    assert got["exit"] == 0 and got["left"] == []
