"""What was installed, not what was built: a host of its own, made of
namespaces, on which `make install` is all that ever happened.

host.py ROOT: ROOT is what `make install DESTDIR=ROOT` filled.  The host's
/usr comes along read-only, with ROOT's /usr/local over it; everything else is
ROOT's.  Users are made as the installed sysusers file says, directories as
the tmpfiles file does; the configuration directory stays empty.  Then a
letter goes in by port 25 and out by 110 and 143, and two more by 587 and 465
and out by 995 and 993, over TLS.  Prints one line of JSON.
"""

import imaplib
import json
import os
import poplib
import shlex
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from support.network import loopback_up  # noqa: E402

NAME = "hamburger.example"
TEXTBOOK = [
    (None, 220), ("HELO crepes.example", 250),
    ("MAIL FROM: <alice@crepes.example>", 250),
    (f"RCPT TO: <bob@{NAME}>", 250), ("DATA", 354),
    ("Do you like ketchup?\r\nHow about pickles?\r\n.", 250), ("QUIT", 221)]


def sh(*argv, **options):
    return subprocess.run([str(a) for a in argv], check=True, text=True,
                          capture_output=True, **options).stdout


def mounts(root):
    for name in ("usr", "proc", "dev", "run", "tmp", "etc", "var"):
        (root / name).mkdir(exist_ok=True)
    local = root / "usr/local"
    keep = root / "installed"
    local.rename(keep)
    sh("mount", "--rbind", "/usr", root / "usr")
    sh("mount", "-o", "remount,bind,ro", root / "usr")
    sh("mount", "--bind", keep, root / "usr/local")
    for name in ("bin", "lib", "lib64", "sbin"):
        if os.path.islink(f"/{name}"):
            (root / name).symlink_to(os.readlink(f"/{name}"))
        elif os.path.isdir(f"/{name}"):
            (root / name).mkdir()
            sh("mount", "--rbind", f"/{name}", root / name)
    sh("mount", "-t", "proc", "proc", root / "proc")
    for name in ("null", "zero", "urandom", "random"):
        (root / "dev" / name).touch()
        sh("mount", "--bind", f"/dev/{name}", root / "dev" / name)


def users(root):
    """As systemd-sysusers would from the installed file."""
    passwd = ["root:x:0:0:root:/root:/bin/sh"]
    group = ["root:x:0:", "shadow:x:42:"]
    number = 990
    for line in (root / "installed/lib/sysusers.d/bulkhead.conf").open():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] == "u":
            home = words[4] if len(words) > 4 else "/"
            passwd.append(f"{words[1]}:x:{number}:{number}::{home}:"
                          "/usr/sbin/nologin")
        group.append(f"{words[1]}:x:{number}:")
        number -= 1
    (root / "etc/passwd").write_text("\n".join(passwd) + "\n")
    (root / "etc/group").write_text("\n".join(group) + "\n")
    return {l.split(":")[0]: int(l.split(":")[2]) for l in passwd}


def directories(root, ids):
    """As systemd-tmpfiles would."""
    for line in (root / "installed/lib/tmpfiles.d/bulkhead.conf").open():
        words = shlex.split(line, comments=True)
        if words and words[0] == "d":
            path = root / words[1].lstrip("/")
            path.mkdir(parents=True, exist_ok=True)
            os.chmod(path, int(words[2], 8))
            os.chown(path, ids[words[3]], ids[words[4]])


def textbook():
    """The dialogue, code by code."""
    said = []
    with socket.create_connection(("127.0.0.1", 25), 20) as s:
        f = s.makefile("rb")
        for line, _ in TEXTBOOK:
            if line is not None:
                s.sendall(line.encode() + b"\r\n")
            said.append(int(f.readline()[:3]))
    return said == [code for _, code in TEXTBOOK], said


def unverified():
    """The certificate signed itself."""
    return ssl._create_unverified_context()


def submit(port):
    """A letter from who has logged in; and what happens to who has not."""
    if port == 465:
        c = smtplib.SMTP_SSL("127.0.0.1", port, "h.example", timeout=20,
                             context=unverified())
    else:
        c = smtplib.SMTP("127.0.0.1", port, "h.example", timeout=20)
        c.starttls(context=unverified())
    c.ehlo()
    mechanisms = c.esmtp_features["auth"].split()
    stranger = c.docmd("MAIL", f"FROM:<bob@{NAME}>")[0]
    c.login(f"bob@{NAME}", "ketchup & pickles")
    c.sendmail(f"bob@{NAME}", [f"bob@{NAME}"],
               f"Subject: by {port}\r\n\r\nsubmitted\r\n")
    c.quit()
    return [stranger, mechanisms]


