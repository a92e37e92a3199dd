import type { Host } from "../host.ts";

/** Variables by which `notify-send` finds the desktop of the user. */
const DESKTOP_VARIABLES = [
  "DBUS_SESSION_BUS_ADDRESS",
  "XDG_RUNTIME_DIR",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "HOME",
] as const;

/** Whether there is a desktop to notify: a session bus or display, and the program. */
export async function hasDesktop(
  host: Host,
  inherited: ReadonlyMap<string, string>,
): Promise<boolean> {
  const places = ["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"];
  if (!places.some((name) => inherited.get(name))) return false;
  const why = "whether the desktop can be notified";
  const { outcome } = await host.programs.run("notify-send", ["--version"], { why });
  return outcome === "exited";
}

/** Shows a notification on a Linux desktop, where the body is markup; false on failure. */
export async function notifySend(
  host: Host,
  inherited: ReadonlyMap<string, string>,
  title: string,
  body: string,
): Promise<boolean> {
  const env = Object.fromEntries(
    DESKTOP_VARIABLES.flatMap((name) => inherited.has(name) ? [[name, inherited.get(name)!]] : []),
  );
  const words = ["--app-name=tractest", "--", title, escapeMarkup(body)];
  const why = "announce the end of the run";
  const { outcome, code } = await host.programs.run("notify-send", words, { why, env });
  return outcome === "exited" && code === 0;
}

/** Escapes a text for markup. */
export function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
