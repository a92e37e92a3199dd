import { occupies, parseRegistryAddress, registryName } from "../../lib/leaks/registry.ts";
import { UsageError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";

Deno.test("addresses of a registry are read", () => {
  assertEquals(parseRegistryAddress("127.0.0.1:1616"), { host: "127.0.0.1", port: 1616 });
  assertEquals(parseRegistryAddress("[::1]:1616"), { host: "::1", port: 1616 });
  assertEquals(parseRegistryAddress("localhost:1"), { host: "localhost", port: 1 });
  assertEquals(parseRegistryAddress(":1616"), { host: "127.0.0.1", port: 1616 });
});

Deno.test("what is no address is a usage error", () => {
  for (
    const text of [
      "",
      "1616",
      "127.0.0.1",
      "127.0.0.1:0",
      "127.0.0.1:65536",
      "a b:1",
      "::1:1616",
      "/tmp/registry@1616.sock",
      "x:1616:2",
    ]
  ) {
    assertThrows(() => parseRegistryAddress(text), UsageError);
  }
});

Deno.test("a listener conflicts at the same address, or where either is a wildcard", () => {
  const at = (host: string, wanted = "127.0.0.1:1616") =>
    occupies({ host, port: 1616 }, parseRegistryAddress(wanted));
  assertEquals(["127.0.0.1", "0.0.0.0", "*", "::", "::ffff:127.0.0.1"].map((host) => at(host)), [
    true,
    true,
    true,
    true,
    true,
  ]);
  assertEquals(["127.0.0.2", "::1", "192.168.1.5"].map((host) => at(host)), [false, false, false]);
  assertEquals(["127.0.0.1", "::1", "10.0.0.1"].map((host) => at(host, "localhost:1616")), [
    true,
    true,
    false,
  ]);
  assertEquals(at("10.0.0.1", "0.0.0.0:1616"), true);
  assertEquals(occupies({ host: "*", port: 1617 }, { host: "127.0.0.1", port: 1616 }), false);
});

Deno.test("messages name the registry of this machine by its port", () => {
  assertEquals(registryName("127.0.0.1:1616"), "TCP :1616");
  assertEquals(registryName("localhost:1616"), "TCP :1616");
  assertEquals(registryName("10.0.0.1:1616"), "TCP 10.0.0.1:1616");
});
