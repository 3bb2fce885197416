"""Every command after login, in every state, before and after ENABLE IMAP4rev2:
right, wrong in its arguments, too long, and in the wrong state; what it answers,
and which state it leaves."""

import re
from pathlib import Path

import pytest

MAIL = b"From: a@b.test\nSubject: one\n\nhello\n"
HEADER = (Path(__file__).resolve().parents[2] /
          "imapd/session/command.h").read_text()
# name: (arguments, may be sent without a mailbox, has a UID form)
COMMANDS = {m[0]: (m[1], m[2] == "ANY", m[3] == "true") for m in re.findall(
    r"X\((\w+),\s+(\w+),\s+(ANY|SELECTED),\s+(true|false)\)", HEADER)}

# command, answer without a mailbox, with one, with one opened by EXAMINE, and
# the state that it leaves where that is another: n(one), s(elected), e(xamined).
# "{}" is a literal with a message.
TABLE = [
    ("CAPABILITY", "OK", "OK", "OK"), ("NOOP", "OK", "OK", "OK"),
    ("noop", "OK", "OK", "OK"), ("FOO", "BAD", "BAD", "BAD"),
    ("UID", "BAD", "BAD", "BAD"), ("UID FOO 1", "BAD", "BAD", "BAD"),
    ("ID NIL", "OK", "OK", "OK"), ('ID ("name" "x")', "OK", "OK", "OK"),
    ('ID ("name" NIL)', "OK", "OK", "OK"), ("ID ()", "OK", "OK", "OK"),
    ("ID", "BAD", "BAD", "BAD"), ('ID ("x"', "BAD", "BAD", "BAD"),
    ("ID x", "BAD", "BAD", "BAD"), ("NAMESPACE", "OK", "OK", "OK"),
    # of the gate
    ("LOGIN a b", "BAD", "BAD", "BAD"), ("STARTTLS", "BAD", "BAD", "BAD"),
    ("AUTHENTICATE PLAIN", "BAD", "BAD", "BAD"),
    ("ENABLE CONDSTORE", "OK", "OK", "OK"), ("ENABLE X", "OK", "OK", "OK"),
    ("ENABLE", "BAD", "BAD", "BAD"), ('ENABLE "x"', "BAD", "BAD", "BAD"),
    ("ENABLE IMAP4rev2", "OK", "BAD", "BAD"),
    ("SELECT INBOX", "OK", "OK", "OK", "s"),
    ("select inbox", "OK", "OK", "OK", "s"),
    ("SELECT INBOX (CONDSTORE)", "OK", "OK", "OK", "s"),
    ("SELECT none", "NO", "NO", "NO", "n"),
    ("SELECT ../etc", "NO", "NO", "NO", "n"), ("SELECT", "BAD", "BAD", "BAD"),
    ('SELECT "a..b"', "NO", "NO", "NO", "n"), ("SELECT a b", "BAD", "BAD", "BAD"),
    ("SELECT a/b", "NO", "NO", "NO", "n"),
    ("SELECT INBOX (FOO)", "BAD", "BAD", "BAD"),
    ("SELECT INBOX (QRESYNC (1 1))", "BAD", "BAD", "BAD"),  # not enabled
    ("EXAMINE INBOX", "OK", "OK", "OK", "e"),
    ("EXAMINE none", "NO", "NO", "NO", "n"), ("EXAMINE", "BAD", "BAD", "BAD"),
    ("CREATE INBOX", "NO", "NO", "NO"), ("CREATE here", "NO", "NO", "NO"),
    ("CREATE new", "OK", "OK", "OK"), ("CREATE new.", "OK", "OK", "OK"),
    ("CREATE new (USE (\\Drafts))", "OK", "OK", "OK"),
    ("CREATE new (USE (\\All))", "NO", "NO", "NO"),
    ("CREATE new (USE)", "BAD", "BAD", "BAD"), ("CREATE", "BAD", "BAD", "BAD"),
    ("DELETE none", "NO", "NO", "NO"), ("DELETE INBOX", "NO", "NO", "NO"),
    ("DELETE here", "OK", "OK", "OK"), ("DELETE", "BAD", "BAD", "BAD"),
    ("DELETE a b", "BAD", "BAD", "BAD"), ("RENAME here there", "OK", "OK", "OK"),
    ("RENAME none there", "NO", "NO", "NO"),
    ("RENAME here here", "NO", "NO", "NO"),
    ("RENAME here here.below", "NO", "NO", "NO"),
    ("RENAME here", "BAD", "BAD", "BAD"), ("RENAME", "BAD", "BAD", "BAD"),
    ("SUBSCRIBE here", "OK", "OK", "OK"), ("SUBSCRIBE", "BAD", "BAD", "BAD"),
    ("SUBSCRIBE a..b", "NO", "NO", "NO"),
    ("UNSUBSCRIBE here", "OK", "OK", "OK"), ("UNSUBSCRIBE", "BAD", "BAD", "BAD"),
    ("UNSUBSCRIBE never", "OK", "OK", "OK"),
    ('LIST "" ""', "OK", "OK", "OK"), ('LIST "" *', "OK", "OK", "OK"),
    ('LIST (SUBSCRIBED) "" (a b*) RETURN (CHILDREN)', "OK", "OK", "OK"),
    ('LIST "" * RETURN (STATUS (UNSEEN))', "OK", "OK", "OK"),
    ("LIST", "BAD", "BAD", "BAD"), ('LIST ""', "BAD", "BAD", "BAD"),
    ('LIST (FOO) "" *', "BAD", "BAD", "BAD"), ('LSUB "" *', "OK", "OK", "OK"),
    ('LSUB', "BAD", "BAD", "BAD"), ('LSUB () "" *', "BAD", "BAD", "BAD"),
    ('XLIST "" *', "OK", "OK", "OK"), ('XLIST', "BAD", "BAD", "BAD"),
    ("STATUS INBOX (MESSAGES)", "OK", "OK", "OK"),
    ("STATUS INBOX (UIDNEXT UIDVALIDITY UNSEEN SIZE DELETED HIGHESTMODSEQ "
     "APPENDLIMIT MAILBOXID DELETED-STORAGE)", "OK", "OK", "OK"),
    ("STATUS none (MESSAGES)", "NO", "NO", "NO"),
    ("STATUS INBOX ()", "BAD", "BAD", "BAD"),
    ("STATUS INBOX (FOO)", "BAD", "BAD", "BAD"), ("STATUS", "BAD", "BAD", "BAD"),
    ("APPEND INBOX {}", "OK", "OK", "OK"), ("APPEND none {}", "NO", "NO", "NO"),
    ("APPEND INBOX (\\Seen) {} {}", "OK", "OK", "OK"),
    ("APPEND INBOX", "BAD", "BAD", "BAD"), ("APPEND INBOX x", "BAD", "BAD", "BAD"),
    ("APPEND INBOX (\\Recent) {}", "BAD", "BAD", "BAD"),
    ('APPEND INBOX "1-Feb-2020" {}', "BAD", "BAD", "BAD"),
    ("APPEND INBOX {} x", "BAD", "BAD", "BAD"),
    ("IDLE", "OK", "OK", "OK"), ("GETQUOTAROOT INBOX", "OK", "OK", "OK"),
    ("GETQUOTAROOT", "BAD", "BAD", "BAD"), ("GETQUOTA none", "NO", "NO", "NO"),
    # this account has none; test_objects.py has one that does
    ("GETQUOTA account", "NO", "NO", "NO"), ("GETQUOTA", "BAD", "BAD", "BAD"),
    ("SETQUOTA account (STORAGE 5)", "NO", "NO", "NO"),
    ("SETQUOTA account", "BAD", "BAD", "BAD"),
    ("COMPRESS", "BAD", "BAD", "BAD"), ("COMPRESS GZIP", "BAD", "BAD", "BAD"),
    ("CHECK", "BAD", "OK", "OK"), ("CLOSE", "BAD", "OK", "OK", "n"),
    ("UNSELECT", "BAD", "OK", "OK", "n"), ("EXPUNGE", "BAD", "OK", "NO"),
    ("EXPUNGE 1", "BAD", "BAD", "BAD"), ("UID EXPUNGE 1", "BAD", "OK", "NO"),
    ("UID EXPUNGE", "BAD", "BAD", "BAD"), ("UID NOOP", "BAD", "BAD", "BAD"),
    ("SEARCH ALL", "BAD", "OK", "OK"), ("SEARCH", "BAD", "BAD", "BAD"),
    ("SEARCH RETURN (MIN COUNT) UNSEEN", "BAD", "OK", "OK"),
    ("SEARCH (ALL", "BAD", "BAD", "BAD"), ("SEARCH FOO", "BAD", "BAD", "BAD"),
    ("SEARCH CHARSET X-NO ALL", "NO", "NO", "NO"),
    ("UID SEARCH ALL", "BAD", "OK", "OK"), ("UID SEARCH", "BAD", "BAD", "BAD"),
    ("SORT (DATE) UTF-8 ALL", "BAD", "OK", "OK"), ("SORT", "BAD", "BAD", "BAD"),
    ("SORT () UTF-8 ALL", "BAD", "BAD", "BAD"),
    ("SORT (DATE) X-NO ALL", "NO", "NO", "NO"),
    ("UID SORT (REVERSE SIZE) UTF-8 ALL", "BAD", "OK", "OK"),
    ("UID SORT", "BAD", "BAD", "BAD"),
    ("THREAD REFERENCES UTF-8 ALL", "BAD", "OK", "OK"),
    ("THREAD", "BAD", "BAD", "BAD"), ("THREAD FOO UTF-8 ALL", "BAD", "BAD", "BAD"),
    ("UID THREAD ORDEREDSUBJECT UTF-8 ALL", "BAD", "OK", "OK"),
    ("UID THREAD", "BAD", "BAD", "BAD"),
    ("FETCH 1 FLAGS", "BAD", "OK", "OK"), ("FETCH 2 FLAGS", "BAD", "BAD", "BAD"),
    ("FETCH 1:* (UID ENVELOPE BODY[TEXT])", "BAD", "OK", "OK"),
    ("FETCH 7:* FLAGS", "BAD", "OK", "OK"), ("FETCH 1", "BAD", "BAD", "BAD"),
    ("FETCH 0 FLAGS", "BAD", "BAD", "BAD"), ("FETCH 1 FOO", "BAD", "BAD", "BAD"),
    ("FETCH", "BAD", "BAD", "BAD"), ("UID FETCH 99 FLAGS", "BAD", "OK", "OK"),
    ("UID FETCH x FLAGS", "BAD", "BAD", "BAD"),
    ("UID FETCH 1 FLAGS (CHANGEDSINCE 1)", "BAD", "OK", "OK"),
    ("UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)", "BAD", "BAD", "BAD"),
    ("STORE 1 FLAGS (\\Seen)", "BAD", "OK", "NO"),
    ("STORE 1 +FLAGS.SILENT (\\Seen $x)", "BAD", "OK", "NO"),
    ("STORE 1 (UNCHANGEDSINCE 999999) FLAGS ()", "BAD", "OK", "NO"),
    ("STORE 1 FLAGS (\\Recent)", "BAD", "BAD", "BAD"),
    ("STORE 2 FLAGS ()", "BAD", "BAD", "BAD"), ("STORE", "BAD", "BAD", "BAD"),
    ("UID STORE 1 -FLAGS (\\Seen)", "BAD", "OK", "NO"),
    ("UID STORE 1", "BAD", "BAD", "BAD"),
    ("COPY 1 here", "BAD", "OK", "OK"), ("COPY 1 none", "BAD", "NO", "NO"),
    ("COPY 2 here", "BAD", "BAD", "BAD"), ("COPY", "BAD", "BAD", "BAD"),
    ("UID COPY 1 here", "BAD", "OK", "OK"), ("UID COPY 1", "BAD", "BAD", "BAD"),
    ("MOVE 1 here", "BAD", "OK", "NO"), ("MOVE 1 none", "BAD", "NO", "NO"),
    ("MOVE", "BAD", "BAD", "BAD"), ("UID MOVE 1 here", "BAD", "OK", "NO"),
    ("UID MOVE", "BAD", "BAD", "BAD"),
    ("REPLACE 1 INBOX {}", "BAD", "OK", "NO"), ("REPLACE", "BAD", "BAD", "BAD"),
    ("REPLACE 1 INBOX", "BAD", "BAD", "BAD"),
    ("REPLACE 1:2 INBOX {}", "BAD", "BAD", "BAD"),
    ("UID REPLACE * INBOX {}", "BAD", "OK", "NO"),
    ("UID REPLACE 1", "BAD", "BAD", "BAD"),
]
# what takes no arguments takes none
TABLE += [(f"{name} x", "BAD", "BAD", "BAD")
          for name, (arguments, _, _) in COMMANDS.items() if arguments == "NONE"]
