"""Quotas through the whole suite: an account that has all it may have, by SMTP,
IMAP and what other programs do to its Maildir."""

import imaplib
import socket
import time

from support.instance import DOMAIN, PATIENCE

TEXT = b"From: a@example.net\r\nSubject: x\r\n\r\nHello\r\n"


def imap(i, name):
    m = imaplib.IMAP4("127.0.0.1", i.imap_port, timeout=PATIENCE)
    assert m.login(f"{name}@{DOMAIN}", f"{name}-secret")[0] == "OK"
    return m


def rcpt(i, name):
    with i.smtp() as s:
        s.ehlo()
        s.mail("a@example.net")
        return s.rcpt(f"{name}@{DOMAIN}")


def until(what, want):
    """What is asked again until it answers as wanted."""
    deadline = time.monotonic() + PATIENCE
    while (got := what()) != want:
        assert time.monotonic() < deadline, got
        time.sleep(0.1)


def with_quota(new_instance, words, settings="", name="alice"):
    i = new_instance()
    users = i.conf / "users"
    i.write("users", "".join(
        f"{line} {words}\n" if line.startswith(f"{name}@") else f"{line}\n"
        for line in users.read_text().splitlines()))
    if settings:
        i.write("local-delivery.conf", settings)
    return i.start()


def test_temporary(new_instance):
    """Three messages fit.  The fourth waits in the queue, the next is refused
    at RCPT; when there is room again, what waited is delivered."""
    i = with_quota(new_instance, "messages=3")
    for _ in range(3):
        i.send("a@example.net", [f"alice@{DOMAIN}"], TEXT)
    i.await_mail("alice", 3)
    i.send("a@example.net", [f"alice@{DOMAIN}"], TEXT)
    line = i.await_log(1, event="deferred")[0]
    assert line["code"] == "452" and "full" in line["reason"]
    until(lambda: rcpt(i, "alice")[0], 452)
    assert rcpt(i, "alice")[1].startswith(b"4.2.2 ")
    assert rcpt(i, "bob")[0] == 250
    m = imap(i, "alice")
    m.select()
    typ, data = m.append("INBOX", None, None, TEXT)
    assert typ == "NO" and b"[OVERQUOTA]" in data[0]
    typ, data = m.copy("1", "INBOX")
    assert typ == "NO" and b"[OVERQUOTA]" in data[0]
    m.store("1:3", "+FLAGS", "\\Deleted")
    m.expunge()
    assert m.append("INBOX", None, None, TEXT)[0] == "OK"
    i.command("queue", "flush", check=True)
    i.await_mail("alice", 2)
    until(lambda: rcpt(i, "alice")[0], 250)
    i.await_empty_queue()
    m.logout()


def test_several_messages(new_instance):
    """Of several messages in one APPEND each is refused before it is sent when
    there is no room for it beside the others: they would fill the disk first."""
    i = with_quota(new_instance, "quota=5000")
    with socket.create_connection(("127.0.0.1", i.imap_port), PATIENCE) as c:
        f = c.makefile("rwb")

        def say(line, want):
            f.write(line + b"\r\n")
            f.flush()
            while (reply := f.readline()).startswith(b"* "):
                pass
            assert reply.startswith(want), reply

        assert f.readline().startswith(b"* OK")
        say(f"a LOGIN alice@{DOMAIN} alice-secret".encode(), b"a OK")
        say(b"b APPEND INBOX {2000}", b"+ ")
        say(b"x" * 2000 + b" {2000}", b"+ ")
        say(b"y" * 2000 + b" {2000}", b"b NO [OVERQUOTA]")
        say(b"c STATUS INBOX (MESSAGES)", b"c OK")
        say(b"d APPEND INBOX {4900}", b"+ ")
        say(b"z" * 4900, b"d OK")


def test_permanent(new_instance):
    """Returned to its sender at once; another program makes room."""
    i = with_quota(new_instance, "quota=1500", "over_quota = permanent\n")
    i.send("bob@" + DOMAIN, [f"alice@{DOMAIN}"],
           TEXT + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 16)
    i.await_mail("alice", 1)
    i.send("bob@" + DOMAIN, [f"alice@{DOMAIN}"], TEXT + b"z" * 500 + b"\r\n")
    line = i.await_log(1, event="failed")[0]
    assert line["code"] == "552"
    i.await_mail("bob", 1)
    assert b"5.2.2" in i.messages("bob")[0]
    for f in i.maildir("alice"):
        f.unlink()
    i.send("bob@" + DOMAIN, [f"alice@{DOMAIN}"], TEXT)
    i.await_mail("alice", 1)


def test_default(new_instance):
    """The setting is for those whose row says nothing, and 0 is no limit."""
    i = new_instance(settings="quota_messages = 1\n")
    users = i.conf / "users"
    i.write("users", users.read_text().replace(
        f"bob@{DOMAIN} 2", f"bob@{DOMAIN} 2 messages=0"))
    i.start()
    for name in ("alice", "bob"):
        i.send("a@example.net", [f"{name}@{DOMAIN}"], TEXT)
        i.await_mail(name, 1)
        m = imap(i, name)
        assert m.append("INBOX", None, None, TEXT)[0] == (
            "NO" if name == "alice" else "OK")
        m.logout()
