import { iniSection } from "../../lib/base/ini.ts";
import { assertEquals } from "../assert.ts";

Deno.test("iniSection() reads pairs with = and :, lower-cases keys, skips comments", () => {
  const text = "; c\n[pytest]\nCache_Dir = a b\nminversion: 6\n# x = 1\n[other]\ncache_dir = no\n";
  assertEquals([...iniSection(text, "pytest")!], [["cache_dir", "a b"], ["minversion", "6"]]);
});

Deno.test("iniSection() is null for a section that is not there", () => {
  assertEquals(iniSection("[tox]\na = 1\n", "pytest"), null);
});
