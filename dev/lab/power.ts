import { readCaller } from "../host/environment.ts";
import { withLock } from "../host/host-lock.ts";
import { pickHosts } from "../host/inventory.ts";
import { type ReportLine } from "../host/report-line.ts";
import { type LabPaths } from "./config.ts";
import { cutPower } from "./guest.ts";
import { readRunning } from "./instance.ts";
import { prepareSsh } from "./ssh.ts";
import { bootAll } from "./up.ts";

/** Takes the power from hosts, or gives it back to them and waits until they answer. */
export async function setPower(
  paths: LabPaths,
  state: "on" | "off",
  names: readonly string[],
  report: ReportLine,
): Promise<void> {
  const { instance, topology } = readRunning(paths);
  const hosts = pickHosts(topology.hosts, names);
  if (state === "off") {
    await Promise.all(
      hosts.map((host) =>
        withLock(`${paths.name}/${host.name}`, report, () => cutPower(paths, host.name)),
      ),
    );
    return;
  }
  const publicKey = await prepareSsh(paths, topology, instance.image, readCaller());
  await bootAll(paths, topology, hosts, { image: instance.image, publicKey }, report);
}
