"""AUTH: RFC 4954, by sockets of our own, by smtplib and by swaks."""

import shutil
import smtplib
import subprocess
import time

import pytest

from support import scram
from support.instance import DOMAIN, PATIENCE, crypt

from .world import BODY, Submission, b64, plain

ALICE = f"alice@{DOMAIN}"
EASY = "max_errors = 10000\nmax_auth_failures = 100\n"


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


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Submission(tmp_path_factory.mktemp("site"), smtpd=EASY) as i:
        i.start()
        yield i


def test_what_is_offered(site):
    with site.client() as c:
        assert c.mechanisms() == ["SCRAM-SHA-256", "PLAIN", "LOGIN"]
    with site.client(port=site.smtp_port) as c:		# port 25
        assert c.mechanisms() == []
        c.expect("AUTH PLAIN " + plain(ALICE, "alice-secret"), 502, "5.5.1")


@pytest.mark.parametrize("initial", [True, False])
def test_plain(site, initial):
    message = plain(ALICE, "alice-secret")
    with site.client() as c:
        if initial:
            c.expect("AUTH PLAIN " + message, 235, "2.7.0")
        else:
            assert c.challenge("AUTH plain") == b""
            c.expect(message, 235, "2.7.0")


def test_login(site):
    with site.client() as c:
        assert c.challenge("AUTH LOGIN") == b"Username:"
        assert c.challenge(b64(ALICE)) == b"Password:"
        c.expect(b64("alice-secret"), 235)
    with site.client() as c:		# as smtplib and others do it
        assert c.challenge("AUTH LOGIN " + b64(ALICE)) == b"Password:"
        c.expect(b64("alice-secret"), 235)


@pytest.mark.parametrize("initial", [True, False])
def test_scram(site, initial):
    with site.client() as c:
        assert c.scram(ALICE, "alice-secret", initial)[0] == 235
    with site.client() as c:
        assert c.scram("ALICE@Example.Org", "alice-secret")[0] == 235
    with site.client() as c:
        assert c.scram(ALICE, "alice-secret", authzid=ALICE)[0] == 235


def test_scram_refusals(site):
    with site.client() as c:
        for name, password, options in (
                (ALICE, "wrong", {}), ("nobody", "x", {}),
                (ALICE, "alice-secret", {"authzid": "root"}),
                (ALICE, "alice-secret", {"flag": "p=tls-exporter",
                                         "binding": b"x" * 32})):
            code, text = c.scram(name, password, **options)
            assert (code, text[:5]) == (535, "5.7.8"), (name, options)
        # Another conversation's binding.
        k = scram.Client(ALICE, "alice-secret", binding=b"x")
        first = c.challenge("AUTH SCRAM-SHA-256 " + b64(k.first()))
        c.expect(b64(k.final(first)), 535, "5.7.8")
        for bad in (b"n,,n=a", b"", b"\0\0\0", b"n,,m=x,n=a,r=b"):
            c.expect("AUTH SCRAM-SHA-256 " + (b64(bad) or "="), 501, "5.5.2")
        c.expect("AUTH SCRAM-SHA-256-PLUS " + b64(k.first()), 504, "5.5.4")
        # And then the right one, in the same session.
        assert c.scram(ALICE, "alice-secret")[0] == 235


def test_a_name_that_nobody_has_looks_like_one(site):
    """Same salt each time, of the same length and as many iterations."""
    def first(name):
        with site.client() as c:
            k = scram.Client(name, "x")
            got = k.parse(c.challenge("AUTH SCRAM-SHA-256 " + b64(k.first())))
            return got[1:]

    assert first("nobody") == first("nobody") == first("NoBody")
    assert first("nobody") != first("nobodx")
    assert [len(first(n)[0]) for n in ("nobody", ALICE)] == [16, 16]
    assert first("nobody")[1] == first(ALICE)[1] == 4096


def test_wrong_states(site):
    good = "AUTH PLAIN " + plain(ALICE, "alice-secret")
    with site.client(ehlo=False) as c:
        c.expect(good, 503, "5.5.1")
        c.expect("HELO x", 250)
        c.expect(good, 503, "5.5.1")	# an extension of EHLO
        c.expect("EHLO x", 250)
        c.expect("MAIL FROM:<>", 530, "5.7.0")
        c.expect("RCPT TO:<a@b>", 503)
        c.expect("VRFY a", 252)
        c.expect(good, 235)
        c.expect(good, 503, "5.5.1")	# once only
        c.expect("RSET", 250)
        c.expect(good, 503, "5.5.1")
        c.expect("MAIL FROM:<>", 250)
        c.expect(good, 503, "5.5.1")	# inside a transaction
        c.expect(f"RCPT TO:<{ALICE}>", 250)
        c.expect(good, 503, "5.5.1")
        c.expect("EHLO x", 250)
        c.expect("MAIL FROM:<>", 250)	# it lasts


