-- One row an order, as the ledger last had it. SQLite and PostgreSQL read this text alike.
-- Times are milliseconds since the epoch of Unix, by the ledger's clock.
CREATE TABLE orders (
  order_id TEXT NOT NULL PRIMARY KEY,
  sale TEXT NOT NULL,
  -- Grows by one with every hold of the sale.
  serial BIGINT NOT NULL,
  request_key TEXT NOT NULL,
  -- Empty where the request named no buyer.
  buyer TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  state TEXT NOT NULL CHECK (state IN ('held', 'paid', 'released')),
  -- Of two records of an order the one with the higher revision is newer.
  revision INTEGER NOT NULL CHECK (revision > 0),
  -- Why it has its state: held, paid, revived, cancelled, lapsed.
  cause TEXT NOT NULL,
  held_at_ms BIGINT NOT NULL,
  pay_by_ms BIGINT NOT NULL,
  changed_at_ms BIGINT NOT NULL,
  UNIQUE (sale, serial),
  UNIQUE (sale, request_key)
);
