"""A mailbox comes back from a backup: `bulkhead user restored` gives every folder
numbers that no client knows, and ends the sessions that know the old ones."""

import imaplib
import os
import shutil

import pytest

from support.instance import DOMAIN, PATIENCE

TEXT = b"From: a@example.net\r\nSubject: %d\r\n\r\nHello\r\n"


def imap(i, name):
    m = imaplib.IMAP4("127.0.0.1", i.imap_port, timeout=PATIENCE)
    assert m.login(f"{name}@{DOMAIN}", f"{name}-secret")[0] == "OK"
    return m


def uidvalidity(m, folder):
    assert m.select(folder)[0] == "OK"
    return int(m.response("UIDVALIDITY")[1][0])


def test_restored(instance, tmp_path):
    m = imap(instance, "alice")
    m.create("Work")
    for folder in ("INBOX", "Work"):
        m.append(folder, "(\\Flagged Todo)", None, TEXT % 1)
    before = {f: uidvalidity(m, f) for f in ("INBOX", "Work")}
    m.logout()
    instance.await_log(1, event="session-ended")
    home, backup = instance.home("alice"), tmp_path / "backup"
    shutil.copytree(home, backup, symlinks=True)

    # UID 2 is given away, a client knows it; then the disk is lost.
    m = imap(instance, "alice")
    m.append("INBOX", None, None, TEXT % 2)
    assert uidvalidity(m, "INBOX") == before["INBOX"]
    shutil.rmtree(home / "Maildir")
    shutil.copytree(backup / "Maildir", home / "Maildir", symlinks=True)
    for path in (home / "Maildir", *(home / "Maildir").rglob("*")):
        os.chown(path, instance.uid("alice"), instance.uid("alice"))

    done = instance.command("user", "restored", f"alice@{DOMAIN}", check=True)
    assert "2 folders" in done.stdout
    fresh = imap(instance, "alice")
    for folder in ("INBOX", "Work"):
        now = uidvalidity(fresh, folder)
        assert now > max(before.values())
        _, data = fresh.fetch("1", "(FLAGS)")
        assert b"\\Flagged" in data[0] and b"Todo" in data[0]
    # Whoever had it open is sent away rather than told nonsense.
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        for _ in range(3):
            m.noop()
    for path in (home / "Maildir").rglob("*"):
        assert path.stat().st_uid == instance.uid("alice"), path
    assert instance.command("user", "restored", "nobody").returncode == 67
