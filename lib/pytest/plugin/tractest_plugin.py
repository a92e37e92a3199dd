"""The module in PYTEST_PLUGINS: loads the plugin, compiled if it was compiled before.

PYTEST_DONT_REWRITE: nothing here asserts.
"""
import sys

_before = sys.dont_write_bytecode
# PYTHONDONTWRITEBYTECODE protects the user's directories; this one is tractest's, and to compile
# the plugin takes 10 ms each time.
if getattr(sys, "pycache_prefix", None) is None:
    sys.dont_write_bytecode = False
try:
    from tractest_events import *  # noqa: F403
finally:
    sys.dont_write_bytecode = _before
