"""Mailboxes that Dovecot and Courier leave behind, written here as these
programs write them, through the whole suite: IMAP clients see the UIDVALIDITY,
UIDs, flags, keywords and subscriptions that they know, POP3 clients the UIDLs,
whoever comes first."""

import imaplib
import os
import poplib
import re

import pytest

from support.instance import DOMAIN, PATIENCE

TEXT = b"From: a@example.net\nSubject: %d\n\nHello %d\n"
GUID = "0f3c2a7711d0e4b50f3c2a7711d0e4b5"


def imap(i, name):
    m = imaplib.IMAP4("127.0.0.1", i.imap_port, timeout=PATIENCE)
    assert m.login(f"{name}@{DOMAIN}", f"{name}-secret")[0] == "OK"
    return m


def pop(i, name):
    p = poplib.POP3("127.0.0.1", i.pop_port, timeout=PATIENCE)
    p.user(f"{name}@{DOMAIN}")
    p.pass_(f"{name}-secret")
    return p


def leave(i, name, files):
    """Files below Maildir/, as another server leaves them."""
    home, uid = i.home(name), i.uid(name)
    for path, content in files.items():
        path = home / "Maildir" / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes)
                         else content.encode())
    for folder in {"."} | {p.split("/")[0] for p in files if p[0] == "."}:
        for part in ("cur", "new", "tmp"):
            (home / "Maildir" / folder / part).mkdir(exist_ok=True)
    for path in [home, *home.rglob("*")]:
        os.chown(path, uid, uid)


def flags(m):
    """{uid: flags} of the selected mailbox."""
    _, data = m.uid("FETCH", "1:*", "(UID FLAGS)")
    got = {}
    for d in data:
        uid = int(re.search(rb"UID (\d+)", d).group(1))
        names = re.search(rb"FLAGS \(([^)]*)\)", d).group(1)
        got[uid] = set(names.decode().split()) - {"\\Recent"}
    return got


DOVECOT = {
    "dovecot-uidlist":
        f"3 V1700000000 N18 G{GUID}\n"
        "5 PUID5-77 W52 :1600000001.M1P2.mx,S=48,W=52\n"
        "9 :1600000002.M3P4.mx,S=48,W=52\n"
        "17 :1600000003.M5P6.mx\n",
    "dovecot-keywords": "0 $Label1\n1 $Forwarded\n2 NonJunk\n",
    "dovecot.index.log": b"\x01\x02\x28\x00",
    "dovecot-uidvalidity": "6553f101",
    "subscriptions": "V\t2\n\nSent\nArchive\t2024\n",
    "cur/1600000001.M1P2.mx,S=48,W=52:2,": TEXT % (5, 5),
    "cur/1600000002.M3P4.mx,S=48,W=52:2,FSabc": TEXT % (9, 9),
    "new/1600000003.M5P6.mx": TEXT % (17, 17),
    "new/1700000009.M7P8.mx": TEXT % (18, 18),
    ".Sent/maildirfolder": "",
    ".Sent/dovecot-uidlist": "3 V1700000001 N3\n1 :1600000001.M9P2.mx\n",
    ".Sent/cur/1600000001.M9P2.mx:2,S": TEXT % (1, 1),
    ".Archive.2024/maildirfolder": "",
    ".Archive.2024/dovecot-uidlist":
        "1 1700000002 8\n7 1600000001.M9P9.mx\n",
    ".Archive.2024/cur/1600000001.M9P9.mx:2,RS": TEXT % (7, 7),
}


