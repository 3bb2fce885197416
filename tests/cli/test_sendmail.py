"""sendmail(1) against a listener that says what a test wants it to say."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from support.instance import BUILD

PROGRAM = BUILD / "bin" / "bulkhead-sendmail"

pytestmark = pytest.mark.skipif(not PROGRAM.exists(),
                                reason=f"{PROGRAM} is not built")


class Listener:
    """The suite's side.  replies: verb (or "greeting", "end") to reply."""

    def __init__(self, path, replies=None, after=0):
        self.path, self.replies = str(path), replies or {}
        self.said, self.content = [], None
        self.after = after
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        if not self.after:
            self._listen()
        self.thread.start()
        return self

    def _listen(self):
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.socket.listen()

    def __exit__(self, *_):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)	# wakes accept()
        except OSError:
            pass
        self.thread.join(5)
        self.socket.close()

    def _serve(self):
        if self.after:
            time.sleep(self.after)
            self._listen()
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            with c, c.makefile("rb") as f:
                try:
                    self._session(c, f)
                except ConnectionError:
                    pass

    def reply(self, c, verb, standard):
        text = self.replies.get(verb, standard)
        if isinstance(text, list):
            text = text.pop(0) if len(text) > 1 else text[0]
        if text is None:
            return False
        c.sendall(text.encode() + b"\r\n")
        return True

    def _session(self, c, f):
        if not self.reply(c, "greeting", "220 mx.example.org ESMTP"):
            return
        for raw in f:
            text = raw.decode("latin-1")
            assert text.endswith("\r\n"), text
            self.said.append(text[:-2])
            verb = text.split()[0].upper()
            if verb == "EHLO":
                ok = self.reply(c, verb, "250-mx.example.org\r\n"
                                "250-PIPELINING\r\n250 8BITMIME")
            elif verb == "DATA":
                ok = self.reply(c, verb, "354 go on")
                if ok and self.replies.get(verb, "354").startswith("354"):
                    content = b""
                    for line in f:
                        if line == b".\r\n":
                            break
                        content += line
                    else:
                        self.content = ("cut", content)
                        return
                    self.content = content
                    ok = self.reply(c, "end", "250 2.0.0 queued")
            else:
                ok = self.reply(c, verb, {"QUIT": "221 bye"}.get(verb,
                                                                 "250 ok"))
            if not ok or verb == "QUIT":
                return


@pytest.fixture
def site():
    """Where other users may look, too: pytest's own folders are root's."""
    with tempfile.TemporaryDirectory(prefix="bh-sendmail-") as folder:
        os.chmod(folder, 0o755)
        yield configured(Path(folder))


def configured(tmp_path):
    conf = tmp_path / "etc"
    conf.mkdir(mode=0o755)
    (conf / "bulkhead.conf").write_text(
        f"hostname = mx.example.org\nrun_dir = {tmp_path}\n"
        "injection_wait = 1s\n")
    (conf / "domains").write_text("example.org\n")
    return tmp_path


def sendmail(site, *args, input=b"", name="sendmail", program=PROGRAM,
             **more):
    return subprocess.run([name, "-C", site / "etc", *args],
                          executable=program, input=input,
                          capture_output=True, timeout=60, **more)


def fields(content):
    return dict(re.findall(rb"(?m)^([\w-]+): (.*)\r$",
                           content.split(b"\r\n\r\n")[0] + b"\r\n"))


