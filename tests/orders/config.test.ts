import { expect, test } from "bun:test";

import { readConfig } from "../../src/orders/config.ts";
import { describeDatabase, parseDatabaseUrl } from "../../src/orders/database-address.ts";

const least = { SLUICE_NODE: "w1", SLUICE_DATABASE: "sqlite:///tmp/orders.db" };

test("a name and a database are enough; everything else has a default", () => {
  const config = readConfig(least);
  expect(config).toMatchObject({
    node: "w1",
    redis: "redis://127.0.0.1:6379/0",
    database: { dialect: "sqlite", path: "/tmp/orders.db" },
    listen: null,
    streamKeep: 1_000_000,
  });
  expect(Object.isFrozen(config)).toBe(true);
});

test("all faults are told at once, each with its variable", () => {
  const said = messageOf(() =>
    readConfig({
      SLUICE_NODE: "no name",
      SLUICE_DATABASE: "mysql://host/db",
      SLUICE_REDIS: "127.0.0.1",
      SLUICE_BATCH_MAX: "0",
      SLUICE_TRIES_MAX: "1.5",
      SLUICE_LISTEN: "nowhere",
      SLUICE_SWEEPMS: "1",
    }),
  );
  for (const name of ["NODE", "DATABASE", "REDIS", "BATCH_MAX", "TRIES_MAX", "LISTEN"]) {
    expect(said).toContain(`SLUICE_${name}=`);
  }
  expect(said).toContain("SLUICE_SWEEPMS is no variable of an order worker");
});

test("a missing name or database is a fault, an empty variable counts as missing", () => {
  const said = messageOf(() => readConfig({ SLUICE_DATABASE: "" }));
  expect(said).toContain("SLUICE_NODE is missing");
  expect(said).toContain("SLUICE_DATABASE is missing");
});

test("variables of a ticket node may stand in the same environment", () => {
  expect(readConfig({ ...least, SLUICE_WEIGHT: "3", SLUICE_PAYMENT_SECRET: "x" }).node).toBe("w1");
});

test("a password is never shown, not even that of a bad address", () => {
  const said = messageOf(() =>
    readConfig({
      ...least,
      SLUICE_REDIS: "http://user:hunter2@host",
      SLUICE_DATABASE: "x://u:hunter2@h/d",
    }),
  );
  expect(said).toContain("SLUICE_REDIS");
  expect(said).not.toContain("hunter2");
  const address = {
    dialect: "postgres",
    url: "postgres://u:hunter2@h/d?password=hunter2",
  } as const;
  expect(describeDatabase(address)).toBe("postgres://***@h/d?password=***");
});

test.each([
  ["[::1]:3005", { host: "::1", port: 3005 }],
  ["127.0.0.1:3005", { host: "127.0.0.1", port: 3005 }],
] as const)("it listens on %s", (text, listen) => {
  expect(readConfig({ ...least, SLUICE_LISTEN: text }).listen).toEqual(listen);
});

test("a port beyond 65535 is refused", () => {
  expect(messageOf(() => readConfig({ ...least, SLUICE_LISTEN: "127.0.0.1:70000" }))).toContain(
    "(at most 65535)",
  );
});

test.each([
  ["sqlite://orders.db", { dialect: "sqlite", path: "orders.db" }],
  ["sqlite:///var/orders.db", { dialect: "sqlite", path: "/var/orders.db" }],
  ["postgres://u:p@h:5432/d", { dialect: "postgres", url: "postgres://u:p@h:5432/d" }],
  ["postgresql://h/d", { dialect: "postgres", url: "postgresql://h/d" }],
] as const)("%s is an address", (text, address) => {
  expect(parseDatabaseUrl(text)).toEqual(address);
});

test.each([
  "",
  "orders.db",
  "sqlite://",
  "sqlite://:memory:",
  "postgres://",
  "postgres://h",
  "mysql://h/d",
])("%p is no address, and what is wrong is said", (text) => {
  expect(parseDatabaseUrl(text)).toBeString();
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "nothing was wrong";
}
