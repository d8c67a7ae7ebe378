import { addNamespaces, inNamespace, ipBatch, makeRouter } from "../host/namespace.ts";
import { runTool } from "../host/tool.ts";
import type { LabPaths } from "./config.ts";
import type { Topology } from "./topology.ts";

const BRIDGE = "lan";
const CROWD_LINK = "crowd";

/** Name of the tap that a host's network card is plugged into. */
export function tapName(host: string): string {
  return `tap-${host}`;
}

/** What `ip -batch` is to do in the control machine's namespace. */
export function controlBatch(topology: Topology, crowdNamespace: string): string[] {
  return [
    "link set lo up",
    `link add ${BRIDGE} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
    `address add ${topology.gateway} dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
    `link add ${CROWD_LINK} type veth peer name eth0 netns ${crowdNamespace}`,
    `address add ${topology.crowdGateway} dev ${CROWD_LINK}`,
    `link set ${CROWD_LINK} up`,
  ];
}

/**
 * What `ip -batch` is to do there so that these hosts can be plugged in. A guest takes frames of the
 * size of a packet alone, so that whoever hands a tap several packets in one frame (the offload of
 * segmentation) has them taken apart before.
 */
export function tapBatch(hosts: readonly string[]): string[] {
  return hosts
    .map(tapName)
    .flatMap((tap) => [
      `tuntap add dev ${tap} mode tap`,
      `link set ${tap} gso_max_segs 1`,
      `link set ${tap} master ${BRIDGE} up`,
    ]);
}

/** Makes the taps that are missing: all of a new network, or those of hosts added since. */
export async function makeTaps(paths: LabPaths, topology: Topology): Promise<void> {
  const links = await runTool(["ip", "-n", paths.namespace, "-o", "link", "show"]);
  const missing = topology.hosts
    .map(({ name }) => name)
    .filter((name) => !links.includes(`: ${tapName(name)}: `));
  await ipBatch(paths.namespace, tapBatch(missing));
}

/** What `ip -batch` is to do in the crowd's namespace. */
export function crowdBatch(topology: Topology): string[] {
  const [gateway = ""] = topology.crowdGateway.split("/");
  return [
    "link set lo up",
    "link set eth0 up",
    ...topology.crowdAddresses.map((address) => `address add ${address} dev eth0`),
    `route add default via ${gateway}`,
  ];
}

/** Makes both namespaces and all that is in them. What there was of them must be gone. */
export async function makeNetwork(paths: LabPaths, topology: Topology): Promise<void> {
  const { namespace, crowdNamespace } = paths;
  await addNamespaces([namespace, crowdNamespace]);
  for (const name of [namespace, crowdNamespace]) {
    // Its router advertisements and neighbours would only be noise.
    await inNamespace(name, ["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"]);
    await inNamespace(name, ["sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"]);
  }
  await makeRouter(namespace);
  await ipBatch(namespace, controlBatch(topology, crowdNamespace));
  await ipBatch(crowdNamespace, crowdBatch(topology));
}
