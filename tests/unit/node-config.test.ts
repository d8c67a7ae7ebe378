import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { readConfig } from "../../src/node/config.ts";
import { ConfigError } from "../../src/process/variables.ts";

function faultsOf(environment: Record<string, string>): string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.message.split("\n");
    }
    throw error;
  }
  return [];
}

describe("a node's configuration", () => {
  test("a name is enough, the rest has defaults", () => {
    const config = readConfig({ SLUICE_NODE: "node1" });
    expect(config).toMatchObject({ node: "node1", weight: 1, sale: "tickets", locale: "en" });
    expect(config.durability).toBe("primary");
    expect(Object.isFrozen(config)).toBe(true);
  });

  test("every variable is taken", () => {
    const config = readConfig({
      SLUICE_NODE: "node4",
      SLUICE_LISTEN: "[::1]:3004",
      SLUICE_WEIGHT: "4",
      SLUICE_BUFFER: "0",
      SLUICE_REDIS: "redis://user:secret@10.0.0.1:6379/2",
      SLUICE_DURABILITY: "replica",
      SLUICE_SALE: "g101",
      SLUICE_LOCALE: "zh",
      SLUICE_LOG: "debug",
      SLUICE_DATABASE: "sqlite:///tmp/x",
      PATH: "/bin",
    });
    expect(config).toMatchObject({ host: "::1", port: 3004, weight: 4, buffer: 0, sale: "g101" });
    expect(config).toMatchObject({ durability: "replica", locale: "zh", logLevel: "debug" });
  });

  test("all faults are listed at once, each with what it must be", () => {
    const faults = faultsOf({
      SLUICE_WEIGHT: "many",
      SLUICE_LISTEN: "3000",
      SLUICE_DURABILITY: "disk",
      SLUICE_QUEU_MAX: "1",
    });
    expect(faults).toHaveLength(5);
    expect(faults.join("\n")).toContain("SLUICE_NODE is missing");
    expect(faults.join("\n")).toContain("SLUICE_WEIGHT=many: it must be a whole number from 1 to");
    expect(faults.join("\n")).toContain("SLUICE_QUEU_MAX is no variable of a ticket node");
  });

  test("a reply time-out that leaves no time to send again is refused", () => {
    const faults = faultsOf({ SLUICE_NODE: "n", SLUICE_REPLY_TIMEOUT_MS: "2000" });
    expect(faults.join("\n")).toContain("below SLUICE_DEADLINE_MS=2000");
  });

  test("whatever stands in the environment, it is taken or named, never misread", () => {
    const names = [
      "SLUICE_WEIGHT",
      "SLUICE_BUFFER",
      "SLUICE_LISTEN",
      "SLUICE_SALE",
      "SLUICE_LOCALE",
    ];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.string({ minLength: 1 }), (name, text) => {
        const faults = faultsOf({ SLUICE_NODE: "n", [name]: text });
        if (faults.length === 0) {
          const config = readConfig({ SLUICE_NODE: "n", [name]: text });
          expect(Number.isSafeInteger(config.weight) && config.weight >= 1).toBe(true);
          expect(config.port).toBeLessThanOrEqual(65_535);
        } else {
          expect(faults[0]).toContain(name);
        }
      }),
    );
  });
});