# These end the dialogue, or its clear text: see below and test_compress.py.
APART = {"LOGOUT", "COMPRESS"}


def name_of(command):
    words = command.split()
    return " ".join(words[:2] if words[0] == "UID" and len(words) > 1 else
                    words[:1]).upper()


def test_the_table_has_every_command():
    assert len(COMMANDS) > 30
    names = {n for n in COMMANDS} | {
        "UID " + n for n, (_, _, uid) in COMMANDS.items() if uid}
    for status in ("OK", "BAD"):
        have = {name_of(row[0]) for row in TABLE if status in row[1:4]}
        # nobody but the operator sets quotas
        lacking = names - have - (APART | {"SETQUOTA", "GETQUOTA"}
                                  if status == "OK" else set())
        assert not lacking, status
    for row in TABLE:
        command = COMMANDS.get(name_of(row[0]).split()[-1])
        assert command is None or command[1] or row[1] != "OK", row


def state_of(s):
    if s.ask("CHECK").status == "BAD":
        return "n"
    return "e" if s.ask("UID EXPUNGE 4294967295").status == "NO" else "s"


def ask(s, command):
    if command == "IDLE":
        s.send(b"idle IDLE\r\n")
        while not s.response().startswith(b"+"):
            pass
        s.send(b"DONE\r\n")
        return s.finish("idle", [], s.response())
    return s.ask(command, *[MAIL] * command.count("{}"))


