/** Characters of a sale's secret: 256 bits as base64url. */
export const secretPattern = /^[\w-]{43}$/;

/** Number of the form of tokens; another one would make other tokens of the same requests. */
const version = "\u0001";
const tokenLength = 22;
const hashLength = 11;
const secretIdLength = 16;

/** A new secret for a sale, by the system's generator of random numbers. */
export function makeSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

/** What programs name a secret by: it tells two apart, and nothing about either. */
export function secretId(secret: string): string {
  return Bun.SHA1.hash(secret, "hex").slice(0, secretIdLength);
}

/**
 * Makes the tokens of one sale. A token follows from who asks for what: a buyer's request that is
 * sent twice has one token, and nobody who lacks the secret can make another's. 132 bits of
 * HMAC-SHA256, so that ten million orders collide with a probability below 1e-25.
 */
export class TokenMaker {
  readonly #sale: string;
  readonly #hasher: Bun.CryptoHasher;

  constructor(sale: string, secret: string) {
    this.#sale = sale;
    this.#hasher = new Bun.CryptoHasher("sha256", secret);
  }

  /** `buyer` is empty where the request names none. Neither has a NUL in it: both are printable. */
  token(buyer: string, key: string): string {
    const message = `${version}\0${this.#sale}\0${buyer}\0${key}`;
    return this.#hasher.copy().update(message).digest("base64url").slice(0, tokenLength);
  }
}

/**
 * 66 bits that stand for a request, and that anybody who knows buyer and key can make: for filters
 * at the edge, where a miss means "never sold". SHA-1, since Nginx's modules have it.
 */
export function requestHash(buyer: string, key: string): string {
  return Bun.SHA1.hash(`${buyer}\0${key}`, "base64url").slice(0, hashLength);
}
