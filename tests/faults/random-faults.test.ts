import { afterEach, setDefaultTimeout, test } from "bun:test";

import { until } from "../support/until.ts";
import { Crowd } from "./support/crowd.ts";
import type { FaultProxy } from "./support/fault-proxy.ts";
import { type Fault, pass } from "./support/fault.ts";
import { removeRigs, Rig, sale } from "./support/rig.ts";
import { type Random, randomOf, seedsOf } from "./support/seed.ts";

setDefaultTimeout(60_000);
afterEach(removeRigs);

const seeds = seedsOf("random-faults", 4);
/** Steps of each schedule; between two of them the crowd gets some answers. */
const steps = 10;

/** Any fault of one command, half of the times a copy that outlives its connection. */
function someFault(random: Random): Fault {
  switch (random.whole(1, 8)) {
    case 1:
      return { kind: "loseReply" };
    case 2:
      return { kind: "truncateReply" };
    case 3:
      return { kind: "cutBefore" };
    case 4:
      return { kind: "cutAfter" };
    case 5:
      return { kind: "delay", requestMs: random.whole(0, 300), replyMs: random.whole(0, 300) };
    default:
      return { kind: "holdBack", releaseMs: random.whole(100, 2_500) };
  }
}

/** Purchases suffer often, everything else now and then. */
function disturb(proxy: FaultProxy, random: Random): void {
  proxy.choose = ({ script }) => {
    const share = script === "hold" ? 0.1 : script === null ? 0.02 : 0.005;
    return random.chance(share) ? someFault(random) : pass;
  };
}

/** Something happens to everybody: to the line, to Redis, to the sale or to a node. */
async function happening(rig: Rig, random: Random): Promise<string> {
  const proxy = random.pick(rig.proxies);
  const event = random.pick([
    "cut",
    "blackHole",
    "refuse",
    "hang",
    "flush",
    "pause",
    "full",
    "nothing",
  ]);
  switch (event) {
    case "cut":
      proxy.cutAll();
      break;
    case "blackHole":
      proxy.blackHole();
      await Bun.sleep(random.whole(50, 700));
      proxy.heal();
      break;
    case "refuse":
      await proxy.stopAccepting();
      proxy.cutAll();
      await Bun.sleep(random.whole(50, 400));
      await proxy.accept();
      break;
    case "hang":
      await rig.redis.pause();
      await Bun.sleep(random.whole(50, 900));
      rig.redis.resume();
      break;
    case "flush":
      await rig.redis.client.script("FLUSH");
      break;
    case "pause":
      await rig.operations.setState(sale, "paused");
      await Bun.sleep(random.whole(50, 300));
      await rig.operations.setState(sale, "open");
      break;
    case "full":
      await rig.redis.client.config("SET", "maxmemory", "1");
      await Bun.sleep(random.whole(50, 700));
      await rig.redis.client.config("SET", "maxmemory", "0");
      break;
    default:
      break;
  }
  return event;
}

for (const seed of seeds) {
  test(`clients and ledger agree after faults of all kinds (FAULT_SEED=${seed})`, async () => {
    const random = randomOf(seed);
    const buyers = ["ann", "bob", "cem", "dai", ""];
    const settings = { DEADLINE_MS: 1_000, REPLY_TIMEOUT_MS: 300 };
    const rig = await Rig.start({ tickets: 3_000, nodes: 3, proxies: true, node: settings });
    for (const [i, proxy] of rig.proxies.entries()) {
      disturb(proxy, randomOf(seed + 1_000 + i));
    }
    const sharedKeys = 30;
    const crowd = new Crowd(rig, seed + 2_000, { clients: 16, quantityMax: 3, buyers, sharedKeys });
    const happened: string[] = [];
    for (let step = 1; step <= steps; step += 1) {
      const enough = rig.history.operations.length + random.whole(10, 40);
      await until("the crowd is answered", () => rig.history.operations.length >= enough);
      happened.push(await happening(rig, random));
      if (step === steps / 2 && random.chance(0.5)) {
        happened.push("kill node3");
        await rig.node(3).kill();
      }
    }
    await crowd.stop();
    for (const proxy of rig.proxies) {
      proxy.choose = () => pass;
    }
    console.log(`${happened.join(" ")}: ${rig.history.summary()}`);
    await Promise.all(rig.nodes.filter((node) => node.running).map((node) => node.untilReady()));
    await rig.mustSellOut();
  });
}
