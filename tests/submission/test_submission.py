"""Submission (RFC 6409): who may send what to whom, and what becomes of it."""

import re
import smtplib
import subprocess

import pytest

from support.instance import BUILD, DOMAIN

from .world import BODY, Submission

ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"


@pytest.fixture
def make(tmp_path):
    made = []

    def new(*args, **options):
        made.append(Submission(tmp_path / f"i{len(made)}", *args,
                               **options).start())
        return made[-1]

    yield new
    for i in made:
        i.close()


def codes(replies):
    return [code for code, _ in replies]


def test_the_right_process_serves_it(make):
    i = make()
    with i.client() as c:
        c.login()
        replies = c.transaction(ALICE, [BOB])
        assert codes(replies) == [250, 250, 250]
    [path] = i.await_mail("bob", 1)
    text = path.read_bytes()
    assert b" with ESMTPA id " in text
    accepted = i.log(event="login-accepted", user=ALICE)[0]
    assert int(accepted["pid"]) in i.pids("smtpd")
    uids = {pid: open(f"/proc/{pid}/status").read() for pid in
            i.pids("smtpd")}
    assert len({re.search(r"^Uid:\t(\d+)", t, re.M)[1]
                for t in uids.values()}) == 2
    [queued] = i.log(event="message-accepted")
    assert queued["pid"] == accepted["pid"]


def test_it_is_completed_and_keeps_its_secrets(make):
    i = make()
    content = (b"From: alice\r\nbCc: spy@example.net,\r\n\tmore@example.net"
               b"\r\nResent-Bcc : x\r\nSubject: s\r\n\r\nBcc: in the body\r\n")
    with i.client() as c:
        c.login()
        assert codes(c.transaction(ALICE, [BOB], content)) == [250] * 3
        assert codes(c.transaction(ALICE, [BOB], BODY.replace(
            b"Subject", b"Date: Fri, 21 Nov 1997 09:55:06 -0600\r\n"
            b"Message-ID: <1@x>\r\nSubject"))) == [250] * 3
    one, two = sorted(i.await_mail("bob", 2), key=lambda p: p.stat().st_size)
    texts = [p.read_bytes() for p in (one, two)]
    first = next(t for t in texts if b"in the body" in t)
    second = next(t for t in texts if b"<1@x>" in t)
    header, body = first.split(b"\r\n\r\n" if b"\r\n\r\n" in first
                               else b"\n\n", 1)
    assert b"spy@" not in first and b"more@" not in first
    assert b"esent-" not in first and b"Bcc: in the body" in body
    assert re.search(rb"^Date: \w+, \d+ \w+ \d+ [\d:]+ [+-]\d{4}\r?$",
                     header, re.M)
    assert re.search(rb"^Message-ID: <[0-9a-f.]+@mx.example.org>\r?$",
                     header, re.M)
    assert second.count(b"Date: ") == second.count(b"Message-ID: ") == 1


def test_a_header_section_too_long(make):
    i = make()
    with i.client() as c:
        c.login()
        filler = b"X-Filler: " + b"x" * 90 + b"\r\n"
        replies = c.transaction(ALICE, [BOB], filler * 4000 + b"\r\n")
        assert replies[-1] == (552, "5.3.4 Header section too long")
        replies = c.transaction(ALICE, [BOB], filler * 2000 +
                                b"Bcc: x\r\n\r\nend\r\n")
        assert codes(replies) == [250] * 3
    [path] = i.await_mail("bob", 1)
    assert b"\nBcc:" not in path.read_bytes()


def test_whose_address(make):
    i = make(aliases="sales: alice, bob\nboss: bob\n")
    with i.client() as c:
        c.login()
        for sender in (ALICE, "ALICE@example.org", f'"alice"@{DOMAIN}',
                       f"sales@{DOMAIN}", ""):
            assert codes(c.transaction(sender, [BOB])) == [250] * 3, sender
        for sender in (BOB, f"boss@{DOMAIN}", f"nobody@{DOMAIN}",
                       "alice@example.net"):
            [(code, text)] = c.transaction(sender, [BOB])
            assert (code, text[:5]) == (553, "5.7.1"), sender
        # Commands that come in one piece behind MAIL wait for its reply.
        c.send(f"MAIL FROM:<{BOB}>\r\nRCPT TO:<{BOB}>\r\nRSET\r\n"
               f"MAIL FROM:<{ALICE}>\r\nRCPT TO:<{BOB}>\r\nRSET\r\n")
        assert [c.reply()[0] for _ in range(6)] == [553, 503, 250, 250, 250,
                                                    250]
    i = make(smtpd="sender_addresses = any\n")
    with i.client() as c:
        c.login()
        assert codes(c.transaction("alice@example.net", [BOB])) == [250] * 3


