import { expect, test } from "bun:test";
import { join } from "node:path";

/** Facts of a host that are the place's, not the topology's. */
const OF_THE_PLACE = new Set(["ansible_host", "vm_memory_mb", "vm_mac"]);
const NETWORK = "192.168.56.";

type Variables = Record<string, unknown>;
interface Group {
  readonly vars?: Variables;
  readonly hosts: Record<string, Variables | null>;
}
interface Inventory {
  readonly all: { readonly vars: Variables; readonly children: Record<string, Group> };
}

async function read(name: string): Promise<Inventory> {
  const path = join(import.meta.dir, "../../ansible/inventories", name, "hosts.yml");
  return Bun.YAML.parse(await Bun.file(path).text()) as Inventory;
}

/** Groups, hosts, weights and roles, without what another place has otherwise. */
function topologyOf({ all }: Inventory, hosts?: ReadonlySet<string>) {
  return Object.fromEntries(
    Object.entries(all.children).map(([name, group]) => [
      name,
      {
        vars: group.vars,
        hosts: Object.entries(group.hosts)
          .filter(([host]) => hosts?.has(host) ?? true)
          .map(([host, variables]) => [
            host,
            Object.entries(variables ?? {}).filter(([variable]) => !OF_THE_PLACE.has(variable)),
          ]),
      },
    ]),
  );
}

function hostsOf({ all }: Inventory): Map<string, Variables> {
  const hosts = new Map<string, Variables>();
  for (const group of Object.values(all.children)) {
    for (const [host, variables] of Object.entries(group.hosts)) {
      hosts.set(host, { ...hosts.get(host), ...variables });
    }
  }
  return hosts;
}

const [lab, full, small] = await Promise.all(["lab", "vagrant", "vagrant-small"].map(read));
if (lab === undefined || full === undefined || small === undefined) {
  throw new Error("unreachable");
}

test("the virtual machines are the lab's topology, weights and all", () => {
  expect(topologyOf(full)).toEqual(topologyOf(lab));
});

test("the small topology is a part of it, with a host of every tier", () => {
  const hosts = hostsOf(small);
  expect([...hosts.keys()]).toEqual("lvs1 lvs2 web1 node1 node2 redis1 orders1".split(" "));
  expect(topologyOf(small)).toEqual(topologyOf(full, new Set(hosts.keys())));
  expect(small.all.vars).toEqual(full.all.vars);
  for (const [host, variables] of hosts) {
    expect(variables).toEqual(hostsOf(full).get(host) ?? {});
  }
});

test("every machine has memory, processors and an address of its own in the VIP's network", () => {
  const hosts = [...hostsOf(full).values()];
  const addresses = [full.all.vars["sluice_vip"], ...hosts.map((host) => host["ansible_host"])];
  expect(new Set(addresses).size).toBe(addresses.length);
  expect(addresses.filter((address) => !String(address).startsWith(NETWORK))).toEqual([]);
  for (const { vm_memory_mb: memoryMb, vm_cpus: cpus } of hosts) {
    expect(memoryMb).toBeGreaterThanOrEqual(256);
    expect(cpus).toBeGreaterThanOrEqual(1);
  }
});
