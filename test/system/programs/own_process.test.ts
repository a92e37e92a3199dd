import { RealHost } from "../../../lib/system/real_host.ts";
import {
  ownProcess,
  parseOwnProcess,
  sigintBit,
} from "../../../lib/system/programs/own_process.ts";
import { assert, assertEquals } from "../../assert.ts";
import { fakeHost } from "../../fake_host.ts";
import { BOOT_ID, ownProcessText } from "./own_process_text.ts";

Deno.test("the environment of this program is read once, in one call", async () => {
  const asked: string[] = [];
  const host = new RealHost();
  host.programs.onProgram = ({ argv }) => void asked.push(argv[0]!);
  const [own, again] = await Promise.all([ownProcess(host), ownProcess(host)]);
  assertEquals(own, again);
  assertEquals(asked, ["cat"]);
  assertEquals(own!.bootId, (await Deno.readTextFile("/proc/sys/kernel/random/boot_id")).trim());
  assert(own!.environment.split("\0").includes(`PATH=${Deno.env.get("PATH")}`), "PATH is missing");
  assertEquals(await ownProcess(fakeHost({ platform: "darwin" })), null);
});

Deno.test("an environment may contain anything, even the separator of the files", () => {
  for (
    const environment of [
      "A=1\0B=x\n y\0",
      "",
      `A=${BOOT_ID}\n${BOOT_ID}\n\0B=2\0`,
      "SigIgn:\t2\nUid:\t0\n",
    ]
  ) {
    assertEquals(parseOwnProcess(ownProcessText(environment), 7), {
      bootId: BOOT_ID,
      startTicks: 4242,
      ignoresSigint: false,
      environment,
    });
  }
  assertEquals(parseOwnProcess(ownProcessText("A=1\0", true), 7)?.ignoresSigint, true);
});

Deno.test("truncated output and that of another process are ignored", () => {
  const text = ownProcessText("A=1\0");
  assertEquals(parseOwnProcess(text, 8), null);
  assertEquals(parseOwnProcess("", 7), null);
  for (const cut of [10, 40, 120, 200]) {
    assertEquals(parseOwnProcess(text.slice(0, cut), 7), null, `cut at ${cut}`);
  }
});

Deno.test("the second bit of SigIgn is SIGINT", () => {
  assertEquals(sigintBit("Name:\tx\nSigIgn:\t0000000000001002\n"), true);
  assertEquals(sigintBit("SigIgn:\t0000000000001000\n"), false);
  assertEquals(sigintBit("Name:\tx\n"), null);
});
