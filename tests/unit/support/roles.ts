import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The roles of Ansible: what their specifications say, and what their READMEs are to say of it. */
export const ROLES = join(import.meta.dir, "..", "..", "..", "ansible", "roles");

export interface Option {
  readonly type?: string;
  readonly elements?: string;
  readonly choices?: readonly unknown[];
  readonly default?: unknown;
  readonly required?: boolean;
  readonly description?: string | readonly string[];
}
interface Specifications {
  readonly argument_specs: Record<string, { readonly options?: Record<string, Option> }>;
}

/** A default that takes more characters than this is not repeated in a table. */
const DEFAULT_WIDTH_MAX = 60;

/** The names of all roles, sorted. */
export const roles = readdirSync(ROLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

/** A file of a role as YAML; an empty object where there is no such file. */
export async function readYaml(path: string): Promise<unknown> {
  const file = Bun.file(join(ROLES, path));
  return (await file.exists()) ? Bun.YAML.parse(await file.text()) : {};
}

/** What a role takes, of all its task files. */
export async function readOptions(role: string): Promise<Record<string, Option>> {
  const parsed = (await readYaml(`${role}/meta/argument_specs.yml`)) as Specifications;
  return Object.assign(
    {},
    ...Object.values(parsed.argument_specs).map(({ options }) => options ?? {}),
  ) as Record<string, Option>;
}

/** The rows of the table of a role's variables; none where it takes none. */
export async function variableRows(role: string): Promise<string[][]> {
  return Object.entries(await readOptions(role)).map(([name, option]) => [
    `\`${name}\``,
    describeType(option),
    describeDefault(option),
    describe(option),
  ]);
}

function describeType({ type = "str", elements }: Option): string {
  return elements === undefined ? type : `${type} of ${elements}`;
}

function describeDefault(option: Option): string {
  if (option.required === true) {
    return "required";
  }
  if (option.default === undefined) {
    return "not set";
  }
  const text =
    typeof option.default === "string" ? option.default || '""' : JSON.stringify(option.default);
  return text.length > DEFAULT_WIDTH_MAX
    ? "[defaults/main.yml](defaults/main.yml)"
    : `\`${text.replaceAll("|", "\\|")}\``;
}

function describe({ description = "", choices }: Option): string {
  const text = [description].flat().join(" ").replaceAll("|", "\\|");
  return choices === undefined ? text : `${text} One of: ${choices.join(", ")}.`;
}

/** The section of that name of a README, without its heading; undefined where there is none. */
export function sectionOf(readme: string, name: string): string | undefined {
  return readme
    .split(/^## /m)
    .slice(1)
    .find((section) => section.startsWith(`${name}\n`))
    ?.slice(name.length);
}

/** The rows of the first table in a text, without its heading; cells as they are written. */
export function tableRows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

/** `bun tests/unit/support/roles.ts` writes the tables anew, for `bun fmt` to align. */
async function writeTables(): Promise<void> {
  for (const role of roles) {
    const path = join(ROLES, role, "README.md");
    const readme = await Bun.file(path).text();
    const section = sectionOf(readme, "Variables");
    const rows = await variableRows(role);
    if (section === undefined || rows.length === 0) {
      continue;
    }
    const table = [["variable", "type", "default", "what it is"], ["-", "-", "-", "-"], ...rows]
      .map((cells) => `| ${cells.join(" | ")} |\n`)
      .join("");
    const kept = section.split("\n").filter((line) => !line.startsWith("|"));
    const text = kept.join("\n").trim();
    const written = `\n\n${text === "" ? "" : `${text}\n\n`}${table}\n`;
    await Bun.write(
      path,
      readme.replace(`## Variables${section}`, () => `## Variables${written}`),
    );
  }
}

if (import.meta.main) {
  await writeTables();
}
