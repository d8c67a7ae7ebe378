import { CommandError } from "../../src/operator/command.ts";
import { type InventoryHost, parseInventory, type Variables } from "../host/inventory.ts";

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

const MEMORY_MB_MIN = 96;
const ADDRESS = /^(\d{1,3}\.){3}\d{1,3}$/;
const SUBNET = /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
/** A tap is called `tap-HOST`, and the kernel allows 15 characters. */
const HOST_NAME = /^[a-z][a-z0-9-]{0,10}$/;

/** Reads from an inventory in YAML what the lab needs of it. Throws `CommandError`. */
export function readTopology(text: string): Topology {
  const { hosts: found, shared } = parseInventory(text);
  const hosts = found.map(readHost);
  refuseTwins(hosts);
  const crowdAddresses = shared["lab_crowd_addresses"];
  if (!Array.isArray(crowdAddresses) || crowdAddresses.length === 0) {
    throw new CommandError(
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

function readHost({ name, groups, variables }: InventoryHost): LabHost {
  if (!HOST_NAME.test(name)) {
    throw new CommandError(
      `a host is called '${name}'; the lab takes up to 11 small letters, digits and dashes`,
    );
  }
  const memoryMb = variables["vm_memory_mb"];
  if (typeof memoryMb !== "number" || !(memoryMb >= MEMORY_MB_MIN)) {
    throw new CommandError(`${name}: vm_memory_mb is to be a number from ${MEMORY_MB_MIN}`);
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
        throw new CommandError(`${owner} and ${host.name} have the same ${field}, ${host[field]}`);
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
    throw new CommandError(`${where}: ${name} is to be ${example}, not '${String(value)}'`);
  }
  return value;
}
