import { LabError } from "./lab-error.ts";

/** A host as the lab boots it; the rest of the inventory is Ansible's. */
export interface LabHost {
  readonly name: string;
  readonly address: string;
  readonly groups: readonly string[];
  readonly memoryMb: number;
  readonly mac: string;
  readonly user: string;
}

export interface Topology {
  readonly hosts: readonly LabHost[];
  /** Address of the control machine in the hosts' network, with the length of its prefix. */
  readonly gateway: string;
  readonly crowdGateway: string;
  readonly crowdAddresses: readonly string[];
  readonly vip: string | null;
}

type Variables = Record<string, unknown>;

const MEMORY_MB_MIN = 96;
const DEPTH_MAX = 16;
const HOSTS_MAX = 100;
const ADDRESS = /^(\d{1,3}\.){3}\d{1,3}$/;
const SUBNET = /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
/** A tap is called `tap-HOST`, and the kernel allows 15 characters. */
const HOST_NAME = /^[a-z][a-z0-9-]{0,10}$/;

/**
 * Reads hosts and variables from an inventory in YAML, as far as the lab needs them: groups in
 * groups, variables of groups and of hosts, nearer ones first. Throws `LabError`.
 */
export function readTopology(text: string): Topology {
  let root: unknown;
  try {
    root = Bun.YAML.parse(text);
  } catch (error) {
    throw new LabError(`it is not YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isMap(root)) {
    throw new LabError("it holds no groups; its first line is to be 'all:'");
  }
  const found = new Map<string, { variables: Variables; groups: string[] }>();
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
      const entry = found.get(host) ?? { variables: {}, groups: [] };
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
  for (const [name, group] of Object.entries(root)) {
    walk(name, group, {}, 0);
  }
  if (found.size === 0 || found.size > HOSTS_MAX) {
    throw new LabError(`it names ${found.size} hosts; the lab boots 1 to ${HOSTS_MAX}`);
  }
  const hosts = [...found].map(([name, entry]) => readHost(name, entry.variables, entry.groups));
  refuseTwins(hosts);
  const crowdAddresses = shared["lab_crowd_addresses"];
  if (!Array.isArray(crowdAddresses) || crowdAddresses.length === 0) {
    throw new LabError(
      "all.vars.lab_crowd_addresses is missing: the list of the crowd's addresses",
    );
  }
  return {
    hosts,
    gateway: readText("all.vars", shared, "lab_gateway", SUBNET, "such as 10.77.0.1/24"),
    crowdGateway: readText("all.vars", shared, "lab_crowd_gateway", SUBNET, "such as 10.78.0.1/24"),
    crowdAddresses: crowdAddresses.map((address: unknown) =>
      readText("lab_crowd_addresses", { entry: address }, "entry", SUBNET, "such as 10.78.0.2/24"),
    ),
    vip:
      shared["sluice_vip"] === undefined
        ? null
        : readText("all.vars", shared, "sluice_vip", ADDRESS, "an IPv4 address"),
  };
}

function readHost(name: string, variables: Variables, groups: readonly string[]): LabHost {
  if (!HOST_NAME.test(name)) {
    throw new LabError(
      `a host is called '${name}'; the lab takes up to 11 small letters, digits and dashes`,
    );
  }
  const memoryMb = variables["vm_memory_mb"];
  if (typeof memoryMb !== "number" || !(memoryMb >= MEMORY_MB_MIN)) {
    throw new LabError(`${name}: vm_memory_mb is to be a number from ${MEMORY_MB_MIN}`);
  }
  return {
    name,
    address: readText(name, variables, "ansible_host", ADDRESS, "an IPv4 address"),
    groups,
    memoryMb,
    mac: readText(name, variables, "vm_mac", MAC, 'such as "52:54:00:77:00:11", in quotes'),
    user: readText(name, variables, "ansible_user", /^[a-z][a-z0-9_-]{0,30}$/, "a user's name"),
  };
}

function refuseTwins(hosts: readonly LabHost[]): void {
  for (const field of ["address", "mac"] as const) {
    const owners = new Map<string, string>();
    for (const host of hosts) {
      const owner = owners.get(host[field]);
      if (owner !== undefined) {
        throw new LabError(`${owner} and ${host.name} have the same ${field}, ${host[field]}`);
      }
      owners.set(host[field], host.name);
    }
  }
}

function readText(
  where: string,
  variables: Variables,
  name: string,
  form: RegExp,
  example: string,
): string {
  const value = variables[name];
  if (typeof value !== "string" || !form.test(value)) {
    throw new LabError(`${where}: ${name} is to be ${example}, not '${String(value)}'`);
  }
  return value;
}

function mapOf(value: unknown): Variables {
  return isMap(value) ? value : {};
}

function isMap(value: unknown): value is Variables {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
