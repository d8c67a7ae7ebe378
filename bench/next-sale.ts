import { openSale } from "./sales.ts";

/**
 * Opens one more sale and writes the address of its orders to a file, for bench/sell-out:
 *
 *   bun bench/next-sale.ts REDIS_URL TICKETS BASE_URL ADDRESS_FILE NODE_URL...
 */
const [redisUrl = "", tickets = "", baseUrl = "", file = "", ...nodeUrls] = Bun.argv.slice(2);
const sale = `bench-${Date.now()}`;
await openSale(redisUrl, sale, Number(tickets), nodeUrls);
await Bun.write(file, `${baseUrl}/sales/${sale}/orders`);
