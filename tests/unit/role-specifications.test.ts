import { expect, test } from "bun:test";
import { join } from "node:path";

import {
  readOptions,
  readYaml,
  ROLES,
  roles,
  sectionOf,
  tableRows,
  variableRows,
} from "./support/roles.ts";

/** A role's variables stand in three files: with values, with types and meanings, and for readers. */

test("there are roles", () => {
  expect(roles.length).toBeGreaterThan(8);
});

test.each(roles)("%s: every default is specified, with the same value", async (role) => {
  const defaults = (await readYaml(`${role}/defaults/main.yml`)) as Record<string, unknown>;
  const specified = Object.entries(await readOptions(role)).filter(
    ([, option]) => option.required !== true && option.default !== undefined,
  );
  expect(Object.fromEntries(specified.map(([name, option]) => [name, option.default]))).toEqual(
    defaults,
  );
});

test.each(roles)("%s: every variable says what it is for", async (role) => {
  const silent = Object.entries(await readOptions(role)).filter(
    ([, { description }]) => description === undefined || description.length === 0,
  );
  expect(silent.map(([name]) => name)).toEqual([]);
});

test.each(roles)("%s: its own variables carry its name, the shared ones sluice's", async (role) => {
  const names = Object.keys(await readOptions(role));
  const shared = /^(sluice_|ticket_node_|web_weight$|redis_role$)/;
  expect(names.filter((name) => !name.startsWith(`${role}_`) && !shared.test(name))).toEqual([]);
});

/** If it fails: bun tests/unit/support/roles.ts && bun fmt ansible/roles */
test.each(roles)("%s: its README has the variables as they are specified", async (role) => {
  const readme = await readReadme(role);
  expect(tableRows(sectionOf(readme, "Variables") ?? "")).toEqual(await variableRows(role));
});

test.each(roles)("%s: its README says what it does, and its example can be read", async (role) => {
  const readme = await readReadme(role);
  expect(readme).toStartWith(`# Ansible role: ${role}\n\n`);
  const example = /```yaml\n(.*?)```/s.exec(sectionOf(readme, "Example") ?? "")?.[1] ?? "";
  const plays = Bun.YAML.parse(example) as Record<string, unknown>[];
  expect(JSON.stringify(plays)).toContain(`"name":"${role}"`);
  const known = (await Promise.all(roles.map(readOptions))).flatMap((options) =>
    Object.keys(options),
  );
  expect(findVariables(plays).filter((name) => !known.includes(name))).toEqual([]);
});

async function readReadme(role: string): Promise<string> {
  return Bun.file(join(ROLES, role, "README.md")).text();
}

/** The names of all that is set under `vars` anywhere. */
function findVariables(value: unknown): string[] {
  if (typeof value !== "object" || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(key === "vars" ? Object.keys(inner as object) : []),
    ...findVariables(inner),
  ]);
}
