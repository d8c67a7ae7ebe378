import { alignLeft } from "../../src/operator/formats/left-aligned.ts";
import type { LabPaths } from "./config.ts";
import { isOn } from "./guest.ts";
import { readRunning } from "./instance.ts";
import { askHost } from "./ssh.ts";
import type { LabHost } from "./topology.ts";

const ASK_LIMIT_MS = 10_000;

/** `off`: no power. `silent`: on, but nobody is let in. */
export type HostState = "up" | "silent" | "off";

export interface HostStatus {
  readonly host: string;
  readonly roles: readonly string[];
  readonly address: string;
  readonly state: HostState;
  /** Whether this host is the one that answers for the VIP. */
  readonly ownsVip: boolean;
}

/** Asks every host of an instance how it is. */
export async function readStatus(paths: LabPaths): Promise<HostStatus[]> {
  const { topology } = readRunning(paths);
  return Promise.all(topology.hosts.map((host) => readHost(paths, host, topology.vip)));
}

async function readHost(paths: LabPaths, host: LabHost, vip: string | null): Promise<HostStatus> {
  const known = { host: host.name, roles: host.groups, address: host.address };
  if (!isOn(paths, host.name)) {
    return { ...known, state: "off", ownsVip: false };
  }
  const question = vip === null ? "true" : `ip -o -4 address show to ${vip}`;
  const { exitCode, stdout } = await askHost(paths, host.name, question, ASK_LIMIT_MS);
  return {
    ...known,
    state: exitCode === 0 ? "up" : "silent",
    ownsVip: exitCode === 0 && holdsAddress(stdout),
  };
}

/** Web hosts have the VIP, too, but on `lo`, where they tell nobody of it. */
export function holdsAddress(addresses: string): boolean {
  return addresses.split("\n").some((line) => /^\d+: (?!lo )\S+ /.test(line));
}

/** The table that people read. */
export function formatStatus(hosts: readonly HostStatus[]): string {
  const header = ["host", "role", "address", "state", "VIP"];
  const rows = hosts.map((host) => [
    host.host,
    host.roles.join(" "),
    host.address,
    host.state,
    host.ownsVip ? "owner" : "",
  ]);
  return alignLeft([header, ...rows]);
}

/** 0 if every host is up, else 1. */
export function statusExitCode(hosts: readonly HostStatus[]): number {
  return hosts.every(({ state }) => state === "up") ? 0 : 1;
}
