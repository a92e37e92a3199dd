"""One test for each verdict that pytest knows; the failure and the error are meant."""

import pytest

from sample_actors.msg._types import Tally


@pytest.fixture
def broken_fixture():
    raise RuntimeError("this fixture is broken on purpose")


def test_passes():
    assert Tally.of("one two").total == 2


@pytest.mark.parametrize("total", [4], ids=["words=3, total=4 -> AssertionError"])
def test_always_fails(total):
    assert Tally.of("one two three").total == total, "fails on purpose"


def test_errors_in_setup(broken_fixture):
    pytest.fail("never reached")


@pytest.mark.skip(reason="skipped on purpose")
def test_is_skipped():
    pytest.fail("never reached")


@pytest.mark.xfail(reason="hyphens split words")
def test_expected_failure():
    assert Tally.of("well-known").total == 1


@pytest.mark.xfail(reason="was broken once", strict=False)
def test_unexpected_pass():
    assert Tally.of("well known").total == 2
