"""Another program that changes names without a pause: no message of its is
ever told to be gone."""

import multiprocessing
import os
import time

MAIL = b"From: a@b.test\nSubject: one\n\nhello\n"
MANY = 1500     # more than the kernel gives out at once


def rename(cur, stop):
    """As a mail program sets flags, as fast as it can."""
    name = os.listdir(cur)[0]
    base = name[:name.index(":2,")]
    for n in range(10 ** 9):
        if stop.is_set():
            return
        after = base + ":2," + ("", "S", "F", "FS", "R", "RS", "D", "DS")[n % 8]
        try:
            if after != name:
                os.rename(f"{cur}/{name}", f"{cur}/{after}")
        except FileNotFoundError:
            raise AssertionError([x for x in os.listdir(cur) if x.startswith(
                base.partition(",")[0])] + [name, after]) from None
        name = after


def test_none_is_told_as_expunged(session, home):
    s = session()
    for _ in range(3):
        s.ok("APPEND INBOX" + " {}" * (MANY // 3), *[MAIL] * (MANY // 3))
    s.ok("SELECT INBOX")
    stop = multiprocessing.Event()
    renamer = multiprocessing.Process(target=rename, args=(
        home / "Maildir/cur", stop))
    renamer.start()
    try:
        until = time.monotonic() + 6
        while time.monotonic() < until:
            assert not s.ok("NOOP").of("EXPUNGE")
    finally:
        stop.set()
        renamer.join(30)
    assert renamer.exitcode == 0
    # all are there; and what is really removed is told
    assert not s.ok("NOOP").of("EXPUNGE")
    assert len(s.ok("FETCH 1:* UID").of("FETCH")) == MANY
    os.unlink(home / "Maildir/cur" / os.listdir(home / "Maildir/cur")[0])
    # perhaps a little later, while the directory was restless a moment ago
    told, until = 0, time.monotonic() + 30
    while told == 0 and time.monotonic() < until:
        told += len(s.ok("NOOP").of("EXPUNGE"))
    assert told == 1
