"""VRFY and EXPN (RFC 5321 section 3.5): silent by default; switched on they
verify and list, one after the other, whatever else the client sends."""

import socket

import pytest

from support.instance import DOMAIN, Instance

MEMBERS = 101
TABLES = {
    "domains": f"{DOMAIN}\nrelay.example relay\nopen.example relay unchecked\n",
    "relay-recipients": "rita@relay.example\n",
    "aliases": "team: alice, bob+news, carol@far.example\n"
               "gone: removed\nbroken: :include:none\n"
               + "big: " + ", ".join(f"alice+{n}" for n in range(MEMBERS))
               + "\nfits: "
               + ", ".join(f"alice+{n}" for n in range(MEMBERS - 1)) + "\n",
}
ON = {**TABLES, "smtpd.conf": "vrfy = yes\nexpn = yes\n"
                              "early_commands = accept\n"}


@pytest.fixture(scope="module")
def on(tmp_path_factory):
    with Instance(tmp_path_factory.mktemp("vrfy"), files=ON) as i:
        yield i.start()


def say(i, command):
    with i.smtp() as c:
        c.ehlo()
        return c.docmd(command)


@pytest.mark.parametrize("command, code, text", [
    ("VRFY alice", 250, f"2.1.5 <alice@{DOMAIN}>"),
    (f"VRFY <Alice+X@{DOMAIN}>", 250, f"2.1.5 <alice+X@{DOMAIN}>"),
    (f"VRFY alice@{DOMAIN}", 250, f"2.1.5 <alice@{DOMAIN}>"),
    ("VRFY team", 250, f"2.1.5 <team@{DOMAIN}>"),
    ("VRFY postmaster", 250, f"2.1.5 <root@{DOMAIN}>"),
    ("VRFY nobody", 550, "5.1.1 "),
    ("VRFY gone", 550, "5.1.1 "),
    ("VRFY bob@elsewhere.example", 550, "5.1.2 "),
    ("VRFY rita@relay.example", 252, "2.5.2 "),
    ("VRFY any@open.example", 252, "2.5.2 "),
    ("VRFY broken", 451, "4.3.0 "),
    ("VRFY", 501, "5.5.4 "),
    ("VRFY Crispin Ex", 501, "5.1.3 "),
    ("VRFY <>", 501, "5.1.3 "),
    ("VRFY a@b@c", 501, "5.1.3 "),
    ("EXPN alice", 250, f"2.1.5 <alice@{DOMAIN}>"),
    ("EXPN team", 250, f"2.1.5 <alice@{DOMAIN}>\n2.1.5 <bob+news@{DOMAIN}>\n"
     "2.1.5 <carol@far.example>"),
    ("EXPN big", 252, "2.5.2 Too many"),
    ("EXPN nobody", 550, "5.1.1 "),
    ("EXPN bob@elsewhere.example", 550, "5.1.2 "),
    ("EXPN broken", 451, "4.3.0 "),
    ("EXPN", 501, "5.5.4 "),
])
def test_answer(on, command, code, text):
    got = say(on, command)
    assert got[0] == code, got
    assert got[1].decode().startswith(text), got
    if text[-1] == ">":
        assert got[1].decode() == text


def test_a_hundred_members(on):
    code, text = say(on, "EXPN fits")
    assert code == 250
    assert text.count(b"\n") == MEMBERS - 2


def test_offered_where_it_works(on):
    with on.smtp() as c:
        c.ehlo()
        assert c.has_extn("vrfy") and c.has_extn("expn")


def test_off_by_default(new_instance):
    i = new_instance(files=TABLES).start()
    with i.smtp() as c:
        c.ehlo()
        assert not c.has_extn("vrfy") and not c.has_extn("expn")
        assert c.docmd("VRFY alice")[0] == 252
        assert c.docmd("VRFY nobody")[0] == 252
        assert c.docmd("EXPN team")[0] == 502


def test_pipelined_in_order(on):
    """Whatever comes behind waits; the replies keep the order."""
    with socket.create_connection(("127.0.0.1", on.smtp_port), 10) as c:
        f = c.makefile("rb")
        f.readline()
        c.sendall(b"HELO x\r\n" + b"VRFY alice\r\nEXPN bob\r\nNOOP\r\n"
                  b"VRFY nobody\r\n" * 20 + b"QUIT\r\n")
        codes = [line[:3] for line in f]
    assert codes[:17] == [b"250"] + [b"250", b"250", b"250", b"550"] * 4
    # Too many errors end the session, in the middle of it all.
    assert len(codes) <= 82 and codes[-1] in (b"221", b"421")


def test_gone_while_it_is_asked(on):
    for command in (b"VRFY alice\r\n", b"EXPN team\r\n") * 20:
        with socket.create_connection(("127.0.0.1", on.smtp_port), 10) as c:
            c.sendall(b"HELO x\r\n" + command)
    assert say(on, "VRFY alice")[0] == 250


def test_directory_down(new_instance):
    i = new_instance(files=ON).start()
    i.kill("directory")
    for _ in range(200):
        code, _ = say(i, "VRFY alice")
        if code == 250:
            break
        assert code == 451
    assert code == 250


def test_guessing_names_is_ended(on):
    with on.smtp() as c:
        c.ehlo()
        codes = [c.docmd(f"VRFY guess{n}")[0] for n in range(19)]
        assert codes == [550] * 19
        assert c.docmd("VRFY guess")[0] == 550
        assert c.getreply()[0] == 421
