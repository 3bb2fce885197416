"""local-delivery and its worker, each alone in its real sandbox, with the test
in the place of queue-manager, directory and supervisor."""

import os
import socket
import struct
import time

import pytest

from alone.program import CHANNEL_LOST, Channel, Program, octets, pair

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")

WORKER_START, WORKER_STARTED, WORKER_REFUSED = 26, 27, 28
ACCOUNT_OF, ACCOUNT_IS = 44, 45
DELIVER, DELIVERED = 60, 61
LOCAL, UNKNOWN, NO_RELAY, TEMPFAIL = 1, 2, 3, 4
OK, DEFERRED, FAILED = 1, 2, 3

TEXT = b"Subject: one\r\n\r\nbody\r\n"
STORED = (b"Return-Path: <alice@crepes.fr>\nDelivered-To: bob@hamburger.edu\n"
          b"Subject: one\n\nbody\n")


def deliver(queue_id=1, number=1, size=len(TEXT), maybe=0,
            recipient=b"bob@hamburger.edu", detail=b""):
    return (struct.pack("<QQIBQQq", queue_id, 0x77, number, maybe, size, 0, 0) +
            octets(b"alice@crepes.fr") + octets(recipient) + octets(b"") +
            octets(detail) + struct.pack("<IBB", 0, 0, 0) + octets(b"") +
            octets(b""))


def content(text=TEXT):
    fd = os.memfd_create("content")
    os.write(fd, text)
    return fd


def offer(channel, ident, text=TEXT, **fields):
    fd = content(text)
    channel.send(DELIVER, ident, deliver(size=len(text), **fields), [fd])
    os.close(fd)


def answer(channel):
    """(id, result, unknown, code, enhanced, text)"""
    ident, body, _ = channel.expect(DELIVERED)
    result, unknown, code, a, b, c = struct.unpack_from("<BBHBBB", body)
    return ident, result, unknown, code, f"{a}.{b}.{c}", body[11:].decode()


def account(number=7, verdict=LOCAL, detail=b""):
    if verdict != LOCAL:
        return bytes([verdict])
    return (struct.pack("<BBI", verdict, 1, number) +
            octets(b"bob@hamburger.edu") + octets(detail) + os.urandom(16))


# -- the worker


class Worker(Program):
    def __init__(self, folder):
        super().__init__("local-delivery-worker", folder,
                         tree=folder / "home")
        self.home = folder / "home"
        self.settings()
        self.parent = self.channel("local-delivery")
        self.commit()


def test_worker_delivers(tmp_path):
    with Worker(tmp_path) as w:
        offer(w.parent, 5)
        assert answer(w.parent)[:5] == (5, OK, 0, 250, "2.1.5")
        [file] = (w.home / "Maildir/new").iterdir()
        assert file.read_bytes() == STORED
        assert file.stat().st_mode & 0o777 == 0o600
        assert not list((w.home / "Maildir/tmp").iterdir())


def test_worker_batch_and_detail(tmp_path):
    with Worker(tmp_path) as w:
        (tmp_path / "home/Maildir").mkdir()
        for sub in ("", "/cur"):
            path = tmp_path / f"home/Maildir/.Lists{sub}"
            path.mkdir()
            os.chown(path, 64200, 64200)
        os.chown(tmp_path / "home/Maildir", 64200, 64200)
        for i in range(300):
            offer(w.parent, i, queue_id=i,
                  detail=b"lists" if i % 3 == 0 else b"")
        got = [answer(w.parent) for _ in range(300)]
        assert [a[0] for a in got] == list(range(300))
        assert all(a[1] == OK for a in got)
        assert len(list((w.home / "Maildir/.Lists/new").iterdir())) == 100
        assert len(list((w.home / "Maildir/new").iterdir())) == 200