def subjects_over_tls():
    c = poplib.POP3_SSL("127.0.0.1", 995, timeout=20, context=unverified())
    c.user(f"bob@{NAME}")
    c.pass_("ketchup & pickles")
    popped = [l.decode() for n in range(1, c.stat()[0] + 1)
              for l in c.top(n, 0)[1] if l.startswith(b"Subject: ")]
    c.quit()
    c = imaplib.IMAP4_SSL("127.0.0.1", 993, timeout=20,
                          ssl_context=unverified())
    c.login(f"bob@{NAME}", "ketchup & pickles")
    _, [count] = c.select("INBOX")
    c.logout()
    return [sorted(popped), int(count)]


def mailbox(root, n):
    for _ in range(400):
        found = [*(root / "var/lib/bulkhead/mail").glob("*/Maildir/*/*")]
        if len([p for p in found if p.parent.name in ("new", "cur")]) >= n:
            return
        time.sleep(0.05)


def pop():
    c = poplib.POP3("127.0.0.1", 110, 20)
    c.user(f"bob@{NAME}")
    c.pass_("ketchup & pickles")
    _, listed, _ = c.list()
    _, lines, _ = c.retr(1)
    c.quit()
    return [len(listed), [l.decode() for l in lines][-2:]]


def imap():
    c = imaplib.IMAP4("127.0.0.1", 143, timeout=20)
    c.login(f"bob@{NAME}", "ketchup & pickles")
    _, [count] = c.select("INBOX")
    _, fetched = c.fetch("1", "(BODY[TEXT])")
    c.logout()
    return [int(count), fetched[0][1].decode().splitlines()]


def processes():
    """uid -> names of all that run here, but this test's own."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                exe = os.readlink(f"/proc/{entry}/exe")
                uid = os.stat(f"/proc/{entry}").st_uid
                with open(f"/proc/{entry}/status") as f:
                    real = int([l for l in f
                                if l.startswith("Uid")][0].split()[1])
            except OSError:
                continue
            if "libexec" in exe:
                found.setdefault(real, set()).add(os.path.basename(exe))
            del uid
    return found


def main():
    root = Path(sys.argv[1]).resolve()
    socket.sethostname(NAME)
    loopback_up()
    mounts(root)
    ids = users(root)
    directories(root, ids)
    inside = ["chroot", str(root), "/usr/local/sbin/bulkhead"]
    before = sorted(os.listdir(root / "etc/bulkhead"))
    log = open(root / "log", "wb")
    suite = subprocess.Popen([*inside, "start", "-f"], stdout=log, stderr=log,
                             stdin=subprocess.DEVNULL)
    result = {"before": before}
    try:
        for _ in range(400):
            if b"event=ready" in (root / "log").read_bytes():
                break
            if suite.poll() is not None:
                raise RuntimeError("did not start")
            time.sleep(0.05)
        result["user"] = sh(*inside, "user", "add", f"bob@{NAME}",
                            input="ketchup & pickles\n")
        time.sleep(1)		# the tables are read again by themselves
        result["textbook"] = textbook()
        mailbox(root, 1)
        result["imap"] = imap()
        result["pop"] = pop()
        result["submitted"] = [submit(587), submit(465)]
        mailbox(root, 3)
        result["subjects"] = subjects_over_tls()
        names = {v: k for k, v in ids.items()}
        result["processes"] = {names.get(u, str(u)): sorted(p)
                               for u, p in processes().items()}
        result["status"] = sh(*inside, "status")
        result["stop"] = sh(*inside, "stop")
        result["exit"] = suite.wait(timeout=30)
        result["left"] = sorted(processes())
    except Exception as e:
        result["failed"] = f"{type(e).__name__}: {e}"
        if isinstance(e, subprocess.CalledProcessError):
            result["failed"] += e.stderr
        result["log"] = (root / "log").read_text()[-4000:]
        suite.kill()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
