import type { Host } from "../host.ts";

/** What a notification needs to find the desktop of its user. */
const DESKTOP_VARIABLES = [
  "DBUS_SESSION_BUS_ADDRESS",
  "XDG_RUNTIME_DIR",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "HOME",
] as const;

/** Whether there is a desktop to notify: the program, and a session bus that is named. */
export async function hasDesktop(
  host: Host,
  inherited: ReadonlyMap<string, string>,
): Promise<boolean> {
  if (
    !inherited.get("DBUS_SESSION_BUS_ADDRESS") && !inherited.get("DISPLAY") &&
    !inherited.get("WAYLAND_DISPLAY")
  ) return false;
  return (await host.programs.run("notify-send", ["--version"], {
    why: "whether the desktop can be notified",
  })).outcome === "exited";
}

/**
 * Shows a notification on a Linux desktop; false if that did not work. The body is markup there, so
 * what means something in it is written out.
 */
export async function notifySend(
  host: Host,
  inherited: ReadonlyMap<string, string>,
  title: string,
  body: string,
): Promise<boolean> {
  const env = Object.fromEntries(
    DESKTOP_VARIABLES.flatMap((name) => inherited.has(name) ? [[name, inherited.get(name)!]] : []),
  );
  const { outcome, code } = await host.programs.run("notify-send", [
    "--app-name=tractest",
    "--",
    title,
    escapeMarkup(body),
  ], {
    why: "announce the end of the run",
    env,
  });
  return outcome === "exited" && code === 0;
}

/** Text as it has to stand in markup. */
export function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
