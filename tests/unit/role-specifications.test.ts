import { expect, test } from "bun:test";
import { join } from "node:path";

/** A role's variables stand in two files: with their values, and with their types and meanings. */
const ROLES = join(import.meta.dir, "..", "..", "ansible", "roles");

interface Option {
  readonly default?: unknown;
  readonly required?: boolean;
  readonly description?: string | readonly string[];
}
interface Specifications {
  readonly argument_specs: { readonly main: { readonly options?: Record<string, Option> } };
}

const roles = [...new Bun.Glob("*/tasks/main.yml").scanSync(ROLES)]
  .map((path) => path.split("/")[0] ?? "")
  .sort();

async function readYaml(path: string): Promise<unknown> {
  const file = Bun.file(join(ROLES, path));
  return (await file.exists()) ? Bun.YAML.parse(await file.text()) : {};
}

async function readOptions(role: string): Promise<Record<string, Option>> {
  const parsed = (await readYaml(`${role}/meta/argument_specs.yml`)) as Specifications;
  return parsed.argument_specs.main.options ?? {};
}

test("there are roles", () => {
  expect(roles.length).toBeGreaterThan(8);
});

test.each(roles)("%s: every default is specified, with the same value", async (role) => {
  const defaults = (await readYaml(`${role}/defaults/main.yml`)) as Record<string, unknown>;
  const specified = Object.entries(await readOptions(role)).filter(
    ([, option]) => option.required !== true,
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
