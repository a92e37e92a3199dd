import { main } from "./lib/cli.ts";
import { RealHost } from "./lib/host/real_host.ts";

Deno.exit(await main(Deno.args, new RealHost()));
