import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../../dev/host/checkout.ts";
import { generateHostFiles } from "../../dev/stack/nginx-files.ts";
import { stackDefaults } from "../../dev/stack/options.ts";
import { readConfig } from "../../src/node/config.ts";

const node = readConfig({ SLUICE_NODE: "node1" });

function readNginx(file: string): string {
  return readFileSync(join(ROOT, "nginx", file), "utf8");
}

/** The value of a directive that stands once in a file. */
function directive(file: string, name: string): string {
  const found = [...readNginx(file).matchAll(new RegExp(`^\\s*${name}\\s+([^;]+);`, "gm"))];
  expect(found).toHaveLength(1);
  return found[0]?.[1] ?? "";
}

function milliseconds(value: string): number {
  const [, number, unit] = /^(\d+)(ms|s)$/.exec(value) ?? [];
  return Number(number) * (unit === "s" ? 1_000 : 1);
}

/** A wait of what is generated for a host. */
function waitMs(file: string, name: string): number {
  const lines = generateHostFiles(stackDefaults)[file] ?? "";
  return milliseconds(new RegExp(`^${name} (\\w+);$`, "m").exec(lines)?.[1] ?? "");
}

describe("nginx and node agree on who lets go first", () => {
  test("nginx lets go of an idle connection first, so no purchase is written into a closing one", () => {
    const keepaliveMs = milliseconds(directive("upstream.conf", "keepalive_timeout"));
    expect(keepaliveMs).toBeLessThan(node.idleSeconds * 1_000);
  });

  test("a node that drains outlasts the connections that nginx keeps to it unused", () => {
    const keepaliveMs = milliseconds(directive("upstream.conf", "keepalive_timeout"));
    expect(keepaliveMs).toBeLessThan(node.drainMs);
    const role = readFileSync(join(ROOT, "ansible/roles/ticket_node/defaults/main.yml"), "utf8");
    const deployedMs = Number(/^ticket_node_drain_ms: (\d+)$/m.exec(role)?.[1]);
    expect(deployedMs).toBeGreaterThan(keepaliveMs);
  });

  test("nginx waits until the node has answered for itself, and not much longer", () => {
    const readMs = waitMs("settings.conf", "proxy_read_timeout");
    expect(readMs).toBeGreaterThan(node.deadlineMs);
    expect(readMs).toBeLessThan(2 * node.deadlineMs);
  });

  test("whoever cannot connect in time has time to ask another node", () => {
    const tryMs = milliseconds(directive("proxy.conf", "proxy_next_upstream_timeout"));
    expect(waitMs("settings.conf", "proxy_connect_timeout")).toBeLessThan(tryMs);
  });

  test("the embedded stack waits as long as a deployed one does unless told", () => {
    const defaults = readFileSync(join(ROOT, "ansible/roles/nginx/defaults/main.yml"), "utf8");
    const deployed = (name: string): number =>
      Number(new RegExp(`^nginx_${name}_ms: (\\d+)$`, "m").exec(defaults)?.[1]);
    expect(waitMs("settings.conf", "proxy_connect_timeout")).toBe(deployed("connect_timeout"));
    expect(waitMs("settings.conf", "proxy_read_timeout")).toBe(deployed("read_timeout"));
    const [begin = 0, connect = 0, read = 0] = [
      "proxy_next_upstream_timeout",
      "proxy_connect_timeout",
      "proxy_read_timeout",
    ].map((name) => waitMs("readiness-waits.conf", name));
    expect(begin + connect + read).toBe(deployed("readiness_limit"));
    // The directors' role refuses a shorter patience, and cannot see the other role's default.
    const director = join(ROOT, "ansible/roles/lvs_director/tasks/preflight.yml");
    expect(readFileSync(director, "utf8")).toContain(`default=${deployed("readiness_limit")})`);
  });

  test("a purchase that was sent is never sent again", () => {
    expect(directive("proxy.conf", "proxy_next_upstream").split(/\s+/)).toEqual([
      "error",
      "timeout",
    ]);
  });
});

