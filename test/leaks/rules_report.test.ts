import { questionAbout } from "../../lib/leaks/rules_report.ts";
import { assertEquals } from "../assert.ts";

Deno.test("the question before a clean-up names what it ends and removes, and nothing else", () => {
  assertEquals(questionAbout(1, 0), "End this process?");
  assertEquals(questionAbout(2, 0), "End these 2 processes?");
  assertEquals(questionAbout(0, 1), "Remove this socket?");
  assertEquals(questionAbout(3, 2), "End these 3 processes and remove these 2 sockets?");
});
