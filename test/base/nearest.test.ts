import { isMisspellingOf, nearest, suggestion } from "../../lib/base/nearest.ts";
import { assertEquals } from "../assert.ts";

Deno.test("nearest() sorts by distance and keeps the order of equals", () => {
  assertEquals(nearest("ud", ["tcp", "uds"]), ["uds", "tcp"]);
  assertEquals(nearest("x", ["a", "b", "c"]), ["a", "b", "c"]);
});

Deno.test("suggestion() is undefined if nothing is similar enough", () => {
  assertEquals(suggestion("zombie", ["zombies", "run"]), 'did you mean "zombies"?');
  assertEquals(suggestion("frobnicate", ["zombies", "run"]), undefined);
});

Deno.test("a misspelling has one letter wrong, or two swapped", () => {
  for (const word of ["retries", "retires", "retris", "retriess", "re-tries"]) {
    assertEquals(isMisspellingOf(word, "retries"), true, word);
  }
  for (const word of ["setrier", "reruns", "seirter"]) {
    assertEquals(isMisspellingOf(word, "retries"), false, word);
  }
});
