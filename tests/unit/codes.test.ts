import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../../dev/host/checkout.ts";
import { answerKind } from "../../dev/load/outcomes.ts";
import { messages } from "../../src/node/http/messages.ts";
import { type AnswerName, answerTable, codes } from "../../src/sale/codes.ts";

function read(...path: string[]): string {
  return readFileSync(join(ROOT, ...path), "utf8");
}

/** `$message_sold_out` is the message of `soldOut`. */
function nameOf(variable: string): AnswerName {
  const name = variable.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  expect(Object.keys(answerTable)).toContain(name);
  return name as AnswerName;
}

interface NginxAnswer {
  readonly location: string;
  readonly status: number;
  readonly code: number;
  readonly name: AnswerName;
}

/** Every answer with a code that Nginx gives, with the location that gives it. */
function readAnswers(): NginxAnswer[] {
  const files = ["front.conf", "status.conf"].map((file) => read("nginx", file));
  const locations = files.flatMap((text) => text.split(/^ {4}location /m).slice(1));
  return locations.flatMap((text) => {
    const location = /^(?:[=~] )?(\S+) \{/.exec(text)?.[1] ?? "";
    const returns = text.matchAll(/return (\d+) '\{"code":(-?\d+),"msg":"\$message_(\w+)",/g);
    return [...returns].map(([, status, code, variable = ""]) => ({
      location,
      status: Number(status),
      code: Number(code),
      name: nameOf(variable),
    }));
  });
}

describe("what Nginx answers itself is what a node would answer", () => {
  const answers = readAnswers();
  /** Statuses of Nginx's own, for parts of a request that no node reads. */
  const tooLargeStatuses = [413, 414, 431];

  test("every return with a body of ours was read", () => {
    const all = [...new Bun.Glob("*.conf").scanSync(join(ROOT, "nginx"))]
      .map((file) => read("nginx", file))
      .join("");
    expect(answers).toHaveLength(all.match(/"code"/g)?.length ?? 0);
    expect(answers.length).toBeGreaterThan(9);
  });

  for (const { location, status, code, name } of answers) {
    test(`${location} is ${status} with the code of ${name}`, () => {
      expect(code).toBe(answerTable[name].code);
      const statuses: readonly number[] =
        name === "tooLarge" ? tooLargeStatuses : [answerTable[name].status];
      expect(statuses).toContain(status);
    });
  }

  test("what nobody answered is undecided if it was sent, else busy", () => {
    const unanswered = answers.filter(({ location }) => location === "@unanswered");
    expect(unanswered.map(({ name }) => name)).toEqual(["undecided", "busy"]);
  });

  test("in the same words, in every language, and each of them is used", () => {
    const maps = read("nginx", "answers.conf").matchAll(
      /^map \$locale \$message_(\w+) \{\n {4}zh "(.*)";\n {4}default "(.*)";\n\}$/gm,
    );
    const said = [...maps].map(([, variable = "", zh, en]) => ({ name: nameOf(variable), zh, en }));
    for (const { name, zh, en } of said) {
      expect([zh, en]).toEqual([messages.zh[name], messages.en[name]]);
    }
    const used = new Set<string>(answers.map(({ name }) => name));
    expect(new Set<string>(said.map(({ name }) => name))).toEqual(used);
  });

  test("every error page is there, with the status that it is meant to have", () => {
    const pages = [...read("nginx", "errors.conf").matchAll(/^error_page (.*) (\/\S+);$/gm)];
    const statusOf = new Map(answers.map(({ location, status }) => [location, status]));
    expect(pages.length).toBeGreaterThan(7);
    for (const [line, statuses = "", location = ""] of pages) {
      const given = statusOf.get(location);
      const meant = /=(\d+)$/.exec(statuses)?.[1] ?? location.replace("/edge/", "");
      expect([line, given]).toEqual([line, Number(meant)]);
    }
  });
});

describe("the table of docs/api.md", () => {
  const [, rows = ""] =
    /\n\| outcome +\| status \| code \| data +\|\n\|[-| ]+\|\n((?:\|.*\n)+)/.exec(
      read("docs/api.md"),
    ) ?? [];
  const documented = rows
    .trimEnd()
    .split("\n")
    .flatMap((row) => {
      const [, outcome = "", status = "", code] = row.split("|").map((cell) => cell.trim());
      // "4xx": the row's first cell lists which.
      const statuses = /^\d+$/.test(status) ? [status] : (outcome.match(/\b4\d\d\b/g) ?? []);
      return statuses.map((one) => `${one} ${code}`);
    });

  test("has a row for every code", () => {
    const withRow = new Set(documented.map((row) => Number(row.split(" ")[1])));
    expect(withRow).toEqual(new Set<number>(Object.values(codes)));
  });

  test("has the status and the code of every refusal and of every outcome of a purchase", () => {
    // 200: an order that is shown. 429 is Nginx's. 500 is a fault of ours, which nobody relies on.
    const answers = Object.values(answerTable).filter(
      ({ status }) => ![200, 429, 500].includes(status),
    );
    const pairs = new Set(answers.map(({ status, code }) => `${status} ${code}`));
    expect(new Set(documented)).toEqual(pairs);
  });
});

test("a crowd is told apart by the statuses of the table", () => {
  const same = ["sold", "undecided", "soldOut", "notOnSale", "busy"] as const;
  for (const name of same) {
    expect<string>(answerKind(answerTable[name].status)).toBe(name);
  }
  expect(answerKind(answerTable.tooMany.status)).toBe("limited");
  expect(answerKind(answerTable.fewerLeft.status)).toBe("fewerLeftOrLimitReached");
  expect(answerKind(answerTable.limitReached.status)).toBe("fewerLeftOrLimitReached");
  for (const name of ["badRequest", "notFound", "methodNotAllowed", "tooLarge"] as const) {
    expect(answerKind(answerTable[name].status)).toBe("badRequest");
  }
});
