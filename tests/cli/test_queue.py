"""bulkhead queue, mailq and sendmail(1) with a whole suite."""

import os
import re
import subprocess
import time

import pytest

from support.instance import BUILD, DOMAIN, PATIENCE

MESSAGE = b"From: a@example.net\r\nSubject: x\r\n\r\ntext\r\n"


@pytest.fixture
def stuck(new_instance):
    """bob's mailbox is a file, so that what comes for bob waits."""
    i = new_instance()
    i.start()
    i.send("a@example.net", [f"bob@{DOMAIN}"], MESSAGE)	# makes the home
    i.await_mail("bob", 1)
    i.await_empty_queue()	# its result is recorded, too
    i.kill("local-delivery-worker")
    os.rename(i.home("bob") / "Maildir", i.home("bob") / "aside")
    (i.home("bob") / "Maildir").write_text("in the way")
    yield i
    i.expect_failures = True


def listed(i):
    done = i.command("queue", "list")
    assert done.returncode == 0, done.stderr + i.tail()
    return done.stdout


def await_listed(i, pattern):
    deadline = time.monotonic() + PATIENCE
    while not (found := re.search(pattern, text := listed(i))):
        assert time.monotonic() < deadline, text + i.tail()
        time.sleep(0.05)
    return found


def counts(i):
    line = listed(i).splitlines()[-1]
    n = dict((k, int(v)) for k, v in re.findall(r"(\w+) (\d+)", line))
    assert n["accepted"] == sum(v for k, v in n.items() if k != "accepted")
    return n


def test_an_empty_queue(instance):
    assert listed(instance).startswith("The queue is empty.\n")
    assert counts(instance)["accepted"] == 0
    done = instance.command("queue", "flush")
    assert (done.returncode, done.stdout) == (
        0, "0 messages will be tried now\n")


def test_a_message_that_waits(stuck):
    i = stuck
    before = counts(i)
    i.send("a@example.net", [f"bob@{DOMAIN}", f"alice@{DOMAIN}"], MESSAGE)
    i.await_mail("alice", 1)
    row = await_listed(i, r"(?m)^([0-9a-f]{12})  +(\d+)  (\S+ \S+)  "
                       r"<a@example.net>\n +\((.*)\)\n +bob@example.org  "
                       r"attempts 1, next \S+ \S+$")
    queue_id = row[1]
    assert "alice" not in row[0]
    n = counts(i)
    assert n["accepted"] == before["accepted"] + 2
    assert n["delivered"] == before["delivered"] + 1 and n["queued"] == 1

    done = i.command("queue", "show", queue_id)
    assert done.returncode == 0
    assert "bob@example.org" in done.stdout and row[4] in done.stdout

    done = i.command("queue", "hold", queue_id)
    assert (done.returncode, done.stdout) == (0, f"{queue_id} is held\n")
    await_listed(i, rf"(?m)^{queue_id}!")
    assert counts(i)["held"] == 1

    # What is held stays, whatever is flushed, and however we restart.
    (i.home("bob") / "Maildir").unlink()
    os.rename(i.home("bob") / "aside", i.home("bob") / "Maildir")
    i.command("queue", "flush")
    i.restart()
    await_listed(i, rf"(?m)^{queue_id}!")
    assert len(i.maildir("bob")) == 1

    done = i.command("queue", "release", queue_id)
    assert done.returncode == 0, done.stderr
    i.command("queue", "retry", queue_id)
    i.await_mail("bob", 2)
    deadline = time.monotonic() + PATIENCE
    while not listed(i).startswith("The queue is empty."):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    n = counts(i)
    assert n["accepted"] == n["delivered"]


@pytest.mark.parametrize("verb", ["flush", "retry"])
def test_try_now(stuck, verb):
    i = stuck
    i.send("a@example.net", [f"bob@{DOMAIN}"], MESSAGE)
    queue_id = await_listed(i, r"(?m)^([0-9a-f]{12}) (?s:.*)attempts 1")[1]
    (i.home("bob") / "Maildir").unlink()
    os.rename(i.home("bob") / "aside", i.home("bob") / "Maildir")
    done = i.command("queue", verb, *([queue_id] if verb == "retry" else []))
    assert done.returncode == 0, done.stderr
    i.await_mail("bob", 2)


