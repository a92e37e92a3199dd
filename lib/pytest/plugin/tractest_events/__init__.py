"""Writes what a pytest session does as JSON lines, one per event, to the file in TRACTEST_EVENTS.

PYTEST_DONT_REWRITE: nothing here asserts.

pytest loads it through PYTEST_PLUGINS, so that the command line stays what a person would type.
Only the process that loaded it writes; a fork of it is silent. It must never fail a test.

With a queue in TRACTEST_QUEUE the session runs what the queue hands out, instead of all that it
collected; else it reports which tests it is going to run.

tractest joins these files, in this order, into the one module that pytest imports: one file loads
faster than many. So names at the top level have to differ in all of them.
"""
from .environment import *  # noqa: F403
from .event_file import *  # noqa: F403
from .test_ids import *  # noqa: F403
from .failures import *  # noqa: F403
from .left_children import *  # noqa: F403
from .shared_fixtures import *  # noqa: F403
from .shared_queue import *  # noqa: F403
from .shared_temporary import *  # noqa: F403
from .collection import *  # noqa: F403
from .reports import *  # noqa: F403
from .sessions import *  # noqa: F403
