/** The flags that tractest is started with; as a program, prints them. */

import { permissionFlags } from "../lib/system/permission_flags.ts";

/** The union of the permission table, without prompts. */
export const FLAGS: readonly string[] = [...permissionFlags(), "--no-prompt"];

if (import.meta.main) console.log(FLAGS.join(" "));
