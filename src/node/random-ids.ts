/** Random bytes drawn at a time; one draw a request would cost more than the request's answer. */
const poolBytes = 8_192;

let pool = "";
let position = 0;

/** Cryptographically random lower-case hex digits: 64 bits in 16 digits, 128 in 32. */
export function randomHex(digits: number): string {
  if (position + digits > pool.length) {
    pool = crypto.getRandomValues(new Uint8Array(poolBytes)).toHex();
    position = 0;
  }
  position += digits;
  return pool.slice(position - digits, position);
}
