import { describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { RedisServer } from "../support/redis-server.ts";
import { type CommandEnd, runProgram, sluice, sluiceIn } from "./support/command.ts";

/**
 * Passwords as people make them up, not encoded for an address; `hunt` gives each of them away.
 * That redaction hides all others is shown in tests/unit/redact.test.ts.
 */
const odd = ["hunt/hunter", "hunt@hunter", "hunt%hunter", "x?password=hunter"];
/** Nobody listens there. */
const nowhere = "127.0.0.1:1";

/** All that an operator gets to see. */
function seen({ out, said }: CommandEnd): string {
  return out + said;
}

describe.each(odd)("the password %p is shown by no program", (password) => {
  const redis = `redis://u:${password}@${nowhere}/0`;
  const postgres = `postgres://u:${password}@${nowhere}/d`;

  test("that an operator calls", async () => {
    const ends = await Promise.all([
      sluiceIn({ environment: { SLUICE_REDIS: redis } }, "sale", "list"),
      sluiceIn({ environment: { SLUICE_REDIS: redis } }, "audit", "s"),
      sluiceIn({ input: postgres }, "orders", "s", "--database", "-"),
    ]);
    for (const end of ends) {
      expect(seen(end)).not.toContain("hunt");
      expect(end.code).not.toBe(0);
      expect(end.said).toMatch(/^sluice [a-z ]+: /);
    }
  });

  test("that serves, be it misconfigured or unable to start", async () => {
    const node = { SLUICE_NODE: "n1", SLUICE_LISTEN: "127.0.0.1:1", SLUICE_REDIS: redis };
    const worker = { SLUICE_NODE: "w1", SLUICE_DATABASE: postgres, SLUICE_REDIS: redis };
    const bad = { SLUICE_STREAM_KEEP: "none", SLUICE_BUFFER: "none" };
    const ends = await Promise.all([
      runProgram("src/node/main.ts", [], { environment: { ...node, ...bad, SLUICE_WEIGHT: "" } }),
      runProgram("src/orders/main.ts", [], { environment: { ...worker, ...bad } }),
      // Where no other fault keeps it from starting. An @ can be told from the one before the host.
      ...(password === "hunt@hunter"
        ? []
        : [
            runProgram("src/node/main.ts", [], { environment: node }),
            runProgram("src/orders/main.ts", [], { environment: worker }),
          ]),
    ]);
    for (const end of ends) {
      expect(seen(end)).not.toContain("hunt");
      expect(end.code).toBe(2);
    }
  });
});

test("an argument that holds a password is refused by every command that takes an address", async () => {
  const redis = `redis://u:hunt/hunter@${nowhere}/0`;
  const postgres = `postgres://u:hunt/hunter@${nowhere}/d`;
  const crowd = `http://${nowhere}`;
  const commands = [
    ["sale", "list", "--redis", redis],
    ["audit", "s", "--redis", redis],
    ["audit", "s", "--redis", "redis://h", "--database", postgres],
    ["dead-letters", "s", "--redis", redis],
    ["orders", "s", "--database", postgres],
    ["up", "--database", postgres, "--state", join(tmpdir(), "sluice-never-made")],
    ["load", crowd, "--redis", redis],
    ["load", crowd, "--nodes", `n1=http://u:hunt/hunter@${nowhere}*1`],
    ["load", `http://u:hunt@hunter@${nowhere}`],
  ];
  for (const command of commands) {
    const end = await sluice(...command);
    expect(end.said).toContain("holds a password");
    expect(seen(end)).not.toContain("hunt");
    expect(end.code).toBeWithin(1, 3);
  }
});

test("a password that was not encoded is refused at start, with how to write it", async () => {
  const environment = { SLUICE_NODE: "w1", SLUICE_DATABASE: "sqlite:///tmp/x.db" };
  const { code, said } = await runProgram("src/orders/main.ts", [], {
    environment: { ...environment, SLUICE_REDIS: "redis://u:pa/ss@h" },
  });
  expect([code, said]).toEqual([2, expect.stringContaining("SLUICE_REDIS=redis://***@h: ")]);
  expect(said).toContain("%2F");
});

test("an address is read from a file and from standard input, blanks around it left out", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-passwords-"));
  const server = await RedisServer.start({ settings: { requirepass: "hun/ter 2" } });
  const address = `redis://:${encodeURIComponent("hun/ter 2")}@127.0.0.1:${server.port}/0`;
  const file = join(folder, "redis-address");
  try {
    await writeFile(file, `${address}\n`, { mode: 0o600 });
    const ends = await Promise.all([
      sluice("sale", "list", "--redis", `@${file}`),
      sluiceIn({ input: `${address}\n` }, "sale", "list", "--redis", "-"),
      sluiceIn({ environment: { SLUICE_REDIS: address } }, "sale", "list"),
    ]);
    expect(ends.map(({ code, said }) => [code, said])).toEqual([
      [0, ""],
      [0, ""],
      [0, ""],
    ]);
    // Its login stands in a file as well, so that no list of processes shows it.
    const line = await Bun.file(`/proc/${server.pid}/cmdline`).text();
    expect(line).not.toContain("hun/ter");
  } finally {
    await server.remove();
    await rm(folder, { recursive: true, force: true });
  }
});

test("a file that is not there is named, and an empty one is refused", async () => {
  const missing = await sluice("orders", "s", "--database", "@/nowhere/address");
  expect([missing.code, missing.said]).toEqual([1, expect.stringContaining("/nowhere/address")]);
  const empty = await sluiceIn({ input: "\n" }, "sale", "list", "--redis", "-");
  expect([empty.code, empty.said]).toEqual([1, expect.stringContaining("--redis - is empty")]);
});
