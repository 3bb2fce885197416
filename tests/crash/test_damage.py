"""A spool that was damaged while nobody ran: a torn tail, a flipped bit, no
index, an empty one, half of one.  It starts, loses nothing that is intact,
sets aside what is not, and says so."""

import os
import shutil

import pytest

from support.instance import DOMAIN
from support.ledger import Ledger
from support.load import mailboxes, settle_and_audit

USERS = ["alice", "bob"]
MESSAGES = 30
SETTINGS = {"queue-manager.conf": "segment_size = 1M\n"}


@pytest.fixture
def waiting(new_instance):
    """An instance that died with mail in its queue, and what it promised."""
    instance = new_instance(users=USERS, files=SETTINGS).start()
    instance.send("a@example.net", [f"{u}@{DOMAIN}" for u in USERS],
                  b"Subject: first\r\n\r\nx\r\n")
    for u in USERS:
        instance.await_mail(u, 1)
    instance.await_empty_queue()
    for u in USERS:			# what comes now is the ledger's alone
        for path in instance.maildir(u):
            path.unlink()
    ledger = Ledger()
    instance.kill("local-delivery", 19)		# SIGSTOP: mail waits
    with instance.smtp() as c:
        for n in range(MESSAGES):
            to = USERS if n % 3 == 0 else [USERS[n % 2]]
            name, octets = ledger.message(to, 1000 + 500 * n)
            c.sendmail("a@example.net", [f"{u}@{DOMAIN}" for u in to], octets)
            ledger.promise(name)
    instance.kill_all()
    return instance, ledger


def segments(instance):
    return sorted(p for p in (instance.spool / "segments").iterdir()
                  if p.is_file())


def holding(instance, octets):
    """(segment, position) of a piece of a message."""
    for path in segments(instance):
        at = path.read_bytes().find(octets)
        if at != -1:
            return path, at
    raise AssertionError(f"{octets!r} is in no segment")


def end_of_data(path):
    return len(path.read_bytes().rstrip(b"\0"))


def test_nothing_damaged(waiting):
    """The control: after the kill alone everything is there."""
    instance, ledger = waiting
    instance.start()
    _, doubled = settle_and_audit(instance, ledger, USERS)
    assert not doubled


@pytest.mark.parametrize("cut", [1, 7, 200, 5000])
def test_a_torn_tail(waiting, cut):
    """The last write did not reach the disk whole: only what it held may be
    missing, and here that was promised, so a report is owed."""
    instance, ledger = waiting
    last, _ = holding(instance, f"end of m{MESSAGES - 1}".encode())
    end = end_of_data(last)
    with open(last, "r+b") as f:
        f.seek(end - cut)
        f.write(b"\0" * cut)
    instance.start()
    instance.await_empty_queue()
    wrong, doubled = ledger.audit(
        mailboxes(instance, USERS), ledger.promised - {f"m{MESSAGES - 1}"})
    assert not wrong and not doubled, wrong + doubled


def test_junk_behind_the_tail(waiting):
    instance, ledger = waiting
    last, _ = holding(instance, f"end of m{MESSAGES - 1}".encode())
    end = end_of_data(last)
    with open(last, "r+b") as f:
        f.seek(end + 8)
        f.write(os.urandom(3000))
    instance.start()
    _, doubled = settle_and_audit(instance, ledger, USERS)
    assert not doubled


@pytest.mark.parametrize("index", ["there", "lost"])
@pytest.mark.parametrize("where", ["content", "near the head"])
def test_a_flipped_bit_in_the_middle(waiting, where, index):
    """Found when the record is replayed (no index: set aside as a file), or
    else when the content is read for a delivery (held, for a person)."""
    instance, ledger = waiting
    name = "m11"
    path, at = holding(instance, f"X-Ledger: {name}\n".encode()
                       .replace(b"\n", b"\r\n"))
    if where == "near the head":
        at = path.read_bytes().rfind(b"a@example.net", 0, at)
    with open(path, "r+b") as f:
        f.seek(at + 3)
        octet = f.read(1)[0]
        f.seek(at + 3)
        f.write(bytes([octet ^ 0x10]))
    if index == "lost":
        shutil.rmtree(instance.spool / "index")
    instance.start()
    counted = instance.await_empty_queue()
    have = mailboxes(instance, USERS)
    wrong, doubled = ledger.audit(have, ledger.promised - {name})
    assert not wrong and not doubled, wrong + doubled
    assert not any(f"X-Ledger: {name}\n".encode() in m
                   for ms in have.values() for m in ms), \
        "corrupt content was delivered"
    aside = list((instance.spool / "corrupt").iterdir())
    if index == "there":
        assert instance.log(event="content-damaged"), instance.tail()
        assert counted["held"] == 1
    else:
        assert aside, "it was not kept aside"
        assert any(l.get("corrupt", "0") != "0" for l in
                   instance.log(event="queue-recovered")), instance.tail()
    assert counted["difference"] == 0


@pytest.mark.parametrize("damage", ["absent", "empty", "truncated", "junk"])
def test_the_index(waiting, damage):
    instance, ledger = waiting
    index = instance.spool / "index"
    assert index.is_dir()
    if damage == "absent":
        shutil.rmtree(index)
    for path in index.iterdir() if damage != "absent" else ():
        with open(path, "r+b") as f:
            size = os.fstat(f.fileno()).st_size
            if damage == "empty":
                f.truncate(0)
            elif damage == "truncated":
                f.truncate(size // 2)
            else:
                f.write(os.urandom(min(size, 65536)))
    instance.start()
    _, doubled = settle_and_audit(instance, ledger, USERS)
    assert not doubled


def test_a_segment_of_another_version(waiting):
    """An unknown version is refused by name and left untouched."""
    instance, ledger = waiting
    path = segments(instance)[0]
    before = path.read_bytes()
    with open(path, "r+b") as f:
        head = bytearray(f.read(64))
    # The version is the first place where a small number stands.
    at = next(i for i in range(len(head)) if head[i] == 1 and i < 32)
    head[at] = 99
    with open(path, "r+b") as f:
        f.write(head)
    damaged = path.read_bytes()
    try:
        instance.start()
        instance.kill_all()
    except AssertionError:
        pass
    lines = [l for l in instance.log(stage="queue-manager")
             if l.get("level") in ("error", "warning")]
    assert lines, instance.tail()
    assert damaged in [p.read_bytes() for p in instance.spool.rglob("*")
                       if p.is_file() and p.stat().st_size == len(before)]