def test_a_message(site):
    with Listener(site / "inject") as suite:
        done = sendmail(site, "alice", "Bob <bob@example.net>",
                        input=b"Subject: x\n\nline\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    user = f"<{os.environ.get('USER', 'root')}@example.org>"
    assert suite.said[0].startswith("EHLO ")
    assert suite.said[1] == f"MAIL FROM:{user} BODY=8BITMIME"
    assert suite.said[2:] == ["RCPT TO:<alice@example.org>",
                              "RCPT TO:<bob@example.net>", "DATA", "QUIT"]
    assert suite.content.endswith(b"\r\n\r\nline\r\n")
    got = fields(suite.content)
    assert got[b"Subject"] == b"x"
    assert b"root@example.org" in got[b"From"]


def test_line_ends_and_dots(site):
    body = (b"unix\ndos\r\nmac\rdot\n.\n..two\n.x\r\r\nlast")
    with Listener(site / "inject") as suite:
        assert sendmail(site, "-i", "a", input=b"\n" + body).returncode == 0
    text = suite.content.split(b"\r\n\r\n", 1)[1]
    assert text == (b"unix\r\ndos\r\nmac\r\ndot\r\n..\r\n...two\r\n..x\r\n"
                    b"last\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", suite.content)


def test_a_dot_ends_the_message(site):
    with Listener(site / "inject") as suite:
        assert sendmail(site, "a", input=b"\none\n.\ntwo\n").returncode == 0
    assert suite.content.endswith(b"\r\n\r\none\r\n")


def test_no_body_and_no_header(site):
    with Listener(site / "inject") as suite:
        assert sendmail(site, "a", input=b"").returncode == 0
        assert suite.content.endswith(b"\r\n\r\n")
        assert sendmail(site, "a", input=b"just text\n").returncode == 0
        assert suite.content.endswith(b"\r\n\r\njust text\r\n")


def test_a_large_body_is_streamed(site):
    body = b"".join(b"%07d " % i * 8 + b"\n" for i in range(40000))
    long_line = b"x" * 300000 + b"\n"
    with Listener(site / "inject") as suite:
        assert sendmail(site, "a", input=b"\n" + body + long_line
                        ).returncode == 0
    got = suite.content.split(b"\r\n\r\n", 1)[1]
    assert got == (body + long_line).replace(b"\n", b"\r\n")


def test_recipients_in_the_header(site):
    message = (b"To: Alice <alice@example.net>,\n carol\nCc: (me) bob\n"
               b"Bcc: secret@example.net\nSubject: x\n\ntext\n")
    with Listener(site / "inject") as suite:
        assert sendmail(site, "-t", "-oi", input=message).returncode == 0
    rcpt = [l for l in suite.said if l.startswith("RCPT")]
    assert rcpt == ["RCPT TO:<alice@example.net>",
                    "RCPT TO:<carol@example.org>", "RCPT TO:<bob@example.org>",
                    "RCPT TO:<secret@example.net>"]
    assert b"secret" not in suite.content
    assert b"To: Alice <alice@example.net>,\r\n carol\r\n" in suite.content


def test_bcc_goes_without_t_too(site):
    with Listener(site / "inject") as suite:
        assert sendmail(site, "a", input=b"Bcc: hidden@x.y\nSubject: s\n\n"
                        ).returncode == 0
    assert b"hidden" not in suite.content


def test_resent(site):
    message = (b"To: a@example.net\nResent-To: b@example.net\n"
               b"From: x@example.net\n\n")
    with Listener(site / "inject") as suite:
        assert sendmail(site, "-t", input=message).returncode == 0
    assert [l for l in suite.said if "RCPT" in l] == [
        "RCPT TO:<b@example.net>"]


@pytest.mark.parametrize("given, want", [
    (["-f", "list@example.net"], "<list@example.net>"),
    (["-flist"], "<list@example.org>"),
    (["-r", "A List <list@example.net>"], "<list@example.net>"),
    (["-f", "<>"], "<>"),
    (["-f", ""], "<>"),
])
def test_reverse_path(site, given, want):
    with Listener(site / "inject") as suite:
        assert sendmail(site, *given, "a", input=b"\n").returncode == 0
    assert suite.said[1] == f"MAIL FROM:{want} BODY=8BITMIME"


def test_full_name(site):
    with Listener(site / "inject") as suite:
        assert sendmail(site, '-FA "B" C', "-fx@y.z", "a", input=b"\n"
                        ).returncode == 0
    assert fields(suite.content)[b"From"] == b'"A \\"B\\" C" <x@y.z>'


def test_seven_bit(site):
    with Listener(site / "inject") as suite:
        assert sendmail(site, "-B7BIT", "a", input=b"\n").returncode == 0
    assert "BODY" not in suite.said[1]


def test_no_injection_by_addresses(site):
    """Nothing that a caller names becomes a second command."""
    with Listener(site / "inject") as suite:
        for bad in ("a\r\nDATA", "a@x.y>\nDATA", "a b", "a\0b"[:1]
                    + "\x01"):
            assert sendmail(site, bad, input=b"\n").returncode == 64
            assert sendmail(site, "-f", bad, "a", input=b"\n"
                            ).returncode == 64
        assert sendmail(site, "-t", input=b"To: a\n\tb\n\n").returncode == 65
    assert suite.said == []


# -- all or nothing, and what the status says

@pytest.mark.parametrize("replies, status, said", [
    ({"RCPT": ["250 ok", "550 5.1.1 no such user"]}, 67, "no such user"),
    ({"RCPT": "451 4.3.0 later"}, 75, "later"),
    ({"MAIL": "550 5.7.1 not you"}, 69, "not you"),
    ({"DATA": "554 no"}, 69, "no"),
    ({"end": "554 5.6.0 bad content"}, 65, "bad content"),
    ({"end": "452 4.3.1 disk full"}, 75, "disk full"),
    ({"end": None}, 75, "closed"),
    ({"DATA": None}, 75, "closed"),
    ({"greeting": "554 go away"}, 69, "go away"),
    ({"greeting": "421 busy"}, 75, "busy"),
    ({"greeting": None}, 75, "closed"),
    ({"greeting": "hello"}, 75, "does not speak SMTP"),
    ({"greeting": "220 " + "x" * 5000}, 75, "too long"),
])
def test_refusals(site, replies, status, said):
    with Listener(site / "inject", replies) as suite:
        done = sendmail(site, "a", "b", input=b"\ntext\n")
    assert done.returncode == status, done.stderr
    assert said in done.stderr.decode()
    assert done.stderr.decode().startswith("sendmail: ")
    if "RCPT" in replies:
        assert suite.content is None	# nobody has got it


def test_waits_for_a_suite_that_is_down(site):
    with Listener(site / "inject", after=0.5) as suite:
        assert sendmail(site, "a", input=b"\n").returncode == 0
    assert suite.content is not None


def test_waits_through_a_restart(site):
    with Listener(site / "inject", {"greeting": ["421 stopping", None,
                                                 "220 back"]}) as suite:
        assert sendmail(site, "a", input=b"\n").returncode == 0
    assert suite.content is not None


def test_gives_up_and_keeps_nothing(site):
    before = sorted(p for p in site.rglob("*"))
    start = time.monotonic()
    done = sendmail(site, "a", input=b"\ntext\n")
    assert done.returncode == 75
    assert 1 <= time.monotonic() - start < 10
    assert sorted(p for p in site.rglob("*")) == before


def test_a_suite_that_hangs(site):
    """The kernel connects us, and nobody ever says a word."""
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(site / "inject"))
        s.listen()
        start = time.monotonic()
        done = sendmail(site, "a", input=b"\n")
    assert (done.returncode, time.monotonic() - start < 10) == (75, True)


