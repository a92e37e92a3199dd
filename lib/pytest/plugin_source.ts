import init from "./plugin/tractest_events/__init__.py" with { type: "text" };
import collection from "./plugin/tractest_events/collection.py" with { type: "text" };
import environment from "./plugin/tractest_events/environment.py" with { type: "text" };
import eventFile from "./plugin/tractest_events/event_file.py" with { type: "text" };
import failures from "./plugin/tractest_events/failures.py" with { type: "text" };
import leftChildren from "./plugin/tractest_events/left_children.py" with { type: "text" };
import reports from "./plugin/tractest_events/reports.py" with { type: "text" };
import sessions from "./plugin/tractest_events/sessions.py" with { type: "text" };
import sharedFixtures from "./plugin/tractest_events/shared_fixtures.py" with { type: "text" };
import sharedQueue from "./plugin/tractest_events/shared_queue.py" with { type: "text" };
import sharedTemporary from "./plugin/tractest_events/shared_temporary.py" with { type: "text" };
import testIds from "./plugin/tractest_events/test_ids.py" with { type: "text" };
import plugin from "./plugin/tractest_plugin.py" with { type: "text" };

/** The module that PYTEST_PLUGINS gets. */
export const PLUGIN_MODULE = "tractest_plugin";

/** The parts of the package, by their names in it. */
const PARTS: Readonly<Record<string, string>> = {
  collection,
  environment,
  event_file: eventFile,
  failures,
  left_children: leftChildren,
  reports,
  sessions,
  shared_fixtures: sharedFixtures,
  shared_queue: sharedQueue,
  shared_temporary: sharedTemporary,
  test_ids: testIds,
};

/** One module of the whole package: Python imports one file faster than many. */
function joined(): string {
  return init.replace(/^from \.(\w+) import \*.*\n/gm, (_, name: string) => {
    const withoutImports = PARTS[name]!.replace(/^from \.\w+ import .*\n/gm, "");
    return `\n\n# ${name}.py\n${withoutImports}`;
  });
}

/** The files of the plugin, by their names. */
export const PLUGIN_FILES: Readonly<Record<string, string>> = {
  [`${PLUGIN_MODULE}.py`]: plugin,
  "tractest_events.py": joined(),
};
