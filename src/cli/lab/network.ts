import { existsSync } from "node:fs";

import type { Places } from "./config.ts";
import type { Topology } from "./inventory.ts";
import { runTool, tryTool } from "./tool.ts";

const BRIDGE = "lan";
const CROWD_LINK = "crowd";

/** Name of the tap that a host's network card is plugged into. */
export function tapName(host: string): string {
  return `tap-${host}`;
}

/** What `ip -batch` is to do in the control machine's namespace. */
export function controlBatch(topology: Topology, crowdNamespace: string): string {
  const lines = [
    "link set lo up",
    `link add ${BRIDGE} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
    `address add ${topology.gateway} dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
    `link add ${CROWD_LINK} type veth peer name eth0 netns ${crowdNamespace}`,
    `address add ${topology.crowdGateway} dev ${CROWD_LINK}`,
    `link set ${CROWD_LINK} up`,
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * What `ip -batch` is to do there so that these hosts can be plugged in. A guest takes frames of the
 * size of a packet alone, so that whoever hands a tap several packets in one frame (the offload of
 * segmentation) has them taken apart before.
 */
export function tapBatch(hosts: readonly string[]): string {
  return hosts
    .map(tapName)
    .map((tap) =>
      [
        `tuntap add dev ${tap} mode tap`,
        `link set ${tap} gso_max_segs 1`,
        `link set ${tap} master ${BRIDGE} up`,
        "",
      ].join("\n"),
    )
    .join("");
}

/** Makes the taps that are missing: all of a new network, or those of hosts added since. */
export async function makeTaps(places: Places, topology: Topology): Promise<void> {
  const links = await runTool(["ip", "-n", places.namespace, "-o", "link", "show"]);
  const missing = topology.hosts
    .map(({ name }) => name)
    .filter((name) => !links.includes(`: ${tapName(name)}: `));
  await ipBatch(places.namespace, tapBatch(missing));
}

/** What `ip -batch` is to do in the crowd's namespace. */
export function crowdBatch(topology: Topology): string {
  const [gateway = ""] = topology.crowdGateway.split("/");
  return `${[
    "link set lo up",
    "link set eth0 up",
    ...topology.crowdAddresses.map((address) => `address add ${address} dev eth0`),
    `route add default via ${gateway}`,
  ].join("\n")}\n`;
}

/** Makes both namespaces and all that is in them. What there was of them must be gone. */
export async function makeNetwork(places: Places, topology: Topology): Promise<void> {
  const { namespace, crowdNamespace } = places;
  for (const name of [namespace, crowdNamespace]) {
    await runTool(["ip", "netns", "add", name]);
    // Its router advertisements and neighbours would only be noise.
    await inNamespace(name, ["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"]);
    await inNamespace(name, ["sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"]);
  }
  await inNamespace(namespace, [
    "sysctl",
    "-qw",
    "net.ipv4.ip_forward=1",
    // The gateway of hosts that are on one wire with each other would tell them so all the time.
    "net.ipv4.conf.all.send_redirects=0",
    "net.ipv4.conf.default.send_redirects=0",
  ]);
  await ipBatch(namespace, controlBatch(topology, crowdNamespace));
  await ipBatch(crowdNamespace, crowdBatch(topology));
}

/** Removes both namespaces, and with them bridge, taps and links. No process may be left there. */
export async function removeNetwork(places: Places): Promise<void> {
  for (const name of [places.crowdNamespace, places.namespace]) {
    if (namespaceExists(name)) {
      await runTool(["ip", "netns", "delete", name]);
    }
  }
}

/** Whether there is a namespace of this name; that it works is not said. */
export function namespaceExists(name: string): boolean {
  return existsSync(`/run/netns/${name}`);
}

/** Pids of all processes that are in a namespace, whoever started them. */
export async function listProcesses(namespace: string): Promise<number[]> {
  if (!namespaceExists(namespace)) {
    return [];
  }
  // A file that no namespace is mounted on, left by a broken `ip netns add`, has no processes.
  const { exitCode, stdout } = await tryTool(["ip", "netns", "pids", namespace]);
  return exitCode === 0 ? stdout.split("\n").filter(Boolean).map(Number) : [];
}

/** Whether anything runs there. */
export function hasProcesses(namespace: string): boolean {
  if (!namespaceExists(namespace)) {
    return false;
  }
  const { exitCode, stdout } = Bun.spawnSync(["ip", "netns", "pids", namespace]);
  return exitCode === 0 && stdout.toString().trim() !== "";
}

async function inNamespace(namespace: string, command: readonly string[]): Promise<void> {
  await runTool(["ip", "netns", "exec", namespace, ...command]);
}

async function ipBatch(namespace: string, batch: string): Promise<void> {
  await runTool(["ip", "-n", namespace, "-batch", "-"], batch);
}
