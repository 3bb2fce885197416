"""What an idle session costs: private memory of its process, and what gate and
supervisor keep for it.  The bars are those of the project: 250
KiB in clear text, 350 with TLS."""

import imaplib
import ssl
import time

import pytest

from support.instance import DOMAIN, PATIENCE, SANITIZED, Instance
from support.slots import Slot
from tls.authority import Pair

SESSIONS = 24


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


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    folder.chmod(0o755)
    slot = Slot()
    pair = Pair(folder, "memory")
    with Instance(folder / "i", slot=slot, users=["u1", "u2"],
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
        yield i


def logged_in(instance, tls, n):
    """A session with INBOX selected; every second one idles by the command."""
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        c = imaplib.IMAP4_SSL("127.0.0.1", instance.imaps_port,
                              ssl_context=context, timeout=PATIENCE)
    else:
        c = imaplib.IMAP4("127.0.0.1", instance.imap_port, timeout=PATIENCE)
    u = f"u{n % 2 + 1}"
    c.login(f"{u}@{DOMAIN}", f"{u}-secret")
    assert c.select("INBOX") == ("OK", [b"3"])
    assert c.fetch("1:*", "(FLAGS ENVELOPE)")[0] == "OK"
    if n % 2:
        c.send(b"i IDLE\r\n")
        assert c.readline().startswith(b"+ ")
    return c


@pytest.mark.skipif(SANITIZED, reason="shadow memory would be all we measure")
@pytest.mark.parametrize("tls, bar", [(False, 250), (True, 350)])
def test_idle_session(instance, tls, bar):
    clients = []
    # What the first one costs the others is not each session's.
    clients.append(logged_in(instance, tls, 0))
    before = of_others(instance)
    for n in range(SESSIONS):
        clients.append(logged_in(instance, tls, n))
    each = await_little(instance, before, bar)
    print(f"{each:.0f} KiB for a session, tls={tls}")
    for c in clients:
        c.shutdown()
    until = time.monotonic() + PATIENCE
    while instance.pids("imapd-session") and time.monotonic() < until:
        time.sleep(0.1)
    assert each <= bar
