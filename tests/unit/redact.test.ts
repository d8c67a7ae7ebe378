import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import fc from "fast-check";

import { describeError, toLoggedError } from "../../src/process/errors.ts";
import { holdsPassword, redact, redactAddress } from "../../src/process/redact.ts";

/** What passwords are made of where people make them up, and what addresses are made of. */
const oddCharacter = fc.constantFrom(
  ...Array.from("@/:?#%&=;,. \"'`\\|<>[]{}()$!*+~^-_aZ09äß€漢😀"),
);
const oddPassword = fc.oneof(
  fc.string({ unit: oddCharacter, minLength: 1, maxLength: 24 }),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 24 }),
  fc.constantFrom("pa/ss", "p@ss", "pa#ss", "pa?ss", "pa%ss", "pa%2Fss", "12345", "a:b@c/d?e#f"),
  fc.constantFrom("x?password=y@z", "redis://", "http://u:p@h/", "a b c", "6379/0", "%40%3A"),
);
const scheme = fc.constantFrom("redis", "rediss", "postgres", "postgresql", "http", "REDIS");
const user = fc.constantFrom("", "u", "sluice", "us.er-1", "us%40er");
const tail = fc.constantFrom(
  "h",
  "h:6379",
  "10.0.0.1:6379/0",
  "[::1]:5432/d",
  "db.example/d?host=/run",
);

/** Whether a password without a host behind it can be told from a port, or from a user and host. */
function isTold(password: string): boolean {
  return !/@|^\s|^\d{1,5}([^\w]|$)/.test(password);
}

/** Three characters of a secret in a row, of those that are nowhere in the rest. */
function leaksOf(secret: string, shown: string, rest: string): string[] {
  const parts = Array.from({ length: Math.max(1, secret.length - 2) }, (_, index) =>
    secret.slice(index, index + 3),
  );
  return parts.filter((part) => part.length === 3 && shown.includes(part) && !rest.includes(part));
}

/** A password as it is, and as it is in an address that was made properly. */
function formsOf(password: string): string[] {
  return [password, encodeURIComponent(password.toWellFormed())];
}

