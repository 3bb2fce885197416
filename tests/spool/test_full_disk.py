"""A spool on a disk that fills up: 4xx, alive, and by itself well again."""

import smtplib
import subprocess
import time

import pytest

from .test_queue import QUICK, assert_adds_up, await_that, counters, letter


@pytest.fixture
def small_disk(tmp_path):
    where = tmp_path / "disk"
    where.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=10M,mode=755",
                           "bulkhead-test", where], capture_output=True)
    if done.returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    yield where
    subprocess.run(["umount", "-l", where], check=True)


def fill(i, size):
    """Send until refused; how many were accepted, and the refusal's code."""
    body = (b"x" * 70 + b"\r\n") * (size // 72)
    for n in range(1000):
        try:
            i.send("x@example.net", ["alice@example.org"],
                   b"Subject: %d\r\n\r\n" % n + body)
        except smtplib.SMTPDataError as e:
            return n, e.smtp_code
        except smtplib.SMTPResponseException as e:
            return n, e.smtp_code
    raise AssertionError("the disk never was full")


@pytest.mark.parametrize("size", [60000, 400000])
def test_full_disk(new_instance, small_disk, size):
    settings = dict(QUICK)
    settings["queue-manager.conf"] += "segment_size = 1M\n"
    i = new_instance(files=settings, spool=small_disk / "spool").start()
    i.kill("local-delivery", 19)	# SIGSTOP: nothing leaves the queue
    accepted, code = fill(i, size)
    assert accepted > 3 and code in (451, 452)
    again, code = fill(i, size)
    assert again <= 1 and code in (451, 452)
    assert counters(i)["accepted"] >= accepted
    i.kill("local-delivery", 18)
    total = accepted + again
    i.await_mail("alice", total)
    await_that(lambda: counters(i)["queued"] == 0)

    def fits():
        try:
            i.send("x@example.net", ["bob@example.org"], letter())
            return True
        except smtplib.SMTPException:
            time.sleep(0.5)
            return False

    await_that(fits)
    i.await_mail("bob", 1)
    await_that(lambda: counters(i)["delivered"] == total + 1)
    assert_adds_up(i)
    assert len(i.pids("queue-manager")) == 1
    assert not i.log(event="process-ended", process="queue-manager")


def test_full_disk_survives_a_restart(new_instance, small_disk):
    settings = dict(QUICK)
    settings["queue-manager.conf"] += "segment_size = 1M\n"
    i = new_instance(files=settings, spool=small_disk / "spool").start()
    i.kill("local-delivery", 19)
    accepted, _ = fill(i, 60000)
    i.kill_all()
    i.start()
    i.await_mail("alice", accepted)
    await_that(lambda: counters(i)["queued"] == 0)
    assert_adds_up(i)
