import { listensText } from "../../lib/base/listens.ts";
import { assertEquals } from "../assert.ts";

Deno.test(
  "a port that is held for IPv4 and IPv6 is named once, and Unix " +
    "sockets by their path",
  () => {
    const sockets = ["tcp *:80", "tcp [::]:80", "udp 127.0.0.1:53", "unix /run/a b:1.sock"];
    assertEquals(listensText(sockets), ", listens on port 80, UDP port 53, /run/a b:1.sock");
    assertEquals(listensText([]), "");
  },
);