def test_to_anybody_but_only_for_users(make):
    """RCPT: what is not ours is for those who have logged in, for programs of
    this host, and for relay_networks."""
    away = "someone@elsewhere.example"
    i = make()
    with i.client(port=i.smtp_port) as c:
        assert codes(c.transaction(ALICE, [away])) == [250, 550]
    with i.client() as c:
        c.login()
        c.expect(f"MAIL FROM:<{ALICE}>", 250)
        c.expect(f"RCPT TO:<{away}>", 250, "2.1.5")
        c.expect(f"RCPT TO:<nobody@{DOMAIN}>", 550, "5.1.1")
        c.expect(f"RCPT TO:<a%elsewhere.example@{DOMAIN}>", 550, "5.7.1")
    i = make(settings="relay_networks = 192.0.2.0/24 127.0.0.1\n")
    with i.client(port=i.smtp_port) as c:
        c.expect(f"MAIL FROM:<{ALICE}>", 250)
        c.expect(f"RCPT TO:<{away}>", 250, "2.1.5")
    i = make(settings="relay_networks = 192.0.2.0/24 127.0.0.2\n")
    with i.client(port=i.smtp_port) as c:
        assert codes(c.transaction(ALICE, [away])) == [250, 550]


def test_relay_networks_that_are_none(make):
    i = make()
    text = (i.conf / "bulkhead.conf").read_text()
    i.write("bulkhead.conf", text + "relay_networks = 192.0.2.1/24\n")
    r = i.command("check")
    assert r.returncode != 0 and "192.0.2.1/24" in r.stderr + r.stdout
    i.write("bulkhead.conf", text)


def test_quota(make):
    i = make(smtpd="account_recipients_per_hour = 5\n")
    with i.client() as c:
        c.login()
        # What was not sent counts not.
        for _ in range(3):
            c.expect(f"MAIL FROM:<{ALICE}>", 250)
            for _ in range(4):
                c.expect(f"RCPT TO:<{BOB}>", 250)
            c.expect("RSET", 250)
        assert codes(c.transaction(ALICE, [BOB] * 4)) == [250] * 6
        replies = c.transaction(ALICE, [BOB] * 3)
        assert codes(replies) == [250, 250, 450, 450, 250]
        assert replies[2][1].startswith("4.7.1 ")
        # In every session of the account, and in no other's.
        with i.client() as other:
            other.login()
            assert codes(other.transaction(ALICE, [BOB])) == [250, 450]
        with i.client() as other:
            other.login("bob")
            assert codes(other.transaction(BOB, [BOB])) == [250] * 3
    [line] = i.log(event="quota-reached")
    assert line["user"] == ALICE and line["recipients-per-hour"] == "5"


def test_no_quota(make):
    i = make(smtpd="account_recipients_per_hour = 0\n")
    with i.client() as c:
        c.login()
        assert codes(c.transaction(ALICE, [BOB] * 50)) == [250] * 52


def test_programs_of_this_host(make):
    """The injection socket needs no login; its quota is the uid's."""
    i = make(smtpd="inject_recipients_per_hour = 2\n")
    path = i.run / "inject"
    i.run.chmod(0o711)
    script = f"""
import os, socket
os.setuid(65534)
s = socket.socket(socket.AF_UNIX); s.connect({str(path)!r})
f = s.makefile("rb")
print(f.readline().decode()[:3])
for line in ("MAIL FROM:<x@example.org>", "RCPT TO:<{BOB}>",
             "RCPT TO:<someone@elsewhere.example>", "RCPT TO:<{BOB}>"):
    s.sendall(line.encode() + b"\\r\\n")
    print(f.readline().decode()[:3])
"""
    r = subprocess.run(["python3", "-c", script], capture_output=True,
                       text=True)
    assert r.stdout.split() == ["220", "250", "250", "250", "450"], r


def test_auth_parameter(make):
    i = make()
    with i.client() as c:
        c.login()
        for value, code in (("<>", 250), ("alice@example.org", 250),
                            ("e+3Dmc2@example.com", 250), ("+3", 501),
                            ("alice", 501)):
            c.expect(f"MAIL FROM:<{ALICE}> AUTH={value}", code)
            c.expect("RSET", 250)
    with i.client(port=i.smtp_port) as c:
        c.expect(f"MAIL FROM:<{ALICE}> AUTH=<>", 555, "5.5.4")
