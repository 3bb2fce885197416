"""One mailbox by several programs at once, while mail arrives."""

import threading

from .test_fetchmail import NOTHING_NEW, Fetchmail
from .test_mbsync import Mbsync
from .test_mutt import Mutt
from .test_offlineimap import Offlineimap
from .world import ALICE, contents, eventually, letter, ok

LETTERS = 40
MOVED, FLAGGED, AT_HOME = 5, 7, 11	# every so many-th letter


class Together:
    """Programs in threads, until stop(); their failures are the test's."""

    def __init__(self):
        self.over = threading.Event()
        self.threads, self.failures = [], []

    def repeat(self, what):
        def body():
            try:
                while not self.over.is_set():
                    what()
            except BaseException as e:
                self.failures.append(e)
                self.over.set()

        self.threads.append(threading.Thread(target=body))
        self.threads[-1].start()

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join()
        if self.failures:
            raise self.failures[0]


class Phone:
    """A client that sorts what has come: some letters to a folder, some get a
    star."""

    def __init__(self, doors):
        self.c = doors.imap("alice")
        self.moved = set()

    def sort(self):
        numbers = {}
        for n in contents(self.c, "INBOX"):
            numbers[n] = None
        ok(self.c.select())
        for n in numbers:
            if n % MOVED and n % FLAGGED:
                continue
            [found] = ok(self.c.uid("SEARCH", "HEADER", "Message-ID",
                                    f"<{n}@letters.example.net>"))
            if n % FLAGGED == 0:
                ok(self.c.uid("STORE", found, "+FLAGS", "(\\Flagged)"))
            if n % MOVED == 0 and found:
                ok(self.c.uid("MOVE", found, "Done"))
                self.moved.add(n)


def test_five_programs_and_a_sender(desk, doors):
    """mbsync and offlineimap keep two homes, fetchmail takes copies by POP3,
    mutt watches, a phone moves and flags, and mail arrives all the while.  At
    the end no letter is lost or there twice, both homes are as the server,
    and UIDVALIDITY is what it was."""
    with doors.phone() as c:
        ok(c.create("Done"))
    doors.put([1])
    validity = [doors.status(f, "UIDVALIDITY") for f in ("INBOX", "Done")]
    m, o = Mbsync(desk, doors), Offlineimap(desk, doors, name="other")
    f = Fetchmail(desk, doors)
    f.rc("pop3", doors.pops_port, "uidl keep")
    fetched = []
    phone = Phone(doors)

    def mbsync():
        # A letter that went between its list and its fetch is an error to it.
        desk.run(m.mbsync, "-c", m.rc, "-a", status=(0, 1))
        for n, path in m.files().items():
            if n % AT_HOME == 0 and "F" not in path.name.partition(":2,")[2]:
                m.flag(n, "F")

    def offlineimap():
        o.run(status=(0, 1))

    def fetchmail():
        fetched.extend(f.poll(status=(0, NOTHING_NEW)))

    together = Together()
    with Mutt(desk, doors).open("set imap_idle=yes") as t:
        t.await_text(b"letter 1")
        try:
            for what in mbsync, offlineimap, fetchmail, phone.sort:
                together.repeat(what)
            for n in range(2, LETTERS + 1):
                if together.over.is_set():
                    break
                doors.send("s@example.net", [ALICE], letter(n))
                t.read(0.2)
            doors.await_empty_queue()
            eventually(lambda: together.over.is_set() or
                       len(phone.moved) == LETTERS // MOVED,
                       "the phone has not moved all")
        finally:
            together.stop()
        phone.c.logout()
        t.press("q")
        assert t.await_end("q") == 0, t.all[-3000:]

    for p in m, o, m, o:
        p.sync()
    everything = set(range(1, LETTERS + 1))
    done = {n for n in everything if n % MOVED == 0}
    for folder, numbers in ("INBOX", everything - done), ("Done", done):
        got = m.far(folder)
        assert set(got) == numbers, folder
        assert m.near(folder) == o.near(folder) == got, folder
        for n in numbers:
            star = "F" in got[n]
            # The star of home went to Done only if it came before the move.
            assert star == (n % FLAGGED == 0) or n % AT_HOME == 0, (n, got[n])
            assert star or folder == "Done" or n % AT_HOME, (n, got[n])
            assert got[n] <= {"F"}
    fetched.extend(f.poll(status=(0, NOTHING_NEW)))
    assert len(fetched) == len(set(fetched)), "fetched twice"
    assert everything - done <= set(fetched) <= everything
    assert validity == [doors.status(f, "UIDVALIDITY")
                        for f in ("INBOX", "Done")]
