"""The queue of a whole instance: reports, retries, an operator's commands,
stages that die, and the count that always adds up."""

import email
import re
import subprocess
import time

import pytest

from support.instance import SANITIZED

QUICK = {"queue-manager.conf": "retry_min = 1s\nretry_max = 2s\n"}
LETTER = b"Subject: %d\r\nX-Note: kept\r\n\r\nbody %d\r\n"


def letter(n=1):
    return LETTER % (n, n)


def counters(i):
    """Of `bulkhead queue list`: its last line."""
    out = i.command("queue", "list", check=True).stdout
    found = {w: int(n) for n, w in re.findall(
        r"(\d+) (accepted|delivered|bounced|expired|deleted|held|queued)",
        out)}
    if not found:
        found = {w: int(n) for w, n in re.findall(
            r"(accepted|delivered|bounced|expired|deleted|held|queued)"
            r"[ =:]+(\d+)", out)}
    assert found, out
    return found


def assert_adds_up(i):
    c = counters(i)
    assert c["accepted"] == sum(n for w, n in c.items() if w != "accepted"), c
    assert not i.log(event="count-differs")
    return c


def await_that(what, patience=30):
    deadline = time.monotonic() + patience
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def queue_id(i, n=1):
    return i.await_log(n, event="queued")[n - 1]["queue"]


def test_alias_and_duplicates(new_instance):
    i = new_instance(files={"aliases": "both: alice, bob\nthree: both, alice\n"},
                     users=("alice", "bob")).start()
    i.send("bob@example.org", ["three@example.org", "alice@example.org"],
           letter())
    i.await_mail("bob", 1)
    i.await_mail("alice", 1)
    i.await_log(2, stage="queue-manager", event="delivered")
    time.sleep(0.5)
    assert len(i.maildir("alice")) == 1 and len(i.maildir("bob")) == 1
    assert assert_adds_up(i)["delivered"] == 2


