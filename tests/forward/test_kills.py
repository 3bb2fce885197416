"""Kills while mail is being forwarded: each message arrives at least once."""

import os
import re
import threading
import time

import pytest

from support.instance import DOMAIN, PATIENCE
from support.load import QUICK
from .test_forward import until
from .world import MESSAGE


@pytest.mark.parametrize("program", [
    "local-delivery-runner", "local-delivery", "local-delivery-worker",
    "queue-manager", "directory"])
def test_killed_while_forwarding(world, program):
    w = world(files=QUICK)
    w.script("walt", "count", 'cat > "$HOME/p.$QUEUE_ID"; sleep 0.05\n'
             .replace("sleep", "/bin/sleep"))
    w.forward("walt", f"\\walt, alice@{DOMAIN}\n|{w.home('walt')}/count\n"
              "~/box\n")
    sent, killed, stop = [], [], threading.Event()

    def sender():
        n = 0
        while not stop.is_set():
            n += 1
            try:
                w.send("walt", f"Subject: number {n};\r\n\r\nx\r\n")
                sent.append(n)
            except Exception:
                time.sleep(0.1)

    t = threading.Thread(target=sender)
    t.start()
    deadline = time.monotonic() + 2 * PATIENCE
    try:
        while len(killed) < 6 or len(sent) < 5:
            assert time.monotonic() < deadline, (killed, sent)
            time.sleep(0.3)
            killed += w.kill(program) if len(killed) < 6 else []
    finally:
        time.sleep(0.5)
        stop.set()
        t.join()
    w.i.await_empty_queue(90)

    def numbers(texts):
        found = []
        for text in texts:
            found += [int(p.split(";")[0]) for p in
                      text.split("Subject: number ")[1:]]
        return found

    letters = [p.read_text() for p in w.maildir("walt")]
    own = numbers(letters)
    there = numbers(p.read_text() for p in w.i.maildir("alice"))
    box = numbers([(w.home("walt") / "box").read_text()])
    ran = numbers(p.read_text() for p in w.home("walt").glob("p.*"))
    print(f"{program}: {len(sent)} sent; own {len(own)}, forwarded "
          f"{len(there)}, file {len(box)}, program {len(ran)}")
    for found in own, there, box, ran:
        assert set(found) >= set(sent)
    # A Maildir knows what it has.  A number may come twice, under another
    # queue id: where its 250 was lost, the client sent it again.
    ids = [re.findall(r"\bid ([0-9a-f]{12,16})\b", text)[-1]
           for text in letters]
    assert len(ids) == len(set(ids))
    assert w.i.counters()["difference"] == 0


def everything_of(uid):
    """Pids of all processes of this uid that still do something."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            status = dict(l.split(":\t", 1) for l in open(
                f"/proc/{entry}/status").read().splitlines() if ":\t" in l)
        except OSError:
            continue
        if status["Uid"].split()[0] == str(uid) and \
                not status["State"].startswith("Z"):
            found.append(int(entry))
    return found


# Starts a process that leaves its session and its group, and tells of it.
LEAVER = """#!/usr/bin/python3
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    time.sleep(600)
    os._exit(0)
open(os.environ["HOME"] + "/begun", "w").close()
time.sleep(600 if sys.argv[1] == "stay" else 0)
"""


@pytest.mark.parametrize("how", ["stay", "go"])
def test_the_end_of_the_runner_is_the_end_of_all(world, how):
    """Killed while its program runs, or when that has ended and left
    something behind: nobody of that user is left."""
    w = world()
    w.put("walt", "leaver", LEAVER, mode=0o700)
    w.forward("walt", f"|{w.home('walt')}/leaver {how}\n")
    w.send("walt")
    until((w.home("walt") / "begun").exists, "no program", w)
    if how == "go":
        w.i.await_log(event="program-ended", user="walt")
    uid = w.uids["walt"]
    until(lambda: len(everything_of(uid)) >= 3, "no descendants", w)
    w.forward("walt", "\\walt\n")		# for the next attempt
    assert w.kill("local-delivery-runner")
    # Of what is seen now, none is left; a new runner is another one.
    former = set(everything_of(uid))
    until(lambda: not former & set(everything_of(uid)), "left behind", w)


def test_what_programs_leave_behind_is_waited_for(world):
    """Orphans come to the runner; no dead one stays with it."""
    w = world()
    w.script("walt", "orphan", "( /bin/true & ) & /bin/sleep 0.1\n"
             'echo > "$HOME/ran.$QUEUE_ID"\n')
    w.forward("walt", f"|{w.home('walt')}/orphan\n")
    for n in range(5):
        w.send("walt")
    until(lambda: len(list(w.home("walt").glob("ran.*"))) == 5, "not run", w)
    w.i.await_log(5, event="program-ended", user="walt")
    [runner] = w.pids("local-delivery-runner")

    def zombies():
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    fields = open(f"/proc/{entry}/stat").read().rsplit(
                        ")", 1)[1].split()
                except OSError:
                    continue
                if fields[0] == "Z" and int(fields[1]) == runner:
                    found.append(entry)
        return found
    until(lambda: not zombies(), "zombies", w)


def test_a_lock_that_a_killed_runner_left(world):
    """Nobody waits for it; that of another program is waited for."""
    w = world(files={"local-delivery.conf": "mbox_lock_patience = 0s\n"})
    w.put("walt", "box.lock", "0\nbulkhead\n")
    w.forward("walt", "~/box\n")
    w.send("walt")
    until(lambda: w.i.log(event="stale-lock"), "not seen", w)
    assert w.i.command("queue", "retry", "all").returncode == 0
    until((w.home("walt") / "box").exists, "not delivered", w)
    until(lambda: not (w.home("walt") / "box.lock").exists(), "locked", w)
    w.put("walt", "box.lock", "1\n")
    w.send("walt")
    w.i.await_log(1, event="file-delivery", code="451")
    assert (w.home("walt") / "box.lock").read_text() == "1\n"
