"""directory and queue-manager refuse, are slow, die and come back."""

import time

import pytest


@pytest.mark.parametrize("sender, code, enhanced", [
    ("full@x", 452, "4.3.1"), ("policy@x", 554, "5.3.1")])
def test_queue_refuses(tireless, sender, code, enhanced):
    with tireless.connect() as c:
        c.expect("EHLO x", 250)
        got, text = c.deliver("x: y\r\n", sender)
        assert got == code and text == f"{enhanced} As told"
        assert tireless.logged("event=refused", f"from={sender}",
                             "reason=queue-manager")
        assert c.deliver("x: y\r\n")[0] == 250


def test_first_client_waits_for_queue_ids(new_world):
    """Nobody is told 451 because a start takes its time."""
    world = new_world(late_queue=True)
    with world.connect(greeting=False) as c:
        time.sleep(0.5)
        world.order("open queue")
        assert c.reply()[0] == 220
        c.expect("EHLO x", 250)
        assert c.deliver("x: y\r\n")[0] == 250


def test_queue_does_not_come(new_world):
    """After five seconds it is told that the queue is not there."""
    world = new_world(late_queue=True)
    with world.connect() as c:
        c.expect("EHLO x", 250)
        c.expect("MAIL FROM:<>", 451, "4.3.0")
        world.order("open queue")
        time.sleep(0.2)
        assert c.deliver("x: y\r\n")[0] == 250


def test_250_only_after_enqueued(world):
    world.order("hold")
    with world.connect(timeout=0.5) as c:
        c.start()
        c.send("x: y\r\n.\r\nNOOP\r\n")
        with pytest.raises(TimeoutError):
            c.reply()
        world.order("release")
        assert c.reply()[0] == 250
        assert c.reply()[0] == 250


def test_queue_dies_while_we_wait(world):
    world.order("hold")
    with world.connect() as c:
        c.start()
        c.send("x: y\r\n.\r\n")
        time.sleep(0.1)
        world.order("close queue")
        code, text = c.reply()
        assert code == 451 and text.startswith("4.3.0 ")
        c.expect("MAIL FROM:<>", 451, "4.3.0")
        world.order("open queue")
        world.order("release")
        time.sleep(0.1)
        assert c.deliver("x: y\r\n")[0] == 250


def test_queue_dies_in_data(world):
    """Before, in the middle of, and after a part: 451 at the end."""
    with world.connect() as c:
        c.expect("EHLO x", 250)
        for octets in 0, 1000, 600000:
            c.mail()
            c.send("x: y\r\n\r\n" + octets // 100 * (98 * "x" + "\r\n"))
            time.sleep(0.2)
            world.order("close queue")
            world.order("open queue")
            time.sleep(0.1)
            c.send(1000 * (98 * "x" + "\r\n"))
            assert c.ask(".")[0] == 451
        assert c.deliver("x: y\r\n")[0] == 250
    assert len(world.messages()) == 1


def test_queue_is_replaced_before_data(world):
    """Nothing of the message is there yet: nobody notices."""
    with world.connect() as c:
        c.expect("EHLO x", 250)
        c.expect("MAIL FROM:<>", 250)
        c.expect("RCPT TO:<bob@hamburger.edu>", 250)
        world.order("close queue")
        world.order("open queue")
        time.sleep(0.1)
        c.expect("DATA", 354)
        c.expect("x: y\r\n.", 250)


def test_queue_never_answers(new_world):
    w = new_world("sibling_timeout = 1s\n")
    with w.connect() as c:
        c.expect("EHLO x", 250)
        assert c.deliver("x: y\r\n", "silent@x")[0] == 451
        assert c.deliver("x: y\r\n")[0] == 250


def test_directory_dies_and_comes_back(world):
    with world.connect() as c:
        c.expect("EHLO x", 250)
        c.expect("MAIL FROM:<>", 250)
        c.send("RCPT TO:<silent@hamburger.edu>\r\n")
        time.sleep(0.1)
        world.order("close directory")
        assert c.reply()[0] == 451
        c.expect("RCPT TO:<bob@hamburger.edu>", 451, "4.3.0")
        world.order("open directory")
        time.sleep(0.1)
        c.expect("RCPT TO:<bob@hamburger.edu>", 250)
        c.expect("DATA", 354)
        c.expect("x: y\r\n.", 250)
    assert world.messages()[0].to == ["bob@hamburger.edu"]


def test_directory_never_answers(new_world):
    w = new_world("sibling_timeout = 1s\n")
    with w.connect() as c:
        c.expect("EHLO x", 250)
        c.send("MAIL FROM:<>\r\nRCPT TO:<silent@hamburger.edu>\r\n"
               "RCPT TO:<bob@hamburger.edu>\r\nDATA\r\n")
        assert [c.reply()[0] for _ in range(4)] == [250, 451, 250, 354]


def test_client_leaves_while_directory_thinks(world):
    before = world.descriptors()
    for _ in range(20):
        c = world.connect()
        c.expect("EHLO x", 250)
        c.send("MAIL FROM:<>\r\n"
               + 5 * "RCPT TO:<slow@hamburger.edu>\r\n")
        c.socket.close()
    time.sleep(0.3)
    assert world.descriptors() == before
    with world.connect() as c:
        c.start()


def test_aborted_parts_are_taken_back(world):
    """The harness dies when more than 64 messages in parts stay behind."""
    text = "x: y\r\n\r\n" + 3000 * (98 * "x" + "\r\n")
    for _ in range(70):
        with world.connect() as c:
            c.start()
            c.send(text)
    with world.connect() as c:
        c.expect("EHLO x", 250)
        assert c.deliver(text)[0] == 250