def test_syntax(site):
    with site.client() as c:
        c.expect("AUTH", 501, "5.5.4")
        c.expect("AUTH CRAM-MD5", 504, "5.5.4")
        c.expect("AUTH XOAUTH2 abcd", 504, "5.5.4")
        for bad in ("!", "AAA", "AAAA=", "A===", "=AAA", "AAAA AAAA"):
            c.expect("AUTH PLAIN " + bad, 501, "5.5.2")
        c.expect("AUTH PLAIN =", 501, "5.5.2")		# empty
        c.expect("AUTH PLAIN " + b64("a\0b"), 501, "5.5.2")
        c.expect("AUTH PLAIN " + b64("\0\0x"), 501, "5.5.2")
        c.expect("AUTH PLAIN " + plain(ALICE, "alice-secret", "root"), 535,
                 "5.7.8")
        c.expect("AUTH LOGIN =", 501, "5.5.2")
        c.challenge("AUTH LOGIN")
        c.expect("", 501, "5.5.2")
        # What looks like a command is a response there.
        c.challenge("AUTH PLAIN")
        c.expect("QUIT", 501, "5.5.2")
        c.expect("NOOP", 250)


def test_cancel(site):
    with site.client() as c:
        for command in ("PLAIN", "LOGIN", "LOGIN " + b64(ALICE),
                        "SCRAM-SHA-256",
                        "SCRAM-SHA-256 " + b64("n,,n=alice,r=abcdef")):
            c.expect("AUTH " + command, 334)
            c.expect("*", 501, "5.7.0")
        c.expect("AUTH PLAIN *", 501)
        c.login()


def test_long_lines(site):
    with site.client() as c:
        password = "x" * 1024		# longer than a command line may be
        c.expect("AUTH PLAIN " + plain(ALICE, password), 535)
        c.expect("AUTH PLAIN " + plain(ALICE, password * 3), 535)
        c.challenge("AUTH PLAIN")
        c.expect("A" * 12284, 501, "5.5.2")	# with CRLF two too few
        c.challenge("AUTH PLAIN")
        c.expect("A" * 20000, 500, "5.5.6")
        c.expect("AUTH PLAIN " + "A" * 20000, 500)
        c.expect("NOOP", 250)
        c.expect("X" * 3000, 500, "5.5.2")
        c.login()


def test_bare_line_ends(site):
    with site.client() as c:
        c.challenge("AUTH PLAIN")
        c.send(plain(ALICE, "alice-secret") + "\n")
        assert c.reply()[0] == 500
        assert c.reply() == (None, "")


def test_nothing_of_it_is_logged(site):
    secret = "correct-horse-battery"
    with site.client() as c:
        message = plain(ALICE, secret)
        c.expect("AUTH PLAIN " + message, 535)
        c.expect("AUTH CRAM-MD5 " + message, 504)
        c.expect(message, 500)		# came too late
        c.expect("AUTH PLAIN " + message + "\x01", 500)
        c.expect("AUTH LOGIN", 334)
        c.expect(b64(ALICE), 334)
        c.expect(b64(secret), 535)
        c.expect("MAIL FROM:<>", 530)
    log = site.log_path.read_text()
    for text in (secret, message, b64(secret)):
        assert text not in log


def test_cut_off_anywhere(site):
    """The client goes at every point of a SCRAM dialogue: nothing is left
    in authd, and the next one is served."""
    for step in range(4):
        with site.client() as c:
            k = scram.Client(ALICE, "alice-secret")
            if step == 0:
                c.send("AUTH SCRAM-SHA-256 " + b64(k.first())[:9])
                continue
            first = c.challenge("AUTH SCRAM-SHA-256 " + b64(k.first()))
            if step == 1:
                continue
            c.send(b64(k.final(first)) + "\r\n")
            if step == 3:
                assert c.reply()[0] == 334
    with site.client() as c:
        assert c.scram(ALICE, "alice-secret")[0] == 235


def test_many_at_once(site):
    clients = [site.client() for _ in range(40)]
    try:
        for n, c in enumerate(clients):
            c.send("AUTH PLAIN " + plain(
                ALICE, "alice-secret" if n % 2 else "wrong") + "\r\n")
        codes = [c.reply()[0] for c in clients]
        assert codes == [535, 235] * 20
    finally:
        for c in clients:
            c.__exit__()


def test_guessing_is_slow_and_ends(make):
    i = make(smtpd="max_auth_failures = 3\n",
             **{"authd.conf": "failure_delay = 1s\n"})
    with i.client() as c:
        began = time.monotonic()
        c.expect("AUTH PLAIN " + plain(ALICE, "a"), 535)
        assert time.monotonic() - began >= 0.9
        c.expect("AUTH LOGIN " + b64(ALICE), 334)
        c.expect(b64("b"), 535)
        assert time.monotonic() - began >= 2.8		# 1 s, then 2 s
        code, _ = c.scram(ALICE, "c")
        assert code == 535
        assert time.monotonic() - began >= 6.5		# then 4 s
        assert c.reply()[0] == 421
        assert c.reply()[0] is None


