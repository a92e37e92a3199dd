// tractest
// The first file of the self-contained kind: it loads the program, and says what to do where what
// was unpacked is damaged. The line above is read at each start (self_contained.sh): a file that
// lost its content in a power cut has lost it too. Everything here has to fit into one block of a
// disk, so that this file is either whole or not there.
const program = new URL("..", import.meta.url).pathname;

// Deno was started with another home (self_contained.sh).
if (Deno.args[0]?.startsWith("--home=")) {
  Deno.env.set("HOME", Deno.args.shift().slice("--home=".length));
}

/** A module error contains the text that could not be read after this. */
const firstLine = (error) => String(error.message).split("\n", 1)[0];

/** What happens to the error of every `import()` in the bundle (build.ts). */
globalThis.tractestCannotLoad = (error) => {
  throw Object.assign(new Error(`a file of it cannot be loaded: ${firstLine(error)}`), {
    name: "DamagedProgramError",
    program,
  });
};

// The same program in one file, which loads faster where most of it is needed (build.ts).
const isRun = Deno.args.find((word) => !word.startsWith("--self=")) === "run";
const file = isRun ? "./run.js" : "./main.js";

// The program ends by itself.
const ended = () => {
  throw new Error("it has lost its content");
};
// Deno would read a plain import before this file runs, and end with words of its own.
import(file).then(ended).catch((error) => {
  console.error(
    `error: The program that tractest has unpacked to "${program}" is damaged: ${firstLine(error)}`,
  );
  try {
    Deno.removeSync(program, { recursive: true });
    console.error("hint: it was removed; type the same again, and it is unpacked anew");
  } catch {
    console.error(`hint: remove it (rm -rf '${program}') and type the same again`);
  }
  Deno.exit(69);
});
