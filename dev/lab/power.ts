import { readCaller } from "../host/environment.ts";
import { withLock } from "../host/host-lock.ts";
import { pickHosts } from "../host/inventory.ts";
import { type Places } from "./config.ts";
import { cutPower } from "./guest.ts";
import { readRunning } from "./instance.ts";
import { prepareSsh } from "./ssh.ts";
import { bootAll, type Say } from "./up.ts";

/** Takes the power from hosts, or gives it back to them and waits until they answer. */
export async function setPower(
  places: Places,
  state: "on" | "off",
  names: readonly string[],
  say: Say,
): Promise<void> {
  const { instance, topology } = readRunning(places);
  const hosts = pickHosts(topology.hosts, names);
  if (state === "off") {
    await Promise.all(
      hosts.map((host) =>
        withLock(`${places.name}/${host.name}`, say, () => cutPower(places, host.name)),
      ),
    );
    return;
  }
  const publicKey = await prepareSsh(places, topology, instance.image, readCaller());
  await bootAll(places, topology, hosts, { image: instance.image, publicKey }, say);
}
