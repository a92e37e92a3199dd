import { main, reportError } from "./lib/cli.ts";
import { RealHost } from "./lib/system/real_host.ts";

const host = new RealHost(Deno.args);
// Unhandled errors are reported in the same way as all others.
for (const kind of ["error", "unhandledrejection"] as const) {
  globalThis.addEventListener(kind, (event) => {
    event.preventDefault();
    Deno.exit(
      reportError("reason" in event ? event.reason : (event as ErrorEvent).error, host.words, host),
    );
  });
}
Deno.exit(await main(host.words, host));
