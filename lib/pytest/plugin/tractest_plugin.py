"""What PYTEST_PLUGINS names: loads the plugin, compiled where that has been done before.

PYTEST_DONT_REWRITE: nothing here asserts.
"""
import sys

_before = sys.dont_write_bytecode
# Whoever wants no compiled files among their own has none there: this directory is tractest's. To compile it takes a hundredth of a second.
if getattr(sys, "pycache_prefix", None) is None:
    sys.dont_write_bytecode = False
try:
    from tractest_events import *  # noqa: F403
finally:
    sys.dont_write_bytecode = _before