def prepare(s, state):
    s.ask("UNSELECT")
    for name in ("here", "new", "there"):
        s.ask(f"DELETE {name}")
    s.ok("CREATE here")
    s.ok("SELECT INBOX")
    s.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    s.ok("CLOSE")
    s.append(MAIL)
    if state != "n":
        s.ok(("SELECT" if state == "s" else "EXAMINE") + " INBOX")


@pytest.mark.parametrize("rev2", [False, True], ids=["rev1", "rev2"])
@pytest.mark.parametrize("state", "nse", ids=["none", "select", "examine"])
def test_states(session, state, rev2):
    s = session()
    if rev2:
        s.ok("ENABLE IMAP4rev2")
    for row in TABLE:
        prepare(s, state)
        r = ask(s, row[0])
        want = row[1 + "nse".index(state)]
        # a syntax error is BAD in any state, a wrong charset is one, too
        assert r.status == want, (row, r.text)
        # BAD changes nothing
        after = row[4] if len(row) > 4 and want != "BAD" else state
        assert state_of(s) == after, row


@pytest.mark.parametrize("state", "nse", ids=["none", "select", "examine"])
def test_logout(session, state):
    s = session()
    prepare(s, state)
    r = s.ok("LOGOUT")
    assert r[-1].startswith(b"* BYE ")
    assert s.file.read() == b""
    assert s.ended() == 0


@pytest.mark.parametrize("state", "nse", ids=["none", "select", "examine"])
def test_long_arguments(session, state):
    """20,000 octets where something short belongs: refused, and all goes on."""
    s = session()
    prepare(s, state)
    for name, (_, _, uid) in COMMANDS.items():
        for prefix in ("", "UID ") if uid else ("",):
            for argument in ("x" * 20000, "1" * 20000, "(" * 20000,
                             '"' + "x" * 20000 + '"'):
                if name in ("ENABLE", "UNSUBSCRIBE") and argument[0] != "(":
                    continue    # a name that nobody knows, or a long one
                if name in ("SELECT", "EXAMINE"):
                    prepare(s, state)
                r = s.ask(prefix + name + " " + argument)
                assert r.status in ("BAD", "NO"), (name, argument[:3])
                s.ok("NOOP")
            prepare(s, state)       # and so that no 50 errors are in a row


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_too_long(session, name):
    """Past 64 KiB there is no command any more, and the session ends."""
    s = session()
    s.send(f"a {name} ".encode() + b"x" * 70000 + b"\r\n")
    assert s.response() == b"* BYE a command is too long\r\n"
    assert s.file.read() == b""
    assert s.ended() == 0