def test_report_to_the_sender(new_instance):
    """A target of an alias that nobody reads any more: the sender hears."""
    i = new_instance(files={"aliases": "old: carol@example.org\n"},
                     users=("alice", "bob", "carol")).start()
    users = (i.conf / "users").read_text()
    number = i.accounts["carol"]
    i.kill("local-delivery", 19)	# SIGSTOP: it waits in between
    i.send("alice@example.org", ["carol@example.org"], letter())
    queue_id(i)
    i.write("users", "".join(
        l for l in users.splitlines(True) if "carol" not in l)
        + f"!removed {number}\n")
    i.await_log(2, stage="directory", event="tables-in-use")
    i.kill("local-delivery", 18)
    i.await_mail("alice", 1)
    report = email.message_from_bytes(i.messages("alice")[0])
    assert report["Return-Path"] == "<>"
    assert report.get_content_type() == "multipart/report"
    text, status, headers = report.get_payload()
    assert status.get_content_type() == "message/delivery-status"
    fields = status.get_payload()[1]
    assert fields["Action"] == "failed" and fields["Status"].startswith("5.")
    assert fields["Final-Recipient"] == "rfc822; carol@example.org"
    assert "X-Note: kept" in headers.get_payload()
    assert "body 1" not in headers.get_payload()
    # The report is readable a moment before its delivery is written down.
    deadline = time.monotonic() + 10
    while (c := assert_adds_up(i))["queued"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert c["bounced"] == 1 and c["delivered"] == 1 and c["queued"] == 0


def test_no_report_about_a_null_reverse_path(new_instance):
    i = new_instance(files=QUICK, users=("alice", "carol"))
    i.start()
    i.kill("local-delivery", 19)
    i.send("", ["carol@example.org"], letter())
    queue_id(i)
    number = i.accounts["carol"]
    i.write("users", f"alice@example.org 1\n!removed {number}\n")
    i.await_log(2, stage="directory", event="tables-in-use")
    i.kill("local-delivery", 18)
    i.await_log(event="bounce-discarded")
    await_that(lambda: counters(i)["bounced"] == 1)
    assert assert_adds_up(i)["accepted"] == 1


def test_hold_show_delete(new_instance):
    i = new_instance(files=QUICK).start()
    i.kill("local-delivery", 19)
    i.send("x@example.net", ["alice@example.org"], letter())
    i.send("x@example.net", ["bob@example.org"], letter())
    first, second = queue_id(i), queue_id(i, 2)
    i.kill("local-delivery", 9)		# deferred now; then started again
    for id in first, second:
        await_that(lambda: i.command("queue", "hold", id).returncode == 0)
    await_that(lambda: counters(i)["held"] + counters(i)["delivered"] == 2)
    c = assert_adds_up(i)
    if c["held"] == 2:
        assert "alice@example.org" in i.command("queue", "show", first).stdout
        assert i.command("queue", "delete", first).returncode == 0
        assert i.command("queue", "release", second).returncode == 0
        i.await_mail("bob", 1)
        await_that(lambda: counters(i)["delivered"] == 1)
        assert assert_adds_up(i)["deleted"] == 1
    assert i.command("queue", "show", "123456789").returncode != 0


def test_large_and_empty(new_instance):
    """Content in parts goes to large/ and comes out whole."""
    i = new_instance().start()
    body = b"".join(b"%070d\r\n" % n for n in range(20000))
    i.send("x@example.net", ["alice@example.org", "bob@example.org"],
           b"Subject: big\r\n\r\n" + body)
    i.await_mail("alice", 1)
    i.await_mail("bob", 1)
    want = body.replace(b"\r\n", b"\n")
    assert i.messages("alice")[0].endswith(want)
    assert i.messages("bob")[0].endswith(want)
    await_that(lambda: not list((i.spool / "large").iterdir()))
    assert_adds_up(i)


@pytest.mark.parametrize("damage", [
    "rm -rf index", ": >index/data.mdb", "truncate -s 6000 index/data.mdb",
    "dd if=/dev/urandom of=index/data.mdb bs=4096 count=20 conv=notrunc",
    "dd if=/dev/urandom of=index/data.mdb bs=4096 seek=3 count=1 "
    "conv=notrunc",
])
def test_damaged_index(new_instance, damage):
    """Killed with mail in the queue, its index then damaged: nothing lost."""
    if SANITIZED and "urandom" in damage:
        pytest.skip("LMDB runs over its own damaged page; a sanitizer ends "
                    "the process without the signal that we mark it by")
    i = new_instance(files=QUICK).start()
    i.kill("local-delivery", 19)
    for n in range(30):
        i.send("x@example.net", ["alice@example.org", "bob@example.org"],
               letter(n))
    time.sleep(3)			# some of it is in the index
    i.send("x@example.net", ["alice@example.org"], letter(30))
    i.kill_all()
    subprocess.run(damage, shell=True, cwd=i.spool, check=True,
                   stderr=subprocess.DEVNULL)
    i.expect_failures = True
    i.start()
    i.await_mail("alice", 31)
    i.await_mail("bob", 30)
    await_that(lambda: counters(i)["queued"] == 0)
    c = assert_adds_up(i)
    assert c["accepted"] == c["delivered"] == 61
    assert len(i.maildir("alice")) == 31 and len(i.maildir("bob")) == 30


def records_of(path, kind):
    """(offset, length) of the records of a type in a segment."""
    octets = path.read_bytes()
    at, found = 4096, []
    generation = octets[12:20]
    while at + 32 <= len(octets) and octets[at + 24:at + 32] == generation:
        size = int.from_bytes(octets[at + 4:at + 8], "little")
        flags = int.from_bytes(octets[at + 10:at + 12], "little")
        if int.from_bytes(octets[at + 8:at + 10], "little") == kind:
            found.append((at, 32 + size))
        at += (32 + size + 7) // 8 * 8
        if flags & 1:
            at = (at + 4095) // 4096 * 4096
    return found


def test_flipped_bit(new_instance):
    """One damaged record costs one message, is kept aside and reported."""
    i = new_instance(files=QUICK).start()
    i.kill("local-delivery", 19)
    for n in range(10):
        i.send("x@example.net", ["alice@example.org"], letter(n))
    i.kill_all()
    segment = next(s for s in sorted((i.spool / "segments").iterdir())
                   if records_of(s, 1))
    at, length = records_of(segment, 1)[4]
    with open(segment, "r+b") as f:
        f.seek(at + length - 20)
        octet = f.read(1)[0]
        f.seek(at + length - 20)
        f.write(bytes([octet ^ 4]))
    subprocess.run(["rm", "-rf", i.spool / "index"], check=True)
    i.start()
    i.await_mail("alice", 9)
    assert i.log(event="record-corrupt")
    assert len(list((i.spool / "corrupt").iterdir())) == 1
    await_that(lambda: counters(i)["queued"] == 0)
    bodies = sorted(m.split(b"body ")[1].strip() for m in i.messages("alice"))
    assert bodies == [b"%d" % n for n in range(10) if n != 4]


@pytest.mark.parametrize("victim", [
    "queue-manager", "local-delivery", "local-delivery-worker", "directory"])
def test_killed_under_load(new_instance, victim):
    """Mail goes on; what got its 250 arrives, exactly once."""
    i = new_instance(files=QUICK).start()
    sent = 0
    for n in range(60):
        try:
            i.send("x@example.net", ["alice@example.org"], letter(n))
            sent += 1
        except Exception:
            time.sleep(0.1)
        if n % 15 == 7:
            i.kill(victim)
    await_that(lambda: len(i.maildir("alice")) >= sent)
    await_that(lambda: i.command("queue", "list").returncode == 0
               and counters(i)["queued"] == 0)
    c = assert_adds_up(i)
    assert c["delivered"] == c["accepted"] >= sent
    assert len(i.maildir("alice")) == c["delivered"]
