/** Prints the flags that tractest is started with: the union of the permission table, and never a question. */

import { permissionFlags } from "../lib/core/permission_flags.ts";

console.log([...permissionFlags(), "--no-prompt"].join(" "));
