-- The database's form 1. SQLite and PostgreSQL read this text alike, but for what stands behind
-- "-- sqlite:" or "-- postgres:", which that one alone reads. SQLite keeps rows in the tree of their
-- key, instead of a tree of rows and another of keys. Times are milliseconds since the epoch of
-- Unix, by the ledger's clock.

-- One row an order, as the ledger last had it.
CREATE TABLE orders (
  sale TEXT NOT NULL,
  -- Grows by one with every hold of the sale.
  serial BIGINT NOT NULL CHECK (serial > 0),
  -- Follows from the sale's secret, the buyer and the request key. Orders of one token are orders
  -- of one request, which may be made anew when its order was released long ago.
  token TEXT NOT NULL,
  -- Empty where the request named no buyer.
  buyer TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  state TEXT NOT NULL CHECK (state IN ('held', 'paid', 'released', 'refunded')),
  -- Of two records of an order the one with the higher revision is newer.
  revision INTEGER NOT NULL CHECK (revision > 0),
  -- Why it has its state: held, paid, revived, cancelled, lapsed.
  cause TEXT NOT NULL,
  held_at_ms BIGINT NOT NULL,
  pay_by_ms BIGINT NOT NULL,
  changed_at_ms BIGINT NOT NULL,
  -- 66 bits that stand for buyer and request key; not secret.
  request_hash TEXT NOT NULL,
  -- Of the payment.
  reference TEXT,
  amount BIGINT,
  currency TEXT,
  PRIMARY KEY (sale, serial)
)
-- sqlite: WITHOUT ROWID
;

-- One row a sale: what it is, but for what is sold of it.
CREATE TABLE sales (
  sale TEXT NOT NULL PRIMARY KEY,
  -- Grows with every change of the sale.
  revision INTEGER NOT NULL CHECK (revision > 0),
  changed_at_ms BIGINT NOT NULL,
  -- Why it was changed: created, restocked, open, paused, closed.
  cause TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('scheduled', 'open', 'paused', 'closed')),
  total BIGINT NOT NULL,
  buyer_limit BIGINT NOT NULL,
  hold_ms BIGINT NOT NULL,
  opens_at_ms BIGINT NOT NULL,
  -- Names the secret, and tells nothing about it.
  secret_id TEXT NOT NULL
)
-- sqlite: WITHOUT ROWID
;

-- What the tokens of a sale's orders are made with: a table of its own, since whoever reads it can
-- make the token of any buyer whose request key he knows.
CREATE TABLE sale_secrets (
  sale TEXT NOT NULL PRIMARY KEY,
  secret TEXT NOT NULL
)
-- sqlite: WITHOUT ROWID
;

-- One row an entry of a sale's outbox that is stored, written together with what is in it.
CREATE TABLE entries (
  sale TEXT NOT NULL,
  -- Of the ledger that wrote it: another one whose clock is behind may give an id again.
  term BIGINT NOT NULL,
  -- ms-n by the ledger's clock.
  id TEXT NOT NULL,
  -- Orders in it; none where the sale itself was changed.
  records INTEGER NOT NULL,
  PRIMARY KEY (sale, term, id)
)
-- sqlite: WITHOUT ROWID
;
