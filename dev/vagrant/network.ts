import { addNamespaces, ipBatch, makeRouter } from "../host/namespace.ts";
import { runTool, tryTool } from "../host/tool.ts";
import { CROWD_ADDRESSES, CROWD_GATEWAY, type VagrantPaths } from "./config.ts";

const CROWD_LINK = "crowd";

/**
 * Makes the control machine's namespace, in which libvirt will put its bridges, and the crowd's
 * behind it. What there was of them must be gone.
 */
export async function makeNamespaces(paths: VagrantPaths): Promise<void> {
  const { namespace, crowdNamespace } = paths;
  await addNamespaces([namespace, crowdNamespace]);
  await makeRouter(namespace);
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
export async function letCrowdIn(paths: VagrantPaths): Promise<void> {
  for (const direction of ["-i", "-o"]) {
    const iptables = ["ip", "netns", "exec", paths.namespace, "iptables", "-w", "10"];
    const rule = ["FORWARD", direction, CROWD_LINK, "-j", "ACCEPT"];
    // Of an earlier `up` it may be behind libvirt's, so that it is made again.
    await tryTool([...iptables, "-D", ...rule]);
    await runTool([...iptables, "-I", ...rule]);
  }
}