def test_input_that_breaks_off_is_no_message(site):
    """A read error: the end of data is never said."""
    with Listener(site / "inject") as suite:
        r, w = os.pipe()
        done = subprocess.Popen(["sendmail", "-C", site / "etc", "a"],
                                executable=PROGRAM, stdin=os.open(
                                    site, os.O_RDONLY),
                                stderr=subprocess.PIPE)
        _, err = done.communicate(timeout=60)
        os.close(r), os.close(w)
    assert done.returncode == 74, err
    assert suite.content is None


# -- who calls

def test_an_ordinary_user(site):
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else")
    # The build may be below a folder that is root's alone.
    program = shutil.copy(PROGRAM, site)
    with Listener(site / "inject") as suite:
        done = sendmail(site, "a", input=b"\n", program=program,
                        user=3999999999, group=3999999999, extra_groups=[])
    assert done.returncode == 0, done.stderr
    assert suite.said[1].startswith("MAIL FROM:<uid3999999999@example.org>")


def test_not_set_id():
    assert PROGRAM.stat().st_mode & 0o6000 == 0


def test_closed_standard_descriptors(site):
    """0 to 2 are never given to another file."""
    with Listener(site / "inject") as suite:
        done = subprocess.run(
            ["/bin/sh", "-c", 'exec "$0" -C "$1" a <&- >&- 2>&-', PROGRAM,
             site / "etc"], timeout=60)
    assert done.returncode == 0
    assert suite.content is not None


# -- its other names

def test_newaliases(site):
    assert sendmail(site, name="newaliases").returncode == 0
    assert sendmail(site, "-bi").returncode == 0


def test_speaking_smtp(site):
    with Listener(site / "inject") as suite:
        done = sendmail(site, "-bs", input=b"EHLO x\r\nMAIL FROM:<>\r\n"
                        b"QUIT\r\n")
    assert done.returncode == 0
    assert done.stdout.startswith(b"220 ") and done.stdout.endswith(
        b"221 bye\r\n")
    assert suite.said == ["EHLO x", "MAIL FROM:<>", "QUIT"]


@pytest.mark.parametrize("args", [["-bd"], ["-Z"], ["-f"], []])
def test_wrong_usage(site, args):
    done = sendmail(site, *args, input=b"\n")
    assert done.returncode == 64 and done.stderr.startswith(b"sendmail: ")


def test_broken_configuration(site):
    (site / "etc" / "bulkhead.conf").write_text("nonsense\n")
    done = sendmail(site, "a", input=b"\n")
    assert done.returncode == 78 and b"bulkhead.conf:1" in done.stderr