describe("of a password nothing is shown", () => {
  test("wherever it stands before a host", () => {
    fc.assert(
      fc.property(scheme, user, oddPassword, tail, (kind, name, password, host) => {
        for (const form of formsOf(password)) {
          const shown = redactAddress(`${kind}://${name}:${form}@${host}`);
          expect(leaksOf(form, shown, `${kind}://***@${host}`)).toEqual([]);
          expect([`${kind}://***@${host}`, `${kind}://***`]).toContain(shown);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("where the address is broken: no scheme, half a scheme, spaces around", () => {
    const broken = fc.constantFrom(
      "",
      "redis:",
      "redis:/",
      "//",
      "redis//",
      " redis://",
      "1://",
      "\t",
    );
    fc.assert(
      fc.property(broken, user, oddPassword, tail, (begin, name, password, host) => {
        for (const form of formsOf(password)) {
          const shown = redactAddress(`${begin}${name}:${form}@${host}`);
          expect(leaksOf(form, shown, `${begin}***@${host}`)).toEqual([]);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("where the host was forgotten, unless it looks like a port, or like a user and a host", () => {
    fc.assert(
      fc.property(scheme, user, oddPassword.filter(isTold), (kind, name, password) => {
        const shown = redactAddress(`${kind}://${name}:${password}`);
        expect(leaksOf(password, shown, `${kind}://${name}:***`)).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  test("where it is a parameter", () => {
    const parameter = fc.constantFrom("password", "sentinelPassword", "sslpassword", "auth", "PWD");
    const before = fc.constantFrom("?", "?host=/run&", "?a=b&c=d&");
    const place = fc.constantFrom("postgres://h/d", "redis://u@h:1", "redis://h", "postgres:///d");
    fc.assert(
      fc.property(place, before, parameter, oddPassword, (where, query, name, password) => {
        for (const form of formsOf(password)) {
          const shown = redactAddress(`${where}${query}${name}=${form}`);
          expect(leaksOf(form, shown, `${where}${query}${name}=***`)).toEqual([]);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("where several addresses stand in one text", () => {
    // "://" in a password of a text is taken for the next address where a separator is before it.
    const secret = oddPassword.filter((password) => !/:\/\/|\n/.test(password));
    const words = fc.constantFrom(
      " and ",
      ", ",
      '": "',
      "\n",
      " could not be reached; ",
      "=",
      "' '",
    );
    const address = fc.tuple(scheme, user, secret, tail);
    fc.assert(
      fc.property(fc.array(address, { minLength: 1, maxLength: 4 }), words, (addresses, word) => {
        const textOf = (hidden: boolean): string =>
          addresses
            .map(([kind, name, password, host]) =>
              hidden ? `${kind}://***@${host}` : `${kind}://${name}:${password}@${host}`,
            )
            .join(word);
        const shown = redact(`it says ${textOf(false)}${word}`);
        for (const [, , password] of addresses) {
          expect(leaksOf(password, shown, `it says ${textOf(true)}${word}`)).toEqual([]);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("where it is redacted twice", () => {
    fc.assert(
      fc.property(scheme, user, oddPassword, tail, (kind, name, password, host) => {
        const once = redactAddress(`${kind}://${name}:${password}@${host}`);
        expect(redactAddress(once)).toBe(once);
        expect(redact(once)).toBe(once);
      }),
    );
  });
});

describe("what has no secret stays as it is", () => {
  test.each([
    "",
    "redis://127.0.0.1:6379/0",
    "redis://[::1]:6379",
    "redis://h",
    "postgres://sluice@192.168.56.51:5432/sluice",
    "postgres://sluice@localhost:5432/d?host=%2Ftmp%2Fx",
    "postgres:///d?host=/run/postgresql",
    "sqlite:///var/lib/a@b:c/orders.db",
    "http://127.0.0.1:8080/buy/ticket?a=b",
    "127.0.0.1:6379",
    "orders.db",
  ])("the address %p", (address) => {
    expect(redactAddress(address)).toBe(address);
    expect(redact(address)).toBe(address);
    expect(holdsPassword(address)).toBe(false);
  });

  test.each([
    "the ledger at redis://10.0.0.1:6379/0 did not answer: connect ECONNREFUSED 10.0.0.1:6379",
    "redis://host: connection refused",
    "none of 3 requests to http://127.0.0.1:8080/buy/ticket was answered: timeout",
    "see (http://127.0.0.1:8080), or https://example.org.",
    "ticket-node@3001.service: Failed with result 'exit-code'.",
    'FATAL: password authentication failed for user "sluice"',
    "ann@example.org bought 3",
  ])("the text %p", (text) => {
    expect(redact(text)).toBe(text);
  });

  test("text without an address, whatever is in it", () => {
    fc.assert(
      fc.property(fc.string({ unit: oddCharacter }), (text) => {
        fc.pre(!text.includes("://"));
        expect(redact(text)).toBe(text);
      }),
    );
  });
});

test.each([
  ["redis://u:pa/ss@h", "redis://***@h"],
  ["postgres://u:p@ss@h/d", "postgres://***@h/d"],
  ["redis://:secret@host:6379/0", "redis://***@host:6379/0"],
  ["postgres://h/d?password=x&sslmode=off", "postgres://h/d?password=***"],
  ["postgres://u:x@h/d?password=y", "postgres://***@h/d?password=***"],
  ["postgres://h/d?password=p@ssword", "postgres://***"],
  ["u:pw@h:6379", "***@h:6379"],
  ["redis://u:hunter2", "redis://u:***"],
])("%s is shown as %s", (address, shown) => {
  expect(redactAddress(address)).toBe(shown);
  expect(holdsPassword(address)).toBe(true);
});

describe("an error that holds a password", () => {
  const address = "redis://u:hun/ter2@h";
  const reply = Object.assign(new Error("WRONGPASS invalid"), {
    command: { name: "hello", args: ["3", "AUTH", "u", "hun/ter2"] },
  });
  const error = new Error(`cannot use ${address}`, { cause: reply });

  test("is described without it, with its causes and where it came from", () => {
    const text = describeError(error);
    expect(text).toContain("Error: cannot use redis://***@h");
    expect(text).toContain("caused by Error: WRONGPASS invalid");
    expect(text).toContain("redact.test.ts");
    expect(text).not.toContain("ter2");
  });

  test("is logged without it", () => {
    expect(JSON.stringify(toLoggedError(error))).not.toContain("ter2");
    expect(toLoggedError(error).cause?.message).toBe("WRONGPASS invalid");
  });

  test("is not followed for ever if it caused itself", () => {
    const circle = new Error("round");
    circle.cause = circle;
    expect(describeError(circle).match(/round/g)).toHaveLength(5);
  });

  test("may be no error at all", () => {
    expect(describeError(`thrown ${address}`)).toContain("Error: thrown redis://***@h");
  });
});

test("no program describes what it caught by itself, nor shows an address as it is", async () => {
  const root = join(import.meta.dir, "../..");
  const byItself = /instanceof Error \? \w+\.message : String\(/;
  // Only where it is the value that a program is given or a test is about.
  const shown = /(Error|log\.\w+|console\.\w+|write)\([^;]*\$\{[^}(]*([rR]edis|[dD]atabase)Url\}/;
  const paths = [...new Bun.Glob("{src,dev,bench}/**/*.ts").scanSync(root)];
  const texts = await Promise.all(
    paths.map(async (path) => ({ path, text: await Bun.file(join(root, path)).text() })),
  );
  const faulty = texts.filter(({ text }) => byItself.test(text) || shown.test(text));
  expect(faulty.map(({ path }) => path)).toEqual(["src/process/errors.ts"]);
});