def test_without_authd(make):
    i = make()
    i.expect_failures = True
    with i.client() as c:
        for pid in i.pids("authd"):
            import os
            os.kill(pid, 19)	# it sleeps while it is asked
        c.send("AUTH PLAIN " + plain(ALICE, "alice-secret") + "\r\n")
        time.sleep(0.2)
        i.kill("authd")
        assert c.reply() == (454, "4.7.0 Temporary authentication failure, "
                             "try later")
        deadline = time.monotonic() + PATIENCE
        while c.ask("AUTH PLAIN " + plain(ALICE, "alice-secret"))[0] != 235:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_scram_only_where_all_have_verifiers(make):
    i = make(verifiers=False)
    with i.client() as c:
        assert c.mechanisms() == ["PLAIN", "LOGIN"]
        k = scram.Client(ALICE, "alice-secret")
        c.expect("AUTH SCRAM-SHA-256 " + b64(k.first()), 504)
    path = i.conf / "passwords"
    i.write("passwords", "".join(
        line.replace(" -", " " + scram.verifier(f"{name}-secret"))
        for line, name in zip(path.read_text().splitlines(True),
                              ("alice", "bob"))))
    i.supervisor.send_signal(1)
    deadline = time.monotonic() + PATIENCE
    while True:
        with i.client() as c:
            if "SCRAM-SHA-256" in c.mechanisms():
                assert c.scram(ALICE, "alice-secret")[0] == 235
                break
        assert time.monotonic() < deadline, i.tail()
        time.sleep(0.1)


def test_clear_text_as_the_operator_says(make):
    i = make(smtpd="cleartext_login = never\n")
    with i.client() as c:
        assert c.mechanisms() == []
        c.expect("AUTH PLAIN " + plain(ALICE, "alice-secret"), 538, "5.7.11")
        c.expect("AUTH SCRAM-SHA-256", 538, "5.7.11")
        c.expect("MAIL FROM:<>", 530, "5.7.0")
    i = make(smtpd="auth_mechanisms = SCRAM-SHA-256\n")
    with i.client() as c:
        assert c.mechanisms() == ["SCRAM-SHA-256"]
        c.expect("AUTH PLAIN " + plain(ALICE, "alice-secret"), 534, "5.7.9")
        assert c.scram(ALICE, "alice-secret")[0] == 235


def test_smtplib(site):
    for method in ("auth_plain", "auth_login"):
        for initial in (True, False):
            with smtplib.SMTP("127.0.0.1", site.submission_port,
                              timeout=PATIENCE) as c:
                c.ehlo()
                c.user, c.password = ALICE, "alice-secret"
                code, _ = c.auth(method[5:].upper(), getattr(c, method),
                                 initial_response_ok=initial)
                assert code == 235
    with smtplib.SMTP("127.0.0.1", site.submission_port,
                      timeout=PATIENCE) as c:
        c.login(ALICE, "alice-secret")
        before = len(site.maildir("bob"))
        c.sendmail(ALICE, [f"bob@{DOMAIN}"], BODY)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            with smtplib.SMTP("127.0.0.1", site.submission_port) as other:
                other.login(ALICE, "wrong")
    site.await_mail("bob", before + 1)


@pytest.mark.skipif(shutil.which("swaks") is None, reason="no swaks")
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks(site, mechanism):
    before = len(site.maildir("bob"))

    def swaks(password):
        return subprocess.run(
            ["swaks", "--server", "127.0.0.1", "--port",
             str(site.submission_port), "--auth", mechanism, "--auth-user",
             ALICE, "--auth-password", password, "--from", ALICE, "--to",
             f"bob@{DOMAIN}", "--helo", "client.example.net"],
            capture_output=True, text=True, timeout=PATIENCE)

    assert swaks("alice-secret").returncode == 0
    assert swaks("wrong").returncode == 28	# EX: authentication failed
    site.await_mail("bob", before + 1)


def test_invented_salts_last(make):
    """A name that nobody has keeps its salt through a restart, whoever
    changes a password meanwhile; as an account does."""
    i = make()

    def salts(restart):
        if restart:
            i.restart()
        found = {}
        for name in "nobody", "somebody", ALICE, f"bob@{DOMAIN}":
            with i.client() as c:
                k = scram.Client(name, "x")
                found[name] = k.parse(c.challenge(
                    "AUTH SCRAM-SHA-256 " + b64(k.first())))[1]
        return found

    state = i.folder / "state"
    state.mkdir(exist_ok=True)
    secret = state / "scram-secret"
    secret.write_text("%version 1\n" + "5a" * 32 + "\n")
    before = salts(True)
    path = i.conf / "passwords"
    lines = path.read_text().splitlines(True)
    number, _, rest = lines[0].split(" ", 2)
    lines[0] = f"{number} {crypt('x', '$5$rounds=1000$abcdefgh')} {rest}"
    i.write("passwords", "".join(lines))
    assert salts(True) == before
    secret.write_text("%version 1\n" + "a5" * 32 + "\n")
    after = salts(True)
    for name in before:
        assert (after[name] == before[name]) == ("@" in name)
