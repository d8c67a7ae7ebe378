import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { comparePackages } from "../../dev/box/packages.ts";
import { pickHosts } from "../../dev/host/inventory.ts";
import { splitArguments, withoutSeparator } from "../../dev/host/passthrough-args.ts";
import { formatSshConfig } from "../../dev/host/ssh.ts";
import type { VagrantPaths } from "../../dev/vagrant/config.ts";
import { readRememberedPaths, writeVagrantInstance } from "../../dev/vagrant/instance.ts";
import { parseMachines, readMachines } from "../../dev/vagrant/machine.ts";
import { vagrantSshSettings } from "../../dev/vagrant/ssh.ts";
import { timeFactor } from "../../dev/vagrant/time-factor.ts";

const paths: VagrantPaths = {
  stateDir: "/checkout/.sluice/vagrant",
  runDir: "/run/sluice-vagrant",
  namespace: "sluice_vagrant",
  crowdNamespace: "sluice_vagrant_crowd",
  libvirt: "own",
};

test("machines are the hosts of the inventory, each once, with all of its groups", () => {
  const machines = parseMachines(`
all:
  vars:
    sluice_vip: 192.168.56.100
  children:
    postgresql:
      hosts:
        orders1:
          ansible_host: 192.168.56.51
    workers:
      hosts:
        orders1:
`);
  expect(machines).toEqual([
    { name: "orders1", address: "192.168.56.51", groups: ["postgresql", "workers"] },
  ]);
});

test("an inventory that Vagrant could not boot is refused with the reason", () => {
  expect(() => parseMachines("all: {}")).toThrow("names 0 hosts");
  expect(() => parseMachines("all: {children: {web: {hosts: {web1: {}}}}}")).toThrow(
    "web1 has no ansible_host",
  );
  expect(() => readMachines("there-is-none")).toThrow("SLUICE_VAGRANT_INVENTORY");
});

test("power is for hosts that there are", () => {
  const machines = readMachines("vagrant-small");
  expect(pickHosts(machines, ["lvs1"]).map(({ name }) => name)).toEqual(["lvs1"]);
  expect(() => pickHosts(machines, ["lvs9"])).toThrow("lvs1 lvs2 web1");
});

test("ssh knows a machine by its name and by its address, as Vagrant's user", () => {
  const config = formatSshConfig(vagrantSshSettings(paths, readMachines("vagrant-small")));
  expect(config).toContain("Host web1 192.168.56.21\n  HostName 192.168.56.21\n  User vagrant\n");
  expect(config).toContain("  IdentityFile /checkout/.sluice/vagrant/key\n");
});

test("limits are stretched by how much slower than the lab's machines are, and never shrunk", () => {
  expect(timeFactor(100, 440)).toBe(1);
  expect(timeFactor(100, 40)).toBe(1);
  expect(timeFactor(100, 1350)).toBe(3.1);
  expect(timeFactor(1, 100_000)).toBe(6);
});

test("a box that is not of the pinned versions is told from one that is", () => {
  const pinned = "# a comment\nbash=5.2.37-2\nnginx-light=1.26.3-3\n";
  expect(comparePackages(pinned, "bash=5.2.37-2\nnginx-light=1.26.3-3\n")).toEqual([]);
  expect(comparePackages(pinned, "bash=5.2.37-3\nzstd=1:1.5=7\n")).toEqual([
    "bash: 5.2.37-3 instead of 5.2.37-2",
    "nginx-light: none instead of 1.26.3-3",
    "zstd: 1:1.5=7 instead of none",
  ]);
});

test("what follows vagrant up, ssh and exec is passed on, options included", () => {
  expect(splitArguments(["vagrant", "up", "--no-provision", "lvs1"])).toEqual({
    own: ["vagrant", "up"],
    passthrough: ["--no-provision", "lvs1"],
  });
  expect(splitArguments(["vagrant", "ssh", "web1", "df", "-h"]).passthrough).toEqual([
    "web1",
    "df",
    "-h",
  ]);
  expect(splitArguments(["vagrant", "up", "--help"]).passthrough).toEqual([]);
});

test("machines are taken down in the libvirt that they were made in, whatever is asked for now", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-vagrant-"));
  try {
    const made: VagrantPaths = { ...paths, stateDir: folder, runDir: join(folder, "run") };
    expect(readRememberedPaths(made).libvirt).toBe("own");
    writeVagrantInstance(made, { inventory: "vagrant", libvirt: "system" });
    expect(readRememberedPaths(made).libvirt).toBe("system");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a command line may begin with the mark that ssh and nsenter know", () => {
  expect(withoutSeparator(["--", "df", "--", "-h"])).toEqual(["df", "--", "-h"]);
  expect(withoutSeparator(["df", "-h"])).toEqual(["df", "-h"]);
  expect(withoutSeparator([])).toEqual([]);
});
