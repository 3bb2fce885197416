"""2,000 idle SMTP connections and 500 logged-in IMAP sessions at once, and
what they cost in memory.  The table is printed (pytest -rP) and stands in
README.md."""

import imaplib
import os
import socket
import time
from collections import defaultdict

import pytest

from support.instance import DOMAIN, PATIENCE, SANITIZED

SMTP, IMAP = 2000, 500
USERS = [f"u{n}" for n in range(1, 11)]


def memory(instance):
    """program -> [processes, private KiB, proportional KiB]"""
    table = defaultdict(lambda: [0, 0, 0])
    pids = [(instance.supervisor.pid, "supervisor"), *instance.processes()]
    for pid, name in pids:
        try:
            name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
            with open(f"/proc/{pid}/smaps_rollup") as f:
                kib = {l.split(":")[0]: int(l.split()[1]) for l in f
                       if l.endswith("kB\n")}
        except OSError:
            continue
        row = table[name]
        row[0] += 1
        row[1] += kib["Private_Clean"] + kib["Private_Dirty"]
        row[2] += kib["Pss"]
    return table


def show(title, table):
    print(f"\n{title}\n| process | processes | private KiB | PSS KiB |")
    print("|---|---|---|---|")
    for name, (n, private, pss) in sorted(table.items()):
        print(f"| {name} | {n} | {private} | {pss} |")
    print(f"| all | {sum(r[0] for r in table.values())} | "
          f"{sum(r[1] for r in table.values())} | "
          f"{sum(r[2] for r in table.values())} |")


@pytest.mark.slow
@pytest.mark.skipif(SANITIZED, reason="shadow memory would be all we measure")
def test_many_idle_clients(new_instance):
    instance = new_instance(
        users=USERS, files={"smtpd.conf": "", "imapd.conf": ""}).start()
    for u in USERS:
        instance.send("a@example.net", [f"{u}@{DOMAIN}"],
                      b"Subject: hello\r\n\r\nhello\r\n")
        instance.await_mail(u, 1)
    before = memory(instance)
    smtp = []
    for _ in range(SMTP):
        s = socket.create_connection(("127.0.0.1", instance.smtp_port),
                                     PATIENCE)
        smtp.append(s)
    for s in smtp:
        assert s.recv(512).startswith(b"220 ")
        s.sendall(b"EHLO idle.example.net\r\n")
    for s in smtp:
        assert s.recv(2048).startswith(b"250")
    with_smtp = memory(instance)
    imap, began = [], time.monotonic()
    for n in range(IMAP):
        c = imaplib.IMAP4("127.0.0.1", instance.imap_port, timeout=PATIENCE)
        name = USERS[n % len(USERS)]
        c.login(f"{name}@{DOMAIN}", f"{name}-secret")
        assert c.select("INBOX")[0] == "OK"
        imap.append(c)
    logins = IMAP / (time.monotonic() - began)
    with_all = memory(instance)
    # Everybody is still served, and so is the next one.
    for s in smtp[::50]:
        s.sendall(b"NOOP\r\n")
        assert s.recv(512).startswith(b"250")
    for c in imap[::25]:
        assert c.noop()[0] == "OK"
    instance.send("a@example.net", [f"u1@{DOMAIN}"],
                  b"Subject: one more\r\n\r\nhello\r\n")
    instance.await_mail("u1", 2)

    show("idle", before)
    show(f"with {SMTP} SMTP connections", with_smtp)
    show(f"and {IMAP} IMAP sessions ({logins:.0f} logins/s)", with_all)
    per_smtp = (with_smtp["smtpd"][1] - before["smtpd"][1]) / SMTP
    per_imap = with_all["imapd-session"][1] / IMAP
    print(f"\n{per_smtp:.1f} KiB for an SMTP connection, "
          f"{per_imap:.0f} KiB private for an IMAP session")
    assert per_smtp < 64
    assert per_imap < 2048
    for s in smtp:
        s.close()
    for c in imap:
        c.shutdown()
