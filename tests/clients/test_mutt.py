"""mutt on a terminal of its own, with keys that its configuration pushes or
that the test presses."""

import os
import re

import pytest

from .world import (ALICE, BOB, Terminal, eventually, letter, number_of, ok,
                    program)


class Mutt:
    def __init__(self, desk, doors, tls="imaps"):
        self.desk, self.doors = desk, doors
        self.mutt = program("mutt")
        port = doors.imaps_port if tls == "imaps" else doors.imap_port
        self.smtp = (f"smtps://{ALICE.replace('@', '%40')}@localhost:"
                     f"{doors.submissions_port}/")
        self.url = f"{tls}://localhost:{port}/"

    def rc(self, more="", keys=""):
        (self.desk.home / "cache").mkdir(exist_ok=True)
        return self.desk.write("muttrc", f"""
set imap_user="{ALICE}" imap_pass="alice-secret" from="{ALICE}"
set folder="{self.url}" spoolfile="{self.url}INBOX" record="{self.url}Sent"
set ssl_force_tls=yes ssl_starttls=yes
set ssl_ca_certificates_file="{self.desk.ca}"
set certificate_file="{self.desk.home}/certificates"
set smtp_url="{self.smtp}"
set smtp_authenticators="plain" smtp_pass="alice-secret"
set quit=yes delete=yes move=no wait_key=no sort=mailbox-order mark_old=no
set confirmappend=no confirmcreate=no send_charset="utf-8" imap_check_subscribed=no resolve=no
set timeout=1 mail_check=1 pager_stop=yes markers=no
set index_format="%3C %S %s"
{more}
{f'push "{keys}"' if keys else ""}
""")

    def open(self, more="", keys=""):
        rc = self.rc(more, keys)
        return Terminal(self.desk, self.mutt, "-n", "-F", rc)


@pytest.mark.parametrize("tls", ["imaps", "imap"])
def test_a_script_of_keys(desk, doors, tls):
    """Pushed keys open one letter, whose text is shown; a macro flags another,
    saves a third to a folder that mutt creates, deletes a fourth; the server
    has it all at the end.  With the plain door it is all after STARTTLS."""
    doors.put(range(1, 6), body="The word is heliotrope.")
    script = ("2<enter><flag-message>3<enter><save-message>=Kept<enter>"
              "4<enter><delete-message><sync-mailbox><quit>")
    with Mutt(desk, doors, tls).open(
            f'macro pager X "<exit>{script}"',
            keys="<first-entry><display-message>") as t:
        t.await_text(b"heliotrope")
        t.press("X")
        assert t.await_end() == 0, t.all[-3000:]
    letters = doors.letters()
    assert set(letters) == {1, 2, 5}
    assert letters[1] == {"\\Seen"}
    assert letters[2] == {"\\Flagged"}
    assert set(doors.letters("Kept")) == {3}


def test_new_mail_is_shown_while_it_is_open(desk, doors):
    """With IDLE a letter that arrives is in the list without a key, and what
    another client expunges goes from it."""
    doors.put([1, 2])
    with Mutt(desk, doors).open("set imap_idle=yes") as t:
        t.await_text(b"letter 2")
        doors.send("s@example.net", [ALICE], letter(3, subject="Halloo"))
        t.await_text(b"Halloo")
        with doors.phone() as c:
            ok(c.select())
            ok(c.store("1", "+FLAGS", "(\\Deleted)"))
            ok(c.expunge())
        # Now the newest is the second of two.
        t.await_text(b"externally modified")
        t.press("2\r")
        t.press("\r")
        t.await_text(b"A line.")
        t.press("q")
        t.press("q")
        assert t.await_end() == 0
    assert doors.letters() == {2: set(), 3: {"\\Seen"}}


def test_the_server_searches(desk, doors):
    """A limit by =b is the server's SEARCH: the tagged letters that it found
    are moved in one command."""
    with doors.phone() as c:
        ok(c.create("Found"))
    doors.put(range(1, 20), body="Nothing of interest.")
    doors.put([20, 21], body="Somewhere a needle lies.")
    with Mutt(desk, doors).open(keys=(
            "<limit>=b needle<enter><tag-pattern>~A<enter>"
            "<tag-prefix><save-message>=Found<enter>"
            "<limit>~A<enter><sync-mailbox><quit>")) as t:
        assert t.await_end() == 0, t.all[-3000:]
    assert set(doors.letters("Found")) == {20, 21}
    assert set(doors.letters()) == set(range(1, 20))


def test_what_changed_since_the_cache(desk, doors):
    """With a cache of headers and QRESYNC mutt is told what changed since it
    was closed: a letter less, a flag, a new one."""
    doors.put(range(1, 31))
    cached = (f'set header_cache="{desk.home}/cache" imap_condstore=yes '
              "imap_qresync=yes imap_deflate=yes")
    with Mutt(desk, doors).open(cached, keys="<quit>") as t:
        assert t.await_end() == 0, t.all[-3000:]
    assert any(files for _, _, files in os.walk(desk.home / "cache"))
    with doors.phone() as c:
        ok(c.select())
        ok(c.store("3", "+FLAGS", "(\\Flagged)"))
        ok(c.store("5", "+FLAGS", "(\\Deleted)"))
        ok(c.expunge())
    doors.put([40])
    with Mutt(desk, doors).open(cached, keys=(
            "<limit>~F<enter><first-entry><display-message><exit>"
            "<limit>~A<enter><last-entry><display-message><exit>"
            "5<enter><display-message><exit><quit>")) as t:
        assert t.await_end() == 0, t.all[-3000:]
    letters = doors.letters()
    assert set(letters) == set(range(1, 31)) - {5} | {40}
    assert letters[3] == {"\\Flagged", "\\Seen"}
    assert {n for n, flags in letters.items() if "\\Seen" in flags} == {
        3, 6, 40}


def test_it_sends_and_keeps_a_copy(desk, doors):
    """A message with an attachment, sent by submission over TLS: bob has it,
    and by IMAP it is in the folder of what was sent."""
    with doors.phone() as c:
        ok(c.create("Sent"))
    m = Mutt(desk, doors)
    rc = m.rc()
    picture = desk.write("picture.bin", "0123456789abcdef" * 64)
    body = desk.write("body", "Gr\u00fc\u00dfe, Alice\n")
    desk.run("/bin/sh", "-c", f'exec {m.mutt} -n -F {rc} -s "To b\u00f6b \u20ac" '
             f"-a {picture} -- {BOB} <{body}")
    doors.await_mail("bob", 1)
    [got] = doors.messages("bob")
    assert b"with ESMTPSA id" in got
    with doors.phone() as c:
        ok(c.select("Sent", readonly=True))
        assert ok(c.search(None, "ALL"))[0] == b"1"
        [(_, sent), *_] = ok(c.fetch("1", "(BODY.PEEK[])"))
    for octets in got, sent:
        assert re.search(rb"^Subject: .*=\?utf-8\?", octets, re.M), octets
        assert b"picture.bin" in octets
    assert number_of(got) is None
