"""Power cuts on real file systems: see lab.py for the disks, suite.py for
what is tried on them."""

import pytest

from powercut import lab, run
from support.instance import BUILD, SANITIZED

# Under a sanitizer each start takes several times as long.
STATES = 100 if SANITIZED else 500
WHY_NOT = lab.lacking(BUILD / "bin" / "tests-powercut-disk")
pytestmark = [
    pytest.mark.skipif(WHY_NOT is not None, reason=f"no power cuts: {WHY_NOT}"),
]


def test_a_careless_order_of_calls_loses_mail():
    """The control that must fail: without an fsync of the directory the
    newest name is not on the disk, whatever was said to the client."""
    result = run.isolated("control-careless", BUILD / "bin", 100)
    assert result["states"] >= 90
    assert result["bad"] > 10, result
    assert any("lost" in e for e in result["examples"])


def test_a_careful_order_of_calls_loses_nothing():
    result = run.isolated("control-careful", BUILD / "bin", 100)
    assert result["states"] >= 90
    assert result["bad"] == 0, result


def test_a_batch_with_one_syncfs_loses_nothing():
    """More than three at once are synced together, by syncfs(2)."""
    result = run.isolated("control-batch", BUILD / "bin", 100)
    assert result["states"] >= 90
    assert result["bad"] == 0, result


@pytest.mark.slow
def test_the_suite_loses_nothing():
    """Rules A, B and R in at least so many states; each figure is printed."""
    result = run.isolated("suite", BUILD / "bin", STATES)
    print(result)
    assert result["bad"] == 0, "\n".join(result["examples"])
    assert result["states"] >= STATES
    assert result["killed"] > STATES // 25
