import { RealHost } from "../../lib/system/real_host.ts";
import { EventLog } from "../../lib/run/event_log.ts";
import { assertEquals } from "../assert.ts";

Deno.test(
  "concurrent polls pass on each event once and in order, and a drain waits for the " +
    "poll before it",
  async () => {
    const host = new RealHost();
    const directory = await Deno.makeTempDir();
    try {
      const copied: string[] = [];
      const log = await EventLog.open(host, directory, (lines) => void copied.push(...lines));
      const seen: unknown[] = [];
      log.on((event) => seen.push(event.event === "claimed" ? event.index : event.event));
      for (let index = 0; index < 50; index++) await log.append({ event: "claimed", index });
      const polls = [log.poll(), log.poll(), log.poll()];
      await log.append({ event: "interrupted", message: "end" });
      await log.drain();
      assertEquals(seen, [...Array.from({ length: 50 }, (_, index) => index), "interrupted"]);
      assertEquals(copied.length, 51);
      await Promise.all(polls);
      assertEquals(seen.length, 51);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);
