import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const directory = mkdtempSync(join(tmpdir(), "sluice-check-config-"));
afterAll(() => rmSync(directory, { recursive: true }));

// Each starts programs.
setDefaultTimeout(30_000);

const entries = {
  "ticket-node": "src/node/main.ts",
  "order-worker": "src/orders/main.ts",
  sluice: "src/operator/main.ts",
} as const;
type Program = keyof typeof entries;

function write(name: string, lines: readonly string[]): string {
  const path = join(directory, name);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

/** The environment of the one who asks is faulty: it must not matter. */
function check(program: Program, ...files: string[]) {
  const command = [process.execPath, "--no-env-file", entries[program], "--check-config", ...files];
  const run = Bun.spawnSync(command, { env: { ...Bun.env, SLUICE_QUEUE_MAX: "apple" } });
  return {
    code: run.exitCode,
    out: run.stdout.toString(),
    faults: run.stderr.toString().trimEnd().split("\n"),
  };
}

const good: Record<Program, readonly string[]> = {
  "ticket-node": ["# a comment", "SLUICE_NODE=node1", "BUN_JSC_useBaselineJIT=0"],
  "order-worker": ["SLUICE_NODE=orders1", "SLUICE_DATABASE=postgres://sluice:p@10.0.0.1:5432/s"],
  sluice: ["SLUICE_REDIS=redis://operator:p@10.0.0.1:6379/0", "SLUICE_DATABASE=sqlite:///o.db"],
};

describe("--check-config", () => {
  test.each(Object.keys(entries) as Program[])("%s has nothing against a good file", (program) => {
    const file = write(`${program}.env`, good[program]);
    expect(check(program, file)).toEqual({ code: 0, out: "", faults: [""] });
  });

  test("a ticket node names all faults of all files at once, with the file of each", () => {
    const first = write("first.env", [
      "SLUICE_NODE=node1",
      "SLUICE_QUEUE_MAX=banana",
      "SLUICE_LISTEN=10.0.0.1:65536",
      "SLUICE_REPLY_TIMEOUT_MS=2000",
      "SLUICE_DEADLINE_MS=1000",
      "SLUICE_PAYMENT_SECRET=short",
      "SLUICE_REDIS=redis://node:pa/ss@10.0.0.1:6379/0",
      "SLUICE_QUEUE_MIN=1",
    ]);
    const second = write("second.env", ["SLUICE_WEIGHT=0"]);
    const { code, out, faults } = check("ticket-node", first, second);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(faults).toEqual([
      expect.stringContaining(
        `${first}: SLUICE_REDIS=redis://***@10.0.0.1:6379/0: it is no address`,
      ),
      expect.stringContaining(`ticket-node: ${first}: SLUICE_LISTEN=10.0.0.1:65536: it must be`),
      expect.stringContaining(`${first}: SLUICE_PAYMENT_SECRET=***: it must be 16 to 1024`),
      expect.stringContaining(`${first}: SLUICE_QUEUE_MAX=banana: it must be requests that wait`),
      expect.stringContaining(`${first}: SLUICE_QUEUE_MIN is no variable of a ticket node`),
      expect.stringContaining(`${first}: SLUICE_REPLY_TIMEOUT_MS=2000: it must be below`),
      expect.stringContaining(`${second}: SLUICE_NODE is missing`),
      expect.stringContaining(`${second}: SLUICE_WEIGHT=0: it must be a whole number`),
    ]);
    expect(faults.join("\n")).not.toMatch(/short|pa\/ss/);
  });

  test("an order worker names a database that cannot be read beside its other faults", () => {
    const file = write("worker.env", ["SLUICE_DATABASE=postgres://10.0.0.1", "SLUICE_TRIES_MAX=0"]);
    const { code, faults } = check("order-worker", file);
    expect(code).toBe(2);
    expect(faults).toEqual([
      expect.stringContaining("SLUICE_NODE is missing"),
      expect.stringContaining("SLUICE_TRIES_MAX=0: it must be"),
      expect.stringContaining("SLUICE_DATABASE: it must be postgres://user:password@host:port/"),
    ]);
  });

  test("the operators' sluice refuses what is not meant for it", () => {
    const file = write("operator.env", ["SLUICE_REDIS=http://10.0.0.1", "SLUICE_NODE=orders1"]);
    const { code, faults } = check("sluice", file);
    expect(code).toBe(2);
    expect(faults).toEqual([
      expect.stringContaining("SLUICE_REDIS=http://10.0.0.1: it must be redis://"),
      expect.stringContaining("SLUICE_DATABASE is missing"),
      expect.stringContaining("SLUICE_NODE is no variable of the operators' sluice"),
    ]);
  });

  test("a file that is not there, and a line that nobody can read, are faults", () => {
    const odd = write("odd.env", ["SLUICE_NODE=node1", "export SLUICE_WEIGHT=1"]);
    const { code, faults } = check("ticket-node", join(directory, "none"), odd);
    expect(code).toBe(2);
    expect(faults).toEqual([
      expect.stringContaining("none: it cannot be read: ENOENT"),
      expect.stringContaining(`${odd}: line 2 is no NAME=value`),
    ]);
    expect(check("ticket-node").faults).toEqual([
      "ticket-node: --check-config takes the files to check",
    ]);
  });
});
