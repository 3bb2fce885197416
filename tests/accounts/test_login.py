"""Logins through the real suite: passwords, delays, tables that change,
processes that die."""

import concurrent.futures
import poplib
import time

import pytest

from support.instance import DOMAIN, PATIENCE, SANITIZED

WRONG = b"-ERR [AUTH] name or password is wrong"


def login(i, name, password, timeout=PATIENCE):
    """How a POP3 login ended (True or the reply), and how long it took."""
    c = poplib.POP3("127.0.0.1", i.pop_port, timeout=timeout)
    start = time.monotonic()
    try:
        c.user(name)
        c.pass_(password)
        c.quit()
        return True, time.monotonic() - start
    except poplib.error_proto as e:
        return e.args[0], time.monotonic() - start
    finally:
        c.close()


@pytest.fixture
def quick(new_instance):
    """An instance whose refusals do not wait."""
    return new_instance(files={"authd.conf": "failure_delay = 0\n"}).start()


def test_right_password_by_both_protocols(instance):
    assert login(instance, f"alice@{DOMAIN}", "alice-secret")[0] is True
    assert login(instance, f"ALICE@{DOMAIN.upper()}", "alice-secret")[0] is True
    # A name without a domain means the default one.
    assert login(instance, "bob", "bob-secret")[0] is True
    with instance.imap("alice") as c:
        assert c.select("INBOX")[0] == "OK"


@pytest.mark.parametrize("name, password", [
    (f"alice@{DOMAIN}", "bob-secret"),
    (f"alice@{DOMAIN}", "alice-secreT"),
    (f"alice@{DOMAIN}", "alice-secret "),
    (f"nobody@{DOMAIN}", "alice-secret"),
    ("alice@elsewhere.example", "alice-secret"),
    (f"alice+x@{DOMAIN}", "alice-secret"),
    ("root", "alice-secret"),
    (f"postmaster@{DOMAIN}", "x"),
    (f"../alice@{DOMAIN}", "alice-secret"),
    (f"alice%{DOMAIN}@{DOMAIN}", "alice-secret"),
    ("*", "alice-secret"),
    ("a" * 200, "alice-secret"),
])
def test_refused_alike(quick_shared, name, password):
    assert login(quick_shared, name, password)[0] == WRONG


@pytest.fixture(scope="module")
def quick_shared(tmp_path_factory):
    from support.instance import Instance
    with Instance(tmp_path_factory.mktemp("quick"), files={
            "authd.conf": "failure_delay = 0\n"
                          "failures_per_network = 1000\n"}) as i:
        yield i.start()


def test_unknown_user_and_wrong_password_take_the_same_time(new_instance):
    i = new_instance(files={"authd.conf": "failure_delay = 2s\n"}).start()
    _, wrong = login(i, f"alice@{DOMAIN}", "x")
    _, unknown = login(i, f"nobody@{DOMAIN}", "x")
    assert wrong > 1.9 and unknown > 1.9
    assert abs(wrong - unknown) < 1


def test_delay_grows_for_one_and_stops_nobody_else(new_instance):
    i = new_instance(files={"authd.conf": "failure_delay = 2s\n"
                                          "failure_delay_max = 4s\n"}).start()
    assert login(i, f"alice@{DOMAIN}", "x")[1] > 1.9
    with concurrent.futures.ThreadPoolExecutor() as pool:
        failing = pool.submit(login, i, f"alice@{DOMAIN}", "x")
        i.await_log(event="login-failed", stage="authd", n=2)
        assert login(i, f"bob@{DOMAIN}", "bob-secret")[0] is True
        assert not failing.done()
        result, took = failing.result()
    assert result == WRONG and took > 3.9
    # Its delay is over with the answer.
    assert login(i, f"alice@{DOMAIN}", "alice-secret")[0] is True


def test_guessing_side_by_side_gains_nothing(new_instance):
    """Thirty connections at once: only so many guesses are checked."""
    i = new_instance(files={"authd.conf": "failure_delay = 2s\n"}).start()
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        guesses = [pool.submit(login, i, f"alice@{DOMAIN}", f"guess{n}")
                   for n in range(30)]
        i.await_log(event="login-failed", stage="authd")
        time.sleep(1)		# half of the delay
        assert len(i.log(event="login-failed", stage="authd")) <= 8
        i.kill("pop3d")		# nobody needs to wait for the rest
        for g in guesses:
            try:
                g.result()
            except (OSError, EOFError, poplib.error_proto):
                pass


