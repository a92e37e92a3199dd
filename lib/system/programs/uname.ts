import type { Host } from "../host.ts";

/** The kernel's name and release (`Linux 6.1.0`); null when it can't be had. */
export async function kernel(host: Host): Promise<string | null> {
  const { outcome, code, stdout } = await host.programs.run("uname", ["-sr"], {
    why: "the kernel's release",
  });
  return outcome === "exited" && code === 0 ? new TextDecoder().decode(stdout).trim() : null;
}