def test_worker_that_cannot_write_defers(tmp_path):
    with Worker(tmp_path) as w:
        (w.home / "Maildir").write_text("a file in the way")
        offer(w.parent, 1)
        _, result, unknown, code, enhanced, _ = answer(w.parent)
        assert (result, unknown, code // 100) == (DEFERRED, 0, 4)
        (w.home / "Maildir").unlink()
        offer(w.parent, 2)
        assert answer(w.parent)[1] == OK


def test_worker_follows_no_symbolic_link(tmp_path):
    outside = tmp_path / "outside"
    for sub in ("", "/new", "/cur", "/tmp"):
        (tmp_path / f"outside{sub}").mkdir()
        os.chmod(tmp_path / f"outside{sub}", 0o777)
    with Worker(tmp_path) as w:
        (w.home / "Maildir").symlink_to(outside)
        offer(w.parent, 1)
        assert answer(w.parent)[1] == DEFERRED
        assert not list((outside / "new").iterdir())


def test_worker_finds_maildir_renewed(tmp_path):
    with Worker(tmp_path) as w:
        offer(w.parent, 1)
        assert answer(w.parent)[1] == OK
        (w.home / "Maildir").rename(w.home / "old")
        offer(w.parent, 2, queue_id=2)
        assert answer(w.parent)[1] == OK
        assert len(list((w.home / "Maildir/new").iterdir())) == 1


def test_worker_ends_with_its_channel(tmp_path):
    with Worker(tmp_path) as w:
        w.parent.close()
        assert w.ended() == 0


@pytest.mark.parametrize("body", [
    b"", deliver()[:-1], deliver() + b"x", deliver(recipient=b""),
    deliver(recipient=b"a\nX: y")])
def test_worker_refuses_what_is_malformed(tmp_path, body):
    with Worker(tmp_path) as w:
        fd = content()
        w.parent.send(DELIVER, 1, body, [fd])
        os.close(fd)
        assert w.parent.receive() is None
        assert not (w.home / "Maildir/new").exists() or \
            not list((w.home / "Maildir/new").iterdir())


# -- the parent


class Parent(Program):
    def __init__(self, folder, settings=""):
        super().__init__("local-delivery", folder, uid=64201)
        self.settings(settings)
        self.queue = self.channel("queue-manager")
        self.directory = self.channel("directory")
        self.commit()

    def asked(self):
        ident, body, _ = self.directory.expect(ACCOUNT_OF)
        return ident, body[4:]

    def told(self, ident, **fields):
        self.directory.send(ACCOUNT_IS, ident, account(**fields))

    def worker(self, number=7):
        """Play supervisor: the worker's end of a new channel."""
        ident, _, _ = self.supervisor.expect(WORKER_START)
        ours, theirs = pair()
        self.supervisor.send(WORKER_STARTED, ident,
                             start_account(number), [theirs.fileno()])
        theirs.close()
        self.children.append(ours)
        return ours


def start_account(number):
    return struct.pack("<BBI", 1, 1, number)


def delivered(channel, ident, result=OK, code=250, enhanced=(2, 1, 5)):
    channel.send(DELIVERED, ident, struct.pack("<BBHBBB", result, 0, code,
                                               *enhanced) + octets(b"fine"))


def quiet(channel):
    channel.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        channel.receive()
    channel.sock.settimeout(30)


def test_one_message(tmp_path):
    with Parent(tmp_path) as p:
        offer(p.queue, 9)
        ident, address = p.asked()
        assert address == b"bob@hamburger.edu"
        p.told(ident, detail=b"lists")
        w = p.worker()
        ident, body, [fd] = w.expect(DELIVER)
        assert body == deliver(detail=b"lists")
        assert os.pread(fd, 100, 0) == TEXT
        os.close(fd)
        delivered(w, ident)
        assert answer(p.queue) == (9, OK, 0, 250, "2.1.5", "fine")
        # Now its worker runs: no question, no start.
        offer(p.queue, 10, queue_id=2)
        ident, _, [fd] = w.expect(DELIVER)
        os.close(fd)
        delivered(w, ident)
        assert answer(p.queue)[0] == 10
        quiet(p.directory)


@pytest.mark.parametrize("verdict,want", [
    (UNKNOWN, (FAILED, 0, 550, "5.1.1")), (NO_RELAY, (FAILED, 0, 550, "5.1.2")),
    (TEMPFAIL, (DEFERRED, 0, 451, "4.3.0"))])
def test_nobody_there(tmp_path, verdict, want):
    with Parent(tmp_path) as p:
        offer(p.queue, 9)
        p.told(p.asked()[0], verdict=verdict)
        assert answer(p.queue)[1:5] == want


def test_worker_dies(tmp_path):
    with Parent(tmp_path) as p:
        for i in range(3):
            offer(p.queue, i, queue_id=i)
            p.told(p.asked()[0])
        w = p.worker()
        for _ in range(3):
            os.close(w.expect(DELIVER)[2][0])
        delivered(w, 1)
        w.close()
        got = sorted(answer(p.queue)[:4] for _ in range(3))
        # One was answered, of the others nobody knows.
        assert sorted(a[1:3] for a in got) == [(OK, 0), (DEFERRED, 1),
                                               (DEFERRED, 1)]
        offer(p.queue, 20)
        if (m := p.directory.receive())[0] == ACCOUNT_OF:
            p.told(m[1])
        os.close(p.worker().expect(DELIVER)[2][0])


def test_one_slow_owner_holds_up_no_other(tmp_path):
    with Parent(tmp_path, "owner_deliveries_max = 5\n") as p:
        for i in range(8):
            offer(p.queue, i, queue_id=i)
            p.told(p.asked()[0], number=7)
        slow = p.worker(7)
        late = sorted(answer(p.queue) for _ in range(3))
        assert [a[0] for a in late] == [5, 6, 7]
        assert all(a[1:3] == (DEFERRED, 0) for a in late)
        offer(p.queue, 50, recipient=b"carol@hamburger.edu")
        p.told(p.asked()[0], number=8)
        quick = p.worker(8)
        ident, _, [fd] = quick.expect(DELIVER)
        os.close(fd)
        delivered(quick, ident)
        assert answer(p.queue)[0] == 50
        for _ in range(5):
            ident, _, [fd] = slow.expect(DELIVER)
            os.close(fd)
            delivered(slow, ident)
        assert sorted(answer(p.queue)[0] for _ in range(5)) == [0, 1, 2, 3, 4]


def test_no_worker_to_be_had(tmp_path):
    with Parent(tmp_path) as p:
        offer(p.queue, 1)
        p.told(p.asked()[0])
        ident, _, _ = p.supervisor.expect(WORKER_START)
        p.supervisor.send(WORKER_REFUSED, ident, bytes([2]))
        assert answer(p.queue)[1:3] == (DEFERRED, 0)
        # An expired voucher is worth another question.
        offer(p.queue, 2)
        p.told(p.asked()[0])
        ident, _, _ = p.supervisor.expect(WORKER_START)
        p.supervisor.send(WORKER_REFUSED, ident, bytes([1]))
        p.told(p.asked()[0])
        os.close(p.worker().expect(DELIVER)[2][0])


def test_supervisor_has_no_room_for_a_while(tmp_path):
    with Parent(tmp_path) as p:
        offer(p.queue, 1)
        p.told(p.asked()[0])
        ident, _, _ = p.supervisor.expect(WORKER_START)
        p.supervisor.send(WORKER_REFUSED, ident, bytes([3]))
        p.told(p.asked()[0])		# within a second or two, by itself
        w = p.worker()
        ident, _, [fd] = w.expect(DELIVER)
        os.close(fd)
        delivered(w, ident)
        assert answer(p.queue)[:2] == (1, OK)


def test_directory_restarts(tmp_path):
    with Parent(tmp_path) as p:
        offer(p.queue, 1)
        p.asked()
        p.directory.close()
        offer(p.queue, 2)
        p.directory = p.channel("directory")
        p.commit()
        for _ in range(2):
            p.told(p.asked()[0])
        w = p.worker()
        for _ in range(2):
            os.close(w.expect(DELIVER)[2][0])


def test_queue_manager_restarts(tmp_path):
    with Parent(tmp_path) as p:
        offer(p.queue, 1)
        p.told(p.asked()[0])
        w = p.worker()
        ident, _, [fd] = w.expect(DELIVER)
        os.close(fd)
        p.queue.close()
        p.queue = p.channel("queue-manager")
        p.commit()
        delivered(w, ident)		# nobody there to hear it
        offer(p.queue, 2)
        p.told(p.asked()[0])		# a commit: tables may have changed
        ident, _, [fd] = w.expect(DELIVER)
        os.close(fd)
        delivered(w, ident)
        assert answer(p.queue)[0] == 2


def test_workers_are_limited_and_idle_ones_end(tmp_path):
    with Parent(tmp_path, "workers_max = 2\nworker_idle = 1s\n") as p:
        workers = []
        for i in range(3):
            offer(p.queue, i, recipient=b"u%d@x" % i)
            p.told(p.asked()[0], number=10 + i)
        for i in range(2):
            workers.append(p.worker(10 + i))
            os.close(workers[i].expect(DELIVER)[2][0])
        quiet(p.supervisor)
        # One becomes idle: it makes room for the third.
        workers[0].sock.settimeout(10)
        delivered(workers[0], 1)
        assert answer(p.queue)[0] == 0
        assert workers[0].receive() is None
        p.told(p.asked()[0], number=12)
        w = p.worker(12)
        ident, _, [fd] = w.expect(DELIVER)
        os.close(fd)
        delivered(w, ident)
        assert answer(p.queue)[0] == 2
        w.sock.settimeout(10)
        assert w.receive() is None	# idle for a second


def test_stuck_worker_is_given_up(tmp_path):
    with Parent(tmp_path, "worker_patience = 5s\n") as p:
        offer(p.queue, 1)
        p.told(p.asked()[0])
        w = p.worker()
        os.close(w.expect(DELIVER)[2][0])
        start = time.monotonic()
        assert answer(p.queue)[1:3] == (DEFERRED, 1)
        assert time.monotonic() - start < 10
        assert w.receive() is None


def test_stop_waits_for_what_is_in_hand(tmp_path):
    with Parent(tmp_path) as p:
        offer(p.queue, 1)
        p.told(p.asked()[0])
        w = p.worker()
        ident, _, [fd] = w.expect(DELIVER)
        os.close(fd)
        offer(p.queue, 2, recipient=b"carol@x")
        p.asked()			# and no answer
        p.stop()
        time.sleep(0.3)
        assert p.running()
        delivered(w, ident)
        assert answer(p.queue)[:2] == (1, OK)


@pytest.mark.parametrize("who", ["queue", "directory"])
def test_malformed_peer_loses_its_channel_only(tmp_path, who):
    with Parent(tmp_path) as p:
        kind = DELIVER if who == "queue" else ACCOUNT_IS
        fds = [content()] if who == "queue" else []
        getattr(p, who).send(kind, 1, b"\xff" * 30, fds)
        assert getattr(p, who).receive() is None
        if who == "directory":	# the side that asks says so
            p.supervisor.expect(CHANNEL_LOST)
        setattr(p, who, p.channel("queue-manager" if who == "queue"
                                  else "directory"))
        p.commit()
        offer(p.queue, 1)
        p.told(p.asked()[0])
        os.close(p.worker().expect(DELIVER)[2][0])


def test_forged_worker_answer(tmp_path):
    with Parent(tmp_path) as p:
        offer(p.queue, 1)
        p.told(p.asked()[0])
        w = p.worker()
        ident, _, [fd] = w.expect(DELIVER)
        os.close(fd)
        delivered(w, ident + 1)		# nothing it was asked
        assert answer(p.queue)[1:3] == (DEFERRED, 1)
        assert w.receive() is None