def dovecot_imap(i, name):
    m = imap(i, name)
    assert m.select()[1] == [b"4"]
    assert m.response("UIDVALIDITY")[1] == [b"1700000000"]
    assert m.response("UIDNEXT")[1] == [b"19"]
    assert flags(m) == {
        5: set(), 17: set(), 18: set(),
        9: {"\\Flagged", "\\Seen", "$Label1", "$Forwarded", "NonJunk"}}
    for uid in (5, 9, 17, 18):
        _, data = m.uid("FETCH", str(uid), "(BODY.PEEK[])")
        assert data[0][1] == (TEXT % (uid, uid)).replace(b"\n", b"\r\n")
    assert m.select("Sent")[1] == [b"1"]
    assert m.response("UIDVALIDITY")[1] == [b"1700000001"]
    assert flags(m) == {1: {"\\Seen"}}
    assert m.select("Archive.2024")[1] == [b"1"]
    assert m.response("UIDVALIDITY")[1] == [b"1700000002"]
    assert flags(m) == {7: {"\\Seen", "\\Answered"}}
    assert sorted(d.split()[-1].strip(b"\"") for d in m.lsub()[1]) == [
        b"Archive.2024", b"Sent"]
    m.logout()


def dovecot_pop(i, name):
    p = pop(i, name)
    ours = b"6553f10000000012"
    assert [l.split()[1] for l in p.uidl()[1]] == [
        b"UID5-77", b"000000096553f100", b"000000116553f100", ours]
    assert p.retr(2)[1][1] == b"Subject: 9"
    p.quit()


@pytest.mark.parametrize("order", [
    (dovecot_imap, dovecot_pop), (dovecot_pop, dovecot_imap)],
    ids=["imap-first", "pop3-first"])
def test_dovecot(instance, order):
    leave(instance, "alice", DOVECOT)
    for look in order * 2:
        look(instance, "alice")
    # Mail that comes now goes on from there, index or no index.
    instance.stop()
    for f in (instance.home("alice") / "index").iterdir():
        f.unlink()
    instance.start()
    for look in order:
        look(instance, "alice")


COURIER = {
    "courierimapuiddb": "1 1700000000 12\n3 1600000001.M1P2.mx,S=48\n"
                        "11 1600000002.M3P4.mx,S=48\n",
    "courierpop3dsizelist": "/3 9 1690000000\n"
        "1600000001.M1P2.mx,S=48:2,S 52 4:1690000000:0\n"
        "1600000002.M3P4.mx,S=48 52 0:0:0\n",
    "courierimapkeywords/:list": "$Label1\nWork\n\n"
        "1600000002.M3P4.mx,S=48:0 1\n",
    "courierimapsubscribed": "INBOX\nINBOX.Sent\n",
    "maildirsize": "10000000S\n96 2\n",
    "cur/1600000001.M1P2.mx,S=48:2,S": TEXT % (3, 3),
    "cur/1600000002.M3P4.mx,S=48:2,": TEXT % (11, 11),
    # The same UIDVALIDITY: both were first opened within one second.
    ".Sent/maildirfolder": "",
    ".Sent/courierimapuiddb": "1 1700000000 4\n3 1600000001.M9P2.mx\n",
    ".Sent/cur/1600000001.M9P2.mx:2,S": TEXT % (3, 3),
}


def test_courier(instance):
    leave(instance, "alice", COURIER)
    for _ in range(2):
        p = pop(instance, "alice")
        assert [l.split()[1] for l in p.uidl()[1]] == [
            b"UID4-1690000000", b"1600000002.M3P4.mx,S=48"]
        p.quit()
        m = imap(instance, "alice")
        assert m.select()[1] == [b"2"]
        assert m.response("UIDVALIDITY")[1] == [b"1700000000"]
        assert m.response("UIDNEXT")[1] == [b"12"]
        assert flags(m) == {3: {"\\Seen"}, 11: {"$Label1", "Work"}}
        assert m.select("Sent")[1] == [b"1"]
        assert m.response("UIDVALIDITY")[1] == [b"1700000000"]
        assert flags(m) == {3: {"\\Seen"}}
        assert sorted(d.split()[-1].strip(b"\"") for d in m.lsub()[1]) == [
            b"INBOX", b"Sent"]
        m.logout()
