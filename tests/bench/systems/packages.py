"""Packages of Debian, unpacked into a folder of their own and never installed:
mail servers take each other's place.  In the mount namespace that bench.py has
for itself they lie over /usr and /etc, and the host does not change.
"""

import os
import subprocess
from pathlib import Path

from support.unpack import installed, unpack

FIRST_UID = 1_599_000_000
PACKAGES = {
    "postfix": ["postfix"],
    "opensmtpd": ["opensmtpd"],
    "exim": ["exim4-daemon-light", "exim4-base"],
    "dovecot": ["dovecot-core", "dovecot-imapd", "dovecot-pop3d"],
}
# What these are linked with, where the host has it not.
LIBRARIES = ["libdb5.3", "libicu72", "libnsl2", "libsasl2-2", "libssl3",
             "libtirpc3", "libgnutls-dane0", "libgnutls30", "libidn12",
             "libpcre2-8-0", "libexttextcat-2.0-0", "libstemmer0d",
             "libsodium23", "libunwind8", "libwrap0", "liblua5.4-0",
             "libapparmor1", "libcap2", "libevent-2.1-7", "libunbound8"]
USERS = ["postfix", "opensmtpd", "opensmtpq", "Debian-exim", "dovecot",
         "dovenull", "bench"]
GROUPS = USERS + ["postdrop"]


def uid(name):
    return FIRST_UID + GROUPS.index(name)


def fetch(folder, systems):
    """Download and unpack what is not there yet; the folder of the root, or
    None."""
    return unpack(folder, [p for s in systems for p in PACKAGES[s]] + [
        p for p in LIBRARIES if not installed(p)])


def _names(etc):
    """The host's password and group file, with the servers' names."""
    for name, names, line in (
            ("passwd", USERS, "{0}:x:{1}:{1}::/nonexistent:/bin/false\n"),
            ("group", GROUPS, "{0}:x:{1}:\n")):
        kept = [l for l in Path("/etc", name).read_text().splitlines(True)
                if l.split(":")[0] not in names]
        (etc / name).write_text("".join(kept) + "".join(
            line.format(n, uid(n)) for n in names))
        os.chmod(etc / name, 0o644)
    # Who looks up the names of clients is answered no at once.
    (etc / "nsswitch.conf").write_text(
        "passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
    (etc / "resolv.conf").write_text("nameserver 127.0.0.1\n")


def lay_over(root, etc):
    """In this mount namespace: the unpacked /usr over the host's, and the
    folder etc, in which servers put their settings, over its /etc.  False
    where the kernel has no such mounts."""
    _names(etc)
    for lower, at in ((root / "usr", "/usr"), (etc, "/etc")):
        if subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                           f"lowerdir={lower}:{at},ro", at]).returncode:
            return False
    return True


def take_off():
    for at in ("/etc", "/usr"):
        subprocess.run(["umount", "-l", at], check=True)
