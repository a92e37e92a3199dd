import { main } from "./lib/cli.ts";
import { RealHost } from "./lib/host/real_host.ts";

const host = new RealHost(Deno.args);
Deno.exit(await main(host.words, host));
