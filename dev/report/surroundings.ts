import { CommandError } from "../../src/operator/command.ts";
import { refusePassword } from "../../src/operator/config.ts";
import type { NodeAddress } from "../load/node-counts.ts";
import type { Target } from "../load/target.ts";
import { findDatabase } from "../stack/addresses.ts";
import { readStack } from "../stack/stack.ts";
import type { Surroundings } from "./reported-load.ts";

/** The sale that POST /buy/ticket sells unless a node is told otherwise. */
const saleDefault = "tickets";

/**
 * What can be looked at beside the answers: what was named, or, where the crowd is sent at the
 * embedded stack, its own nodes and ledger.
 */
export function findSurroundings(
  target: Target,
  stateDir: string,
  redisUrl: string | null,
  nodes: string | null,
): Surroundings {
  const stack = readStack(stateDir);
  const isOurs =
    stack !== null && [stack.url, ...stack.nodes.map(({ url }) => url)].includes(target.origin);
  const ours = isOurs ? stack : null;
  const sale = target.sale ?? ours?.record.options.sale ?? saleDefault;
  const ledgerUrl = redisUrl ?? ours?.redisUrl ?? null;
  return {
    nodes: nodes === null ? (ours?.nodes ?? []) : readNodes(nodes),
    ledger:
      ledgerUrl === null
        ? null
        : { redisUrl: ledgerUrl, sale, database: findDatabase(ledgerUrl, stack) },
    sale: ledgerUrl === null ? target.sale : sale,
  };
}

/** `node1=http://10.0.0.1:3000*1,node2=http://10.0.0.2:3000*2`: names, addresses, weights. */
function readNodes(text: string): NodeAddress[] {
  return text.split(",").map((item) => {
    refusePassword("--nodes", item.replace(/^[^=]*=/, ""), "a node's /metrics needs none");
    const [, name, url, weight] =
      /^([^=]+)=(https?:\/\/[^*]+?)\/?(?:\*(\d{1,4}))?$/.exec(item) ?? [];
    if (name === undefined || url === undefined) {
      throw new CommandError(
        `--nodes lists name=http://host:port*weight, with commas between; '${item}' is none`,
      );
    }
    return { name, url, weight: Number(weight ?? 1) };
  });
}
