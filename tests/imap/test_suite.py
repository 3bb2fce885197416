"""IMAP through the whole suite with clients that nobody here wrote: Python's
imaplib and curl, mail coming in by SMTP."""

import imaplib
import re
import socket
import subprocess

import pytest

from imap.messages import WELL_FORMED
from support.instance import DOMAIN, PATIENCE, SANITIZED


def login(i, name):
    m = imaplib.IMAP4("127.0.0.1", i.imap_port, timeout=PATIENCE)
    assert m.login(f"{name}@{DOMAIN}", f"{name}-secret")[0] == "OK"
    return m


def curl(i, name, path, *options):
    r = subprocess.run(
        ["curl", "-sS", "--max-time", str(PATIENCE), "--user",
         f"{name}@{DOMAIN}:{name}-secret", *options,
         f"imap://127.0.0.1:{i.imap_port}/{path}"], capture_output=True)
    assert r.returncode == 0, r.stderr.decode()
    return r.stdout


def test_delivered_mail(shared):
    """Each message that came in by SMTP, by IMAP as it was sent."""
    for text in WELL_FORMED.values():
        shared.send("a@example.net", [f"u21@{DOMAIN}"],
                    text.replace(b"\n", b"\r\n"))
    shared.await_mail("u21", len(WELL_FORMED))
    m = login(shared, "u21")
    assert m.select()[1] == [str(len(WELL_FORMED)).encode()]
    _, numbers = m.search(None, "UNSEEN")
    assert len(numbers[0].split()) == len(WELL_FORMED)
    got = []
    for n in numbers[0].split():
        _, data = m.fetch(n, "(RFC822)")
        got.append(data[0][1])
    for text in WELL_FORMED.values():
        sent = text.replace(b"\n", b"\r\n")
        assert sum(g.endswith(sent) for g in got) == 1
    _, numbers = m.search(None, "UNSEEN")
    assert numbers == [b""]
    m.close()
    m.logout()


def test_imaplib(shared):
    m = login(shared, "u22")
    words = m.capability()[1][0].split()
    assert b"IDLE" in words and b"UIDPLUS" in words
    m.select()
    for n in range(3):
        assert m.append("INBOX", "(\\Flagged)", None,
                        b"Subject: %d\r\n\r\nbody\r\n" % n)[0] == "OK"
    assert m.noop()[0] == "OK"
    assert m.create("Work.Old")[0] == "OK"
    assert m.subscribe("Work.Old")[0] == "OK"
    assert m.lsub()[1] == [b'() "." "Work.Old"']
    assert m.copy("1:2", "Work.Old")[0] == "OK"
    assert m.status("Work.Old", "(MESSAGES)")[1] == [
        b'"Work.Old" (MESSAGES 2)']
    assert m.store("2", "+FLAGS", "\\Deleted")[0] == "OK"
    assert m.expunge()[1] == [b"2"]
    assert m.uid("SEARCH", "ALL")[1] == [b"1 3"]
    assert m.uid("MOVE", "3", "Work.Old")[0] == "OK"
    assert m.namespace()[1] == [b'(("" ".")) NIL NIL']
    assert m.rename("Work.Old", "Done")[0] == "OK"
    assert m.select("Done")[1] == [b"3"]
    assert m.unselect()[0] == "OK"
    assert m.delete("Done")[0] == "OK"
    assert m.logout()[0] == "BYE"


