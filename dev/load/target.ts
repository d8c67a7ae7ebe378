import { CommandError } from "../../src/operator/command.ts";
import { refusePassword } from "../../src/operator/config.ts";
import { saleIdPattern } from "../../src/sale/sale.ts";

/** Where a crowd is sent, and what each of it asks for. */
export interface Target {
  readonly url: string;
  readonly origin: string;
  /** The sale that the address names; null for the default sale of whoever answers. */
  readonly sale: string | null;
  readonly body: string | null;
}

/**
 * `http://host:port` buys a ticket of the default sale, or of `sale`; an address with a path is
 * taken as it is. A quantity needs a sale: /buy/ticket sells one ticket.
 */
export function readTarget(text: string, sale: string | null, quantity: number): Target {
  refusePassword("the address", text, "a crowd needs none");
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new CommandError(`'${text}' is no address; give one such as http://127.0.0.1:8080`);
  }
  if (sale !== null && !saleIdPattern.test(sale)) {
    throw new CommandError(
      `'${sale}' is no sale id: 1 to 64 of a-z 0-9 - _, beginning with a letter or digit`,
    );
  }
  const bare = url.pathname === "/" && url.search === "";
  const named = /^\/sales\/([a-z0-9][a-z0-9_-]{0,63})\/orders$/.exec(url.pathname)?.[1] ?? null;
  if (!bare && sale !== null && named !== sale) {
    throw new CommandError(`${text} has a path of its own; leave it or --sale ${sale} out`);
  }
  if (bare) {
    url.pathname = sale === null ? "/buy/ticket" : `/sales/${sale}/orders`;
  }
  if (quantity > 1 && url.pathname === "/buy/ticket") {
    throw new CommandError("/buy/ticket sells one ticket; --quantity needs --sale");
  }
  url.hash = "";
  return {
    url: url.href,
    origin: url.origin,
    sale: sale ?? named,
    body: quantity > 1 ? JSON.stringify({ quantity }) : null,
  };
}
