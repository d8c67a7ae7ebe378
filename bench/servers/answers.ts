/**
 * What the bare servers answer: as many bytes, and the same headers, as a ticket node with the
 * name "bench", so that only the work before the answer differs. `./sluice bench` compares the
 * sizes before it measures and refuses to go on if they have drifted apart.
 */
const headers = {
  "Content-Type": "application/json; charset=utf-8",
  "Cache-Control": "no-store",
  "X-Sluice-Node": "bench",
};

export const soldBody = JSON.stringify({
  code: 1,
  msg: "You got it",
  data: {
    order: "bench-0.123456.0123456789abcdefABCDEF",
    serial: 123_456,
    sale: "bench-0",
    quantity: 1,
    payBy: "2026-01-01T00:00:00.000Z",
  },
});

export const soldInit: ResponseInit = { status: 201, headers: new Headers(headers) };

export const soldOutBody = JSON.stringify({ code: -1, msg: "Sold out", data: null });

export const soldOutInit: ResponseInit = {
  status: 410,
  headers: new Headers({ ...headers, "X-Accel-Expires": "1" }),
};
