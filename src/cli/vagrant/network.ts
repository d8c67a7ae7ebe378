import { namespaceExists } from "../lab/network.ts";
import { runTool, tryTool } from "../lab/tool.ts";
import { CROWD_ADDRESSES, CROWD_GATEWAY, type VagrantPlaces } from "./config.ts";

const CROWD_LINK = "crowd";

/**
 * Makes the control machine's namespace, in which libvirt will put its bridges, and the crowd's
 * behind it. What there was of them must be gone.
 */
export async function makeNamespaces(places: VagrantPlaces): Promise<void> {
  const { namespace, crowdNamespace } = places;
  for (const name of [namespace, crowdNamespace]) {
    await runTool(["ip", "netns", "add", name]);
  }
  await inNamespace(namespace, [
    "sysctl",
    "-qw",
    "net.ipv4.ip_forward=1",
    // A router of hosts that are on one wire with each other would tell them so all the time.
    "net.ipv4.conf.all.send_redirects=0",
    "net.ipv4.conf.default.send_redirects=0",
  ]);
  await ipBatch(namespace, [
    "link set lo up",
    `link add ${CROWD_LINK} type veth peer name eth0 netns ${crowdNamespace}`,
    `address add ${CROWD_GATEWAY}/24 dev ${CROWD_LINK}`,
    `link set ${CROWD_LINK} up`,
  ]);
  await ipBatch(crowdNamespace, [
    "link set lo up",
    "link set eth0 up",
    ...CROWD_ADDRESSES.map((address) => `address add ${address}/24 dev eth0`),
    `route add default via ${CROWD_GATEWAY}`,
  ]);
}

/**
 * Has the control machine pass on between crowd and hosts, whose networks libvirt isolates. These
 * rules come before its own, so they are made when its networks are.
 */
export async function letCrowdIn(places: VagrantPlaces): Promise<void> {
  for (const direction of ["-i", "-o"]) {
    const iptables = ["ip", "netns", "exec", places.namespace, "iptables", "-w", "10"];
    const rule = ["FORWARD", direction, CROWD_LINK, "-j", "ACCEPT"];
    // Of an earlier `up` it may be behind libvirt's, so that it is made again.
    await tryTool([...iptables, "-D", ...rule]);
    await runTool([...iptables, "-I", ...rule]);
  }
}

/** Removes both namespaces, and all that is in them. No process may be left there. */
export async function removeNamespaces(places: VagrantPlaces): Promise<void> {
  for (const name of [places.crowdNamespace, places.namespace]) {
    if (namespaceExists(name)) {
      await runTool(["ip", "netns", "delete", name]);
    }
  }
}

async function inNamespace(namespace: string, command: readonly string[]): Promise<void> {
  await runTool(["ip", "netns", "exec", namespace, ...command]);
}

async function ipBatch(namespace: string, lines: readonly string[]): Promise<void> {
  await runTool(["ip", "-n", namespace, "-batch", "-"], `${lines.join("\n")}\n`);
}
