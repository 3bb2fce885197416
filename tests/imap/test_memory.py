"""What an idle session costs, with an empty folder and with one of 1,000 messages:
private memory of its process, and what gate and supervisor keep for it.  The bars
are those of the project: 250 KiB in clear text, 350 with TLS."""

import imaplib
import os
import ssl
import time

import pytest

from support.instance import DOMAIN, PATIENCE, SANITIZED, Instance
from support.slots import Slot
from tls.authority import Pair

SESSIONS = 24
MANY = 1000


def anonymous_kib(pid):
    """Pages that are this process's own, whatever file they once came from."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return sum(int(l.split()[1]) for l in f if l.startswith("Anonymous:"))


def of_session(instance, before):
    """One session's share: its process, and what gate and supervisor have got
    since there was one."""
    pids = instance.pids("imapd-session")
    assert len(pids) == SESSIONS + 1
    return (sum(map(anonymous_kib, pids)) / len(pids) +
            (of_others(instance) - before) / SESSIONS)


def of_others(instance):
    return sum(map(anonymous_kib, [instance.supervisor.pid,
                                   *instance.pids("imapd")]))


def await_little(instance, before, bar):
    """A session gives memory back a little after its last command."""
    until = time.monotonic() + PATIENCE
    while True:
        each = of_session(instance, before)
        if each <= bar or time.monotonic() > until:
            return each
        time.sleep(0.2)


def fill(instance, user):
    """Messages as another program has left them, read and flagged here and there."""
    uid = instance.uid(user)
    for part in ("", "Maildir", "Maildir/new", "Maildir/cur", "Maildir/tmp"):
        where = instance.home(user) / part
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chown(where, uid, uid)
    for n in range(MANY):
        path = instance.home(user) / "Maildir/cur" / (
            f"{1700000000 + n * 977}.M{n * 7919 % 10**6}P{n}.mail.example.org,"
            f"S=2048:2,{('', 'S', 'RS', 'FS')[n % 4]}")
        path.write_text(f"Subject: {n}\n\nhello\n")
        os.chown(path, uid, uid)


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    folder.chmod(0o755)
    slot = Slot()
    pair = Pair(folder, "memory")
    with Instance(folder / "i", slot=slot, users=["u1", "u2", "many1", "many2"],
                  settings=pair.block(), files={"imapd.conf": (
                      "listener imaps {\n\ttls = implicit\n"
                      f"\taddress = 127.0.0.1:{slot.port(4)}\n}}\n")}) as i:
        i.imaps_port = slot.port(4)
        i.start()
        for u in ("u1", "u2"):
            for n in range(3):
                i.send("a@example.net", [f"{u}@{DOMAIN}"],
                       b"Subject: hello\r\n\r\nhello\r\n")
            i.await_mail(u, 3)
        for u in ("many1", "many2"):
            fill(i, u)
        yield i


def logged_in(instance, tls, n, user="u", messages=3):
    """A session that has selected and read INBOX; every second one idles by the
    command."""
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        c = imaplib.IMAP4_SSL("127.0.0.1", instance.imaps_port,
                              ssl_context=context, timeout=PATIENCE)
    else:
        c = imaplib.IMAP4("127.0.0.1", instance.imap_port, timeout=PATIENCE)
    u = f"{user}{n % 2 + 1}"
    c.login(f"{u}@{DOMAIN}", f"{u}-secret")
    assert c.select("INBOX") == ("OK", [b"%d" % messages])
    ok, all_of_it = c.fetch("1:*", "(FLAGS ENVELOPE BODY.PEEK[TEXT])")
    assert ok == "OK" and len(all_of_it) >= messages
    if n % 2:
        c.send(b"i IDLE\r\n")
        assert c.readline().startswith(b"+ ")
    return c


@pytest.mark.skipif(SANITIZED, reason="shadow memory would be all we measure")
@pytest.mark.parametrize("user, messages", [("u", 3), ("many", MANY)])
@pytest.mark.parametrize("tls, bar", [(False, 250), (True, 350)])
def test_idle_session(instance, tls, bar, user, messages):
    clients = []
    # What the first one costs the others is not each session's.
    clients.append(logged_in(instance, tls, 0, user, messages))
    before = of_others(instance)
    for n in range(SESSIONS):
        clients.append(logged_in(instance, tls, n, user, messages))
    each = await_little(instance, before, bar)
    print(f"{each:.0f} KiB for a session, tls={tls}, {messages} messages")
    for c in clients:
        c.shutdown()
    until = time.monotonic() + PATIENCE
    while instance.pids("imapd-session") and time.monotonic() < until:
        time.sleep(0.1)
    assert each <= bar


def until_line(c, wanted):
    """The lines up to one that begins so."""
    lines = []
    while not lines or not lines[-1].startswith(wanted):
        lines.append(c.readline())
        assert lines[-1], lines
    return lines


def test_rested_sessions_go_on(instance):
    """Sessions that have put their view away see, say and do what they did
    before, in IDLE and without it."""
    idling = logged_in(instance, False, 1, "many", MANY)
    quiet = imaplib.IMAP4("127.0.0.1", instance.imap_port, timeout=PATIENCE)
    quiet.login(f"many2@{DOMAIN}", "many2-secret")
    quiet.select("INBOX")
    before = quiet.fetch("1:*", "(UID FLAGS RFC822.SIZE)")
    for round in range(2):
        time.sleep(2)		# long enough to rest; nothing fails if it is not
        assert quiet.fetch("1:*", "(UID FLAGS RFC822.SIZE)") == before
    time.sleep(2)
    assert quiet.store("500", "+FLAGS", "(rested)")[0] == "OK"
    assert b"* 500 FETCH" in until_line(idling, b"* 500 FETCH")[-1]
    time.sleep(2)
    assert quiet.store("7", "+FLAGS", r"(\Deleted)")[0] == "OK"
    assert quiet.expunge() == ("OK", [b"7"])
    until_line(idling, b"* 7 EXPUNGE")
    time.sleep(2)
    instance.send("a@example.net", [f"many2@{DOMAIN}"],
                  b"Subject: new\r\n\r\nhello\r\n")
    until_line(idling, b"* %d EXISTS" % MANY)
    idling.send(b"DONE\r\n")
    until_line(idling, b"i OK")
    time.sleep(2)
    ok, text = idling.fetch("499,1000", "(FLAGS BODY.PEEK[TEXT])")
    assert ok == "OK" and b"rested" in text[0][0]
    assert text[2][1] == b"hello\r\n"
    for c in (idling, quiet):
        c.shutdown()
