import { expect, test } from "bun:test";

import fc from "fast-check";

import { pickHosts } from "../../dev/host/inventory.ts";
import { INVENTORY_DEFAULT, readInventory } from "../../dev/lab/instance.ts";
import { readTopology } from "../../dev/lab/topology.ts";

interface Host {
  readonly [name: string]: unknown;
}

/** An inventory that the lab takes, with hosts and what is changed in it. */
function inventory(hosts: Record<string, Host>, vars: Record<string, unknown> = {}): string {
  return JSON.stringify({
    all: {
      vars: {
        ansible_user: "operator",
        sluice_vip: "10.77.0.100",
        lab_gateway: "10.77.0.1/24",
        lab_crowd_gateway: "10.78.0.1/24",
        lab_crowd_addresses: ["10.78.0.2/24"],
        ...vars,
      },
      children: { web: { hosts } },
    },
  });
}

function host(number: number, changes: Host = {}): Host {
  return {
    ansible_host: `10.77.0.${number}`,
    vm_memory_mb: 256,
    vm_mac: `52:54:00:77:00:${number.toString(16).padStart(2, "0")}`,
    ...changes,
  };
}

test("the lab's own inventory names the whole topology", () => {
  const topology = readInventory(INVENTORY_DEFAULT);
  const hosts = topology.hosts.map(({ name, groups }) => `${name}: ${groups.join(" ")}`);
  expect(hosts).toEqual([
    "lvs1: directors",
    "lvs2: directors",
    "web1: web",
    "web2: web",
    "node1: nodes",
    "node2: nodes",
    "node3: nodes",
    "node4: nodes",
    "redis1: redis",
    "redis2: redis",
    "orders1: postgresql workers",
  ]);
  expect(topology.vip).toBe("10.77.0.100");
  expect(topology.crowdAddresses.length).toBeGreaterThan(1);
});

test("a host in several groups is one host, and its own variables win", () => {
  const text = JSON.stringify({
    all: {
      ...JSON.parse(inventory({})).all,
      children: {
        web: { vars: { vm_memory_mb: 999 }, hosts: { one: host(11), two: host(12) } },
        nodes: {
          vars: { vm_memory_mb: 512 },
          children: { fast: { hosts: { one: null, three: host(13, { vm_memory_mb: 128 }) } } },
        },
      },
    },
  });
  const { hosts } = readTopology(text);
  expect(hosts.map(({ name, groups }) => [name, groups])).toEqual([
    ["one", ["web", "fast"]],
    ["two", ["web"]],
    ["three", ["fast"]],
  ]);
  expect(hosts.map(({ memoryMb }) => memoryMb)).toEqual([256, 256, 128]);
});

test("every host that is written down is booted, with the address it was given", () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 2, max: 250 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(numbers, (addresses) => {
      const hosts = Object.fromEntries(addresses.map((number) => [`h${number}`, host(number)]));
      const topology = readTopology(inventory(hosts));
      expect(topology.hosts.map(({ address }) => address).sort()).toEqual(
        addresses.map((number) => `10.77.0.${number}`).sort(),
      );
    }),
  );
});

test("what the lab cannot boot is refused with the place and the reason", () => {
  const refused: [string, string][] = [
    ["not: [yaml", "not YAML"],
    ["- a\n- b\n", "no groups"],
    [inventory({}), "names 0 hosts"],
    [inventory({ one: host(11, { ansible_host: "one.example" }) }), "one: ansible_host"],
    [inventory({ one: host(11, { vm_memory_mb: 8 }) }), "one: vm_memory_mb"],
    [inventory({ one: host(11, { vm_mac: 52 }) }), "one: vm_mac"],
    [inventory({ "one.example.org": host(11) }), "'one.example.org'"],
    [inventory({ one: host(11), two: host(11) }), "one and two have the same address"],
    [inventory({ one: host(11) }, { lab_gateway: "10.77.0.1" }), "lab_gateway"],
    [inventory({ one: host(11) }, { lab_crowd_addresses: [] }), "lab_crowd_addresses"],
  ];
  for (const [text, reason] of refused) {
    expect(() => readTopology(text)).toThrow(reason);
  }
});

test("a misspelt host is refused, and the known ones are named", () => {
  const topology = readTopology(inventory({ one: host(11), two: host(12) }));
  expect(() => pickHosts(topology.hosts, ["won"])).toThrow(
    "'won' in the inventory; there are: one two",
  );
  expect(pickHosts(topology.hosts, ["two"]).map(({ name }) => name)).toEqual(["two"]);
  expect(pickHosts(topology.hosts, []).length).toBe(2);
});