def test_delete(stuck):
    i = stuck
    i.send("a@example.net", [f"bob@{DOMAIN}"], MESSAGE)
    queue_id = await_listed(i, r"(?m)^([0-9a-f]{12}) (?s:.*)attempts 1")[1]
    done = i.command("queue", "delete", queue_id)
    assert (done.returncode, done.stdout) == (0, f"{queue_id} is deleted\n")
    assert listed(i).startswith("The queue is empty.")
    assert counts(i)["deleted"] == 1
    assert i.command("queue", "show", queue_id).returncode == 1


@pytest.mark.parametrize("verb", ["show", "hold", "release", "retry",
                                  "delete"])
def test_no_such_message(shared, verb):
    done = shared.command("queue", verb, "fffffffffff")
    assert done.returncode == 1 and "does not wait" in done.stderr
    for bad in ("xyz", "0", "", "1" * 17, "-1"):
        done = shared.command("queue", verb, bad)
        assert done.returncode == 64 and "queue id" in done.stderr


def test_not_running(new_instance):
    done = new_instance().command("queue", "list")
    assert done.returncode == 3 and "is not running" in done.stderr


# -- sendmail(1)

def sendmail(i, *args, input, **more):
    return subprocess.run(
        [BUILD / "bin/bulkhead-sendmail", "-C", i.conf, *args], input=input,
        capture_output=True, timeout=PATIENCE, **more)


def test_a_letter_of_a_local_program(instance):
    i = instance
    done = sendmail(i, "-t", input=b"To: alice\nBcc: bob\nSubject: hi\n\n"
                    b"gr\xc3\xbc\xc3\x9fe\n.\nend\n.\n")
    assert done.returncode == 0, done.stderr
    for name in ("alice", "bob"):
        text = i.await_mail(name, 1)[0].read_bytes()
        head, body = text.split(b"\n\n", 1)
        assert body == "grüße\n".encode()	# the dot ended it
        for field in (b"Date: ", b"Message-ID: <", b"From: ", b"Received: ",
                      b"Return-Path: <root@example.org>"):
            assert b"\n" + field in b"\n" + head, head
        assert b"Bcc" not in head and b"To: alice" in head


def test_refused_for_one_means_for_all(instance):
    i = instance
    done = sendmail(i, "alice", "nobody", input=b"\ntext\n")
    assert done.returncode == 67
    assert b"nobody@example.org: 550 5.1.1" in done.stderr
    assert sendmail(i, "bob", input=b"\ntext\n").returncode == 0
    i.await_mail("bob", 1)
    assert i.maildir("alice") == []


def test_while_the_suite_is_down(new_instance):
    i = new_instance(settings="injection_wait = 1s\n")
    done = sendmail(i, "alice", input=b"\ntext\n")
    assert done.returncode == 75 and b"cannot be reached" in done.stderr


def test_waiting_until_it_is_up(new_instance):
    i = new_instance(settings="injection_wait = 1m\n")
    p = subprocess.Popen([BUILD / "bin/bulkhead-sendmail", "-C", i.conf,
                          "alice"], stdin=subprocess.PIPE)
    p.stdin.write(b"Subject: x\n\npatience\n")
    p.stdin.close()
    time.sleep(0.3)
    assert p.poll() is None
    i.start()
    assert p.wait(PATIENCE) == 0
    i.await_mail("alice", 1)


def test_many_recipients(new_instance):
    i = new_instance(users=[f"u{n}" for n in range(120)])
    i.start()
    done = sendmail(i, *(f"u{n}" for n in range(120)), input=b"\nall\n")
    assert done.returncode == 0, done.stderr
    for n in range(120):
        i.await_mail(f"u{n}", 1)