def test_imaplib_in_utf8(shared):
    """UTF8=ACCEPT and IMAP4rev2 by a client that knows the first by itself."""
    m = login(shared, "u29")
    assert "IMAP4REV2" in m.capabilities
    assert m.enable("UTF8=ACCEPT")[0] == "OK" and m.utf8_enabled
    assert m.create('"Entwürfe.日本"')[0] == "OK"
    assert '"Entwürfe.日本"'.encode() in b"".join(m.list()[1])
    assert m.select('"Entwürfe.日本"')[1] == [b"0"]
    assert m.search(None, 'SUBJECT "Grüße"') == ("OK", [b""])
    m.logout()
    old = login(shared, "u29")
    assert b'"Entw&APw-rfe.&ZeVnLA-"' in b"".join(old.list()[1])
    assert old.enable("IMAP4rev2")[0] == "OK"
    assert old.response("ENABLED")[1] == [b"IMAP4rev2"]
    assert old.select("INBOX")[0] == "OK"
    assert '"Entwürfe.日本"'.encode() in b"".join(old.list()[1])
    assert old.search(None, "ALL")[0] == "OK"
    assert old.response("ESEARCH")[1][0].startswith(b"(TAG ")
    old.logout()


def test_curl(shared, tmp_path):
    m = login(shared, "u23")
    text = b"Subject: curl\r\n\r\n" + b"line\r\n" * 100
    m.append("INBOX", None, None, text)
    m.create("Some")
    assert b'"Some"' in curl(shared, "u23", "")
    assert curl(shared, "u23", "INBOX;UID=1") == text
    assert curl(shared, "u23", "INBOX;UID=1;SECTION=TEXT") == text[17:]
    assert curl(shared, "u23", "INBOX?SUBJECT%20curl") == b"* SEARCH 1\r\n"
    assert b"EXISTS" in curl(shared, "u23", "", "-X", "EXAMINE INBOX")
    assert b"ENVELOPE" in curl(shared, "u23", "INBOX", "-X",
                               "FETCH 1 ENVELOPE")
    (tmp_path / "mail").write_bytes(text)
    curl(shared, "u23", "Some", "-T", str(tmp_path / "mail"))
    assert m.select("Some")[1] == [b"1"]
    m.logout()


def test_idle_sees_a_delivery(shared):
    m = login(shared, "u24")
    m.select()
    m.send(b"i IDLE\r\n")
    assert m.readline().startswith(b"+ ")
    shared.send("a@example.net", [f"u24@{DOMAIN}"], b"Subject: x\r\n\r\nnow\r\n")
    assert m.readline() == b"* 1 EXISTS\r\n"
    assert m.readline() == b"* 1 RECENT\r\n"
    m.send(b"DONE\r\n")
    assert m.readline().startswith(b"i OK")
    m.logout()


def test_commands_behind_the_login(shared):
    """What a client sends before it has its answer is not lost."""
    with socket.create_connection(("127.0.0.1", shared.imap_port),
                                  PATIENCE) as s:
        s.sendall(b"a LOGIN u25@%s u25-secret\r\nb SELECT INBOX\r\n"
                  b"c NOOP\r\nd LOGOUT\r\n" % DOMAIN.encode())
        got = b""
        while piece := s.recv(4096):
            got += piece
    assert re.search(rb"a OK .*b OK .*c OK .*\* BYE .*d OK ", got, re.S), got


def test_other_owners_mail(shared):
    """Two owners see their own INBOX, whatever they call the other's."""
    a, b = login(shared, "u26"), login(shared, "u27")
    a.append("INBOX", None, None, b"Subject: mine\r\n\r\n")
    assert b.select()[1] == [b"0"]
    for name in ("../%d/Maildir" % shared.accounts["u26"], "/etc", "~u26",
                 "&AC8-etc", '"..x"'):
        assert b.select(name)[0] == "NO"
    a.logout()
    b.logout()


@pytest.mark.skipif(SANITIZED, reason="a sanitizer build takes too much")
def test_many_sessions(shared):
    """Fifty sessions of one owner at one mailbox, all told of a change."""
    sessions = [login(shared, "u28") for _ in range(50)]
    for m in sessions:
        m.select()
    sessions[0].append("INBOX", None, None, b"Subject: x\r\n\r\n")
    for m in sessions:
        m.noop()
        assert m.response("EXISTS")[1][-1] == b"1"
    for m in sessions:
        m.logout()
