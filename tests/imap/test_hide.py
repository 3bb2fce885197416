"""hide_capabilities: what one account's clients are not told of, and the
account's name on its way from authd to its session."""

import socket

import pytest

MAIL = b"From: a@b.test\nSubject: x\n\nhello\n"
HIDE = "hide_capabilities = bob:IDLE bob:condstore *:XLIST al@x.test:LITERAL+\n"


def announced(s):
    words = s.ok("CAPABILITY")[0].decode().split()[2:]
    greeting = s.greeting.decode()
    assert greeting[greeting.index("[CAPABILITY ") + 12:
                    greeting.index("]")].split() == words
    return words


@pytest.mark.parametrize("user,gone", [
    (b"bob", {"IDLE", "CONDSTORE", "XLIST"}), (b"BOB", {"IDLE", "XLIST"}),
    (b"bobby", {"XLIST"}), (b"", {"XLIST"}), (b"al@x.test", {"LITERAL+"})])
def test_hidden(session, user, gone):
    all_of_them = set(announced(session()))
    assert "LITERAL-" not in all_of_them and "IDLE" in all_of_them
    words = set(announced(session(HIDE, user)))
    assert not gone & words
    if user == b"bobby":
        assert words == all_of_them - {"XLIST"}
    assert ("LITERAL-" in words) == ("LITERAL+" in gone)


def test_hidden_is_not_refused(session):
    s = session(HIDE)
    s.append(MAIL)
    s.ok("SELECT INBOX (CONDSTORE)")
    s.send(b"i IDLE\r\nDONE\r\n")
    while not (r := s.response()).startswith(b"i "):
        pass
    assert r.startswith(b"i OK")


def test_hidden_is_not_enabled(session):
    """By the one from whom it is hidden, and who was told of it before."""
    s = session("hide_capabilities = bob:IMAP4rev2 bob:QRESYNC\n")
    lines = s.ok("ENABLE IMAP4rev2 QRESYNC UTF8=ACCEPT")
    assert lines == [b"* ENABLED UTF8=ACCEPT\r\n"]


def test_hidden_from_everybody_before_login(new_instance):
    i = new_instance(files={
        "imapd.conf": "hide_capabilities = *:IMAP4rev2 *:IDLE alice:ID "
        "*:LITERAL+\n"}).start()
    with socket.create_connection(("127.0.0.1", i.imap_port), 30) as s:
        words = s.recv(4096).decode().partition("]")[0].split()
    assert {"IMAP4rev1", "ENABLE", "SASL-IR", "ID", "LITERAL-"} <= set(words)
    assert not {"IMAP4rev2", "IDLE", "LITERAL+"} & set(words)


def test_literal_minus(session):
    """RFC 7888 section 5: 4,096 octets without waiting, and no more."""
    s = session(HIDE, b"al@x.test")
    name = b"x" * 4096
    s.send(b"a SELECT {4096+}\r\n" + name + b"\r\n")
    assert s.response().startswith(b"a NO")
    s.append(MAIL * 300)	# that waits
    s.send(b"b APPEND INBOX {4097+}\r\n")
    assert s.response().startswith(b"* BYE")
    assert s.file.read() == b""


@pytest.mark.parametrize("word", ["bob", "bob:", ":IDLE", "bob:FOO",
                                  "bob:IMAP4rev1", "bob:APPENDLIMIT=5"])
def test_bad_setting(session, word):
    """Refused by name, before there is a session."""
    with pytest.raises(AssertionError, match="8, 1"):	# REFUSED
        session(f"hide_capabilities = {word}\n")
