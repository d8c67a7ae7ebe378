import { describe, expect, test } from "bun:test";

import { readStackOptions } from "../../dev/stack/config.ts";
import { withLock } from "../../dev/stack/lock.ts";
import { planNodes } from "../../dev/stack/nodes.ts";
import { checkOptions, stackDefaults } from "../../dev/stack/options.ts";
import { planWorker } from "../../dev/stack/worker.ts";
import { CommandError } from "../../src/operator/command.ts";

function faultsOf(changes: object): string {
  try {
    checkOptions({ ...stackDefaults, ...changes });
  } catch (error) {
    expect(error).toBeInstanceOf(CommandError);
    return error instanceof Error ? error.message : "";
  }
  return "";
}

describe("what a stack is told", () => {
  test("the defaults are the ports and weights that the README names", () => {
    const { nginxPort, redisPort, nodePort, weights } = readStackOptions({});
    expect({ nginxPort, redisPort, nodePort, weights }).toEqual({
      nginxPort: 8080,
      redisPort: 6390,
      nodePort: 3001,
      weights: [1, 2, 3, 4],
    });
    expect(faultsOf({})).toBe("");
  });

  test("the status page moves with the port of nginx", () => {
    expect(readStackOptions({ "nginx-port": "9000" }).statusPort).toBe(9001);
    expect(readStackOptions({ "nginx-port": "9000", "status-port": "7" }).statusPort).toBe(7);
  });

  test("the database's password is handed to the worker alone, and not as an argument", () => {
    const database = "postgres://sluice:hunter2@h/d";
    const options = { ...stackDefaults, database };
    const worker = planWorker(options);
    expect(worker.environment["SLUICE_DATABASE"]).toBe(database);
    expect(JSON.stringify([worker.command, planNodes(options)])).not.toContain("hunter2");
    expect(faultsOf({ database, fresh: true })).toContain("postgres://***@h/d");
  });

  test("a value that is none is refused by name", () => {
    expect(() => readStackOptions({ "redis-port": "6e3" })).toThrow("--redis-port takes a whole");
    expect(() => readStackOptions({ durability: "strong" })).toThrow("memory, primary, replica");
    expect(() => readStackOptions({ locale: "fr" })).toThrow("zh, en");
  });

  test("two parts on one port are both named", () => {
    expect(faultsOf({ nginxPort: 3003 })).toContain("nginx and node3 would both listen on 3003");
  });

  test("the order worker comes after the nodes, and its port is seen to be taken", () => {
    expect(readStackOptions({ "node-port": "9000" }).workerPort).toBe(9004);
    expect(faultsOf({ workerPort: 3001 })).toContain("worker and node1 would both listen on 3001");
  });

  test("a database is an address; a file is the same one from any directory", () => {
    const [file, server] = ["sqlite://orders.db", "postgres://me@host/orders"];
    expect(readStackOptions({ database: file }).database).toBe(
      `sqlite://${process.cwd()}/orders.db`,
    );
    expect(readStackOptions({ database: server }).database).toBe(server);
    expect(faultsOf({ database: "mysql://host/orders" })).toContain("--database: it must be");
  });

  test("a ledger does not begin anew beside a database that is kept", () => {
    const faults = faultsOf({ database: "postgres://me:secret@host/orders", fresh: true });
    expect(faults).toContain("postgres://***@host/orders");
    expect(faults).not.toContain("secret");
  });

  test("every fault is told at once", () => {
    const faults = faultsOf({ redisPort: 0, sale: "Bad Sale", limitPerSecond: 0 }).split("\n");
    expect(faults).toHaveLength(3);
  });
});

describe("two commands on one stack", () => {
  test("the second is refused while the first works, and let in afterwards", async () => {
    const stateDir = `/nowhere/${crypto.randomUUID()}`;
    const gate = Promise.withResolvers<void>();
    const first = withLock(stateDir, () => gate.promise);
    expect(withLock(stateDir, async () => {})).rejects.toThrow("another command is starting");
    await withLock(`${stateDir}-other`, async () => {});
    gate.resolve();
    await first;
    await withLock(stateDir, async () => {});
  });

  test("a command that fails lets go", async () => {
    const stateDir = `/nowhere/${crypto.randomUUID()}`;
    const failing = withLock(stateDir, () => Promise.reject(new Error("no")));
    await failing.catch(() => {});
    expect(await withLock(stateDir, () => Promise.resolve("in"))).toBe("in");
  });
});
