import { animation, Screen } from "../../scripts/terminal_picture.ts";
import { assertIncludes } from "../assert.ts";

Deno.test("who asks for less motion sees the last frame of a recording", () => {
  const screen = new Screen(10, 2);
  const frames = ["one", "two", "three"].map((text, time) => {
    screen.write(`\r${text}`);
    return { time, lines: screen.lines() };
  });
  const picture = animation(frames, { columns: 10, rows: 2 });
  const [, width] = /viewBox="0 0 (\d+) /.exec(picture)!;
  assertIncludes(picture, "@media (prefers-reduced-motion:reduce){.film{animation:none;");
  assertIncludes(picture, `transform:translateX(${-2 * Number(width)}px)}}`);
});
