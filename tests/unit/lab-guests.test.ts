import { expect, test } from "bun:test";

import { splitArguments } from "../../dev/host/passthrough-args.ts";
import { formatSshConfig } from "../../dev/host/ssh.ts";
import type { LabPaths } from "../../dev/lab/config.ts";
import { guestCommand } from "../../dev/lab/guest-command.ts";
import { INVENTORY_DEFAULT, readInventory } from "../../dev/lab/instance.ts";
import { controlBatch, crowdBatch, tapBatch, tapName } from "../../dev/lab/network.ts";
import { sshSettings } from "../../dev/lab/ssh.ts";
import { formatStatus, holdsAddress, statusExitCode } from "../../dev/lab/status.ts";

const paths: LabPaths = {
  name: "lab",
  stateDir: "/checkout/.sluice/lab/lab",
  runDir: "/run/sluice-lab/lab",
  cacheDir: "/cache",
  namespace: "sluice-lab",
  crowdNamespace: "sluice-lab-crowd",
};
const topology = readInventory(INVENTORY_DEFAULT);

/** The kernel's COMMAND_LINE_SIZE for user-mode Linux. */
const COMMAND_LINE_MAX = 2048;
const INTERFACE_NAME_MAX = 15;
const SOCKET_PATH_MAX = 107;

test("every host boots with its own disk, card and identity", () => {
  const boot = { image: "/cache/image-1", publicKey: "AAAAkey" };
  for (const host of topology.hosts) {
    const words = guestCommand(paths, topology, host, boot);
    expect(words[0]).toBe("/cache/image-1/linux");
    expect(words).toContain(`mem=${host.memoryMb}M`);
    expect(words).toContain(`ubd0=${paths.stateDir}/${host.name}.cow,/cache/image-1/disk`);
    expect(words).toContain(
      `vec0:transport=tap,ifname=${tapName(host.name)},mac=${host.mac},depth=64`,
    );
    expect(words).toContain(`lab.address=${host.address}/24`);
    expect(words).toContain("lab.gateway=10.77.0.1");
    expect(words).toContain("lab.key=AAAAkey");
    expect(words.slice(1).join(" ").length).toBeLessThan(COMMAND_LINE_MAX);
  }
});

test("every host has a tap whose name the kernel takes", () => {
  const batch = tapBatch(topology.hosts.map(({ name }) => name));
  for (const { name } of topology.hosts) {
    expect(tapName(name).length).toBeLessThanOrEqual(INTERFACE_NAME_MAX);
    expect(batch).toContain(`tuntap add dev ${tapName(name)} mode tap`);
  }
});

test("the crowd has all its addresses and its way to the VIP", () => {
  const control = controlBatch(topology, paths.crowdNamespace);
  expect(control).toContain("link add crowd type veth peer name eth0 netns sluice-lab-crowd");
  const batch = crowdBatch(topology);
  for (const address of topology.crowdAddresses) {
    expect(batch).toContain(`address add ${address} dev eth0`);
  }
  expect(batch).toContain("route add default via 10.78.0.1");
});

test("ssh knows hosts by name and by address, and shares connections over a short path", () => {
  const text = formatSshConfig(sshSettings(paths, topology));
  expect(text).toContain("Host web1 10.77.0.21\n  HostName 10.77.0.21\n  User operator\n");
  const [, path = ""] = /ControlPath (.*)\n/.exec(text) ?? [];
  // The hash is 40 characters, and ssh puts 17 behind it while it connects.
  expect(path.replace("%C", "x".repeat(57)).length).toBeLessThan(SOCKET_PATH_MAX);
});

test("the VIP's owner is who has it on the network, not who has it on lo", () => {
  expect(holdsAddress("2: eth0    inet 10.77.0.100/32 scope global eth0\\  valid_lft\n")).toBe(
    true,
  );
  expect(holdsAddress("1: lo    inet 10.77.0.100/32 scope global lo\\  valid_lft\n")).toBe(false);
  expect(holdsAddress("")).toBe(false);
});

test("the status tells who is silent and who owns the VIP, and fails unless all are up", () => {
  const lvs1 = { host: "lvs1", roles: ["directors"], address: "10.77.0.11", ownsVip: true };
  const orders1 = {
    host: "orders1",
    roles: ["postgresql", "workers"],
    address: "10.77.0.51",
    ownsVip: false,
  };
  const hosts = [
    { ...lvs1, state: "up" as const },
    { ...orders1, state: "silent" as const },
  ];
  expect(formatStatus(hosts)).toBe(
    [
      "host     role                address     state   VIP",
      "lvs1     directors           10.77.0.11  up      owner",
      "orders1  postgresql workers  10.77.0.51  silent",
    ].join("\n"),
  );
  expect(statusExitCode(hosts)).toBe(1);
  expect(statusExitCode([{ ...lvs1, state: "up" }])).toBe(0);
});

test("options of a command on a host are the host's, not this command's", () => {
  expect(splitArguments(["lab", "ssh", "web1", "df", "-h"])).toEqual({
    own: ["lab", "ssh"],
    passthrough: ["web1", "df", "-h"],
  });
  expect(splitArguments(["lab", "exec", "--crowd", "--", "curl", "--help"]).passthrough).toEqual([
    "--crowd",
    "--",
    "curl",
    "--help",
  ]);
  expect(splitArguments(["lab", "ssh", "--help"]).own).toEqual(["lab", "ssh", "--help"]);
  expect(splitArguments(["lab", "up", "web1"]).own).toEqual(["lab", "up", "web1"]);
  expect(splitArguments(["playbook", "site.yml", "--help"])).toEqual({
    own: ["playbook"],
    passthrough: ["site.yml", "--help"],
  });
  expect(splitArguments(["playbook", "--help"]).own).toEqual(["playbook", "--help"]);
  expect(splitArguments(["sale", "list"])).toEqual({ own: ["sale", "list"], passthrough: [] });
});
