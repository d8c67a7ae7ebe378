import { CommandError } from "../../src/operator/command.ts";
import { reasonOf } from "../../src/process/errors.ts";

/** Variables of an inventory, not checked yet. */
export type Variables = Readonly<Record<string, unknown>>;

/** A host with what its groups and its own entry set, nearer ones first. */
export interface InventoryHost {
  readonly name: string;
  readonly groups: readonly string[];
  readonly variables: Variables;
}

export interface Inventory {
  readonly hosts: readonly InventoryHost[];
  /** Variables of the group `all`. */
  readonly shared: Variables;
}

const DEPTH_MAX = 16;
const HOSTS_MAX = 100;

/**
 * Reads an inventory in YAML, as Ansible would as far as hosts, groups in groups and their
 * variables go. Throws `CommandError`.
 */
export function parseInventory(text: string): Inventory {
  const found = new Map<string, { groups: string[]; variables: Record<string, unknown> }>();
  let shared: Variables = {};
  const walk = (name: string, group: unknown, above: Variables, depth: number): void => {
    if (!isMap(group) || depth > DEPTH_MAX) {
      return;
    }
    const variables = { ...above, ...mapOf(group["vars"]) };
    if (name === "all") {
      shared = variables;
    }
    for (const [host, own] of Object.entries(mapOf(group["hosts"]))) {
      const entry = found.get(host) ?? { groups: [], variables: {} };
      // A host's own variables win over those of any group of it.
      entry.variables = { ...variables, ...entry.variables, ...mapOf(own) };
      if (name !== "all") {
        entry.groups.push(name);
      }
      found.set(host, entry);
    }
    for (const [child, below] of Object.entries(mapOf(group["children"]))) {
      walk(child, below, variables, depth + 1);
    }
  };
  for (const [name, group] of Object.entries(parseYaml(text))) {
    walk(name, group, {}, 0);
  }
  if (found.size === 0 || found.size > HOSTS_MAX) {
    throw new CommandError(`it names ${found.size} hosts; there may be 1 to ${HOSTS_MAX}`);
  }
  return { hosts: [...found].map(([name, entry]) => ({ name, ...entry })), shared };
}

/** The hosts of these names, in the inventory's order; all without names. Throws `CommandError`. */
export function pickHosts<T extends { readonly name: string }>(
  hosts: readonly T[],
  names: readonly string[],
): T[] {
  for (const name of names) {
    if (!hosts.some((host) => host.name === name)) {
      const known = hosts.map((host) => host.name).join(" ");
      throw new CommandError(`there is no host '${name}' in the inventory; there are: ${known}`);
    }
  }
  return names.length === 0 ? [...hosts] : hosts.filter(({ name }) => names.includes(name));
}

function parseYaml(text: string): Variables {
  let root: unknown;
  try {
    root = Bun.YAML.parse(text);
  } catch (error) {
    throw new CommandError(`it is not YAML: ${reasonOf(error)}`);
  }
  if (!isMap(root)) {
    throw new CommandError("it holds no groups; its first line is to be 'all:'");
  }
  return root;
}

function mapOf(value: unknown): Variables {
  return isMap(value) ? value : {};
}

function isMap(value: unknown): value is Variables {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