def test_new_user_and_new_password_without_restart(instance):
    name = f"carol@{DOMAIN}"

    def user(verb, then, input=None):
        """... and wait until authd knows of so many users."""
        now = dict(event="tables-in-use", stage="authd", users=then,
                   passwords=then)
        taken = len(instance.log(**now))
        instance.command("user", verb, name, input=input, check=True)
        instance.await_log(n=taken + 1, **now)

    user("add", 3, input="first\n")
    assert login(instance, name, "first")[0] is True
    user("passwd", 3, input="second\n")
    assert login(instance, name, "second")[0] is True
    assert login(instance, name, "first")[0] == WRONG
    user("remove", 2)
    assert login(instance, name, "second")[0] == WRONG
    user("add", 3, input="third\n")
    # No number twice.
    assert "!removed 3\n" in (instance.conf / "users").read_text()
    assert f"{name} 4\n" in (instance.conf / "users").read_text()


@pytest.mark.parametrize("table, text, line", [
    ("users", "alice@example.org 1\nbob@example.org 1\n", 2),
    ("users", "%version 7\n", 1),
    ("passwords", "1 plaintext\n", 1),
    ("passwords", "\n\nx y z\n", 3),
    ("domains", "exa mple.org\n", 1),
])
def test_broken_table_keeps_the_old_one(quick, table, text, line):
    good = (quick.conf / table).read_text()
    quick.write(table, text)
    [refused] = quick.await_log(event="table-refused", stage="authd")
    assert refused["file"] == table and int(refused["line"]) == line
    assert login(quick, f"bob@{DOMAIN}", "bob-secret")[0] is True
    # No secret of the table is in the log.
    assert "plaintext" not in quick.log_path.read_text()
    quick.write(table, good)
    quick.add_user("carol")
    quick.await_log(event="tables-in-use", stage="authd", users=3)
    assert login(quick, f"carol@{DOMAIN}", "carol-secret")[0] is True


def test_suite_does_not_start_on_a_broken_table(new_instance):
    i = new_instance()
    i.write("passwords", "1 plaintext\n")
    with pytest.raises(AssertionError, match="did not start"):
        i.start()
    assert not i.processes()


def test_verifiers_die_and_logins_go_on(instance):
    for _ in range(3):
        assert len(instance.kill("authd-verifier")) >= 1
        deadline = time.monotonic() + PATIENCE
        while login(instance, f"bob@{DOMAIN}", "bob-secret")[0] is not True:
            assert time.monotonic() < deadline, instance.tail()


def test_authd_dies_and_logins_go_on(instance):
    instance.kill("authd")
    deadline = time.monotonic() + PATIENCE
    while True:
        result, _ = login(instance, f"bob@{DOMAIN}", "bob-secret")
        if result is True:
            break
        assert b"[SYS/TEMP]" in result, result
        assert time.monotonic() < deadline, instance.tail()
        time.sleep(0.1)


def test_many_logins_at_once(new_instance):
    names = [f"u{n}" for n in range(100)]
    i = new_instance(users=names).start()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        results = list(pool.map(
            lambda n: login(i, f"{n}@{DOMAIN}", f"{n}-secret")[0], names))
    assert all(r is True for r in results), set(results)


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
def test_password_is_nowhere_afterwards(instance):
    """Not in the log, not in the memory of authd or a verifier."""
    secret = "k7Zq-never-to-be-seen-again"
    number = instance.add_user("dora", secret)
    instance.await_log(event="tables-in-use", stage="authd", users=3)
    assert login(instance, f"dora@{DOMAIN}", secret)[0] is True
    assert login(instance, f"dora@{DOMAIN}", secret + "!")[0] == WRONG
    assert number == 3
    assert secret not in instance.log_path.read_text(errors="replace")
    for program in ("authd", "authd-verifier", "pop3d"):
        for pid in instance.pids(program):
            assert secret.encode() not in memory_of(pid), program


def memory_of(pid):
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb",
                                                 0) as mem:
        for line in maps:
            where, rights = line.split()[:2]
            if "w" not in rights:
                continue
            start, end = (int(x, 16) for x in where.split("-"))
            mem.seek(start)
            try:
                found.append(mem.read(end - start))
            except OSError:
                pass
    return b"".join(found)