/** A map of nginx, as far as cache.conf uses it: regular expressions, then the default. */
function readMap(variable: string): (source: string) => string {
  const block = new RegExp(`^map \\S+ \\$${variable} \\{\\n([^}]*)\\}\\n`, "m");
  // Quantifiers like {1,128} do not occur in these maps.
  const lines = block.exec(readNginx("cache.conf"))?.[1]?.trim().split("\n") ?? [];
  const rules = lines.map((line) => {
    const [, pattern, value = ""] = /^\s*"?(.+?)"? (\S+);$/.exec(line) ?? [];
    return { pattern: pattern ?? "", value: value === '""' ? "" : value };
  });
  return (source) => {
    for (const { pattern, value } of rules) {
      const match = pattern.startsWith("~") ? new RegExp(pattern.slice(1)).exec(source) : null;
      if (match !== null) {
        return value === "$digit" ? (match.groups?.["digit"] ?? "") : value;
      }
    }
    return rules.find(({ pattern }) => pattern === "default")?.value ?? "";
  };
}

describe("the second in the key of the sold-out cache", () => {
  const ahead = readMap("ahead");
  const second = readMap("second");
  const keyAt = (ms: number, scout: string): string => {
    const msec = `${Math.floor(ms / 1_000)}.${String(ms % 1_000).padStart(3, "0")}`;
    return second(`${msec}${ahead(`${scout}${msec}`)}`);
  };
  const beginMs = 1_795_203_230_000;

  test("an answer is used in its own second only, so it is never older than that", () => {
    for (let ms = beginMs; ms < beginMs + 12_000; ms += 1) {
      expect(keyAt(ms, "")).toBe(String(Math.floor(ms / 1_000) % 10));
    }
  });

  test("who looks ahead uses the next second's answer, and only at the end of this one", () => {
    const fromMs: Record<string, number> = { a: 750, b: 850, c: 950 };
    for (const [scout, from] of Object.entries(fromMs)) {
      for (let ms = beginMs; ms < beginMs + 12_000; ms += 1) {
        const shift = ms % 1_000 >= from ? 1 : 0;
        expect(keyAt(ms, scout)).toBe(String((Math.floor(ms / 1_000) + shift) % 10));
      }
    }
  });
});

describe("what is generated for a host", () => {
  test("each node has its address and its weight", () => {
    const lines = generateHostFiles({ ...stackDefaults, nodePort: 4001, weights: [1, 9] })[
      "upstream.conf"
    ];
    expect(lines).toBe(
      "server 127.0.0.1:4001 weight=1 max_fails=5 fail_timeout=1s;\n" +
        "server 127.0.0.1:4002 weight=9 max_fails=5 fail_timeout=1s;\n",
    );
  });

  test("the directors' question asks the same nodes, and leaves none alone", () => {
    const lines = generateHostFiles({ ...stackDefaults, nodePort: 4001, weights: [1, 9] })[
      "readiness-upstream.conf"
    ];
    expect(lines).toBe("server 127.0.0.1:4001 max_fails=0;\nserver 127.0.0.1:4002 max_fails=0;\n");
  });

  test("the switches are where the static part reads them", () => {
    const settings = generateHostFiles({ ...stackDefaults, limitBy: "buyer", accessLog: true })[
      "settings.conf"
    ];
    const names = [...(settings ?? "").matchAll(/^map "" \$(\w+) \{ default (\w+); \}$/gm)];
    expect(names.map(([, name, value]) => [name, value])).toEqual([
      ["locale", "en"],
      ["default_sale", "tickets"],
      ["limit_by", "buyer"],
      ["access_log_on", "1"],
    ]);
    const all = ["log.conf", "answers.conf", "limits.conf", "front.conf"].map(readNginx).join("");
    for (const [, name] of names) {
      expect(all).toContain(`$${name}`);
    }
    expect(settings).toContain("geo $may_ask_readiness {");
    expect(readNginx("readiness.conf")).toContain("$may_ask_readiness");
  });
});
