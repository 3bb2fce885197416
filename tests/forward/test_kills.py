"""Kills while mail is being forwarded: each message arrives at least once."""

import re
import threading
import time

import pytest

from support.instance import DOMAIN
from .test_forward import until
from .world import MESSAGE

QUICK = {"queue-manager.conf": "retry_min = 1s\nretry_max = 1s\n"}


@pytest.mark.parametrize("program", [
    "local-delivery-runner", "local-delivery", "local-delivery-worker",
    "queue-manager", "directory"])
def test_killed_while_forwarding(world, program):
    w = world(files=QUICK)
    w.script("walt", "count", 'cat > "$HOME/p.$QUEUE_ID"; sleep 0.05\n'
             .replace("sleep", "/bin/sleep"))
    w.forward("walt", f"\\walt, alice@{DOMAIN}\n|{w.home('walt')}/count\n"
              "~/box\n")
    sent, stop = [], threading.Event()

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
    try:
        for _ in range(6):
            time.sleep(0.3)
            w.i.kill(program)
    finally:
        time.sleep(0.5)
        stop.set()
        t.join()
    assert len(sent) >= 5
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
