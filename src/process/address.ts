const howToWrite =
  "in a user or password write @ as %40, / as %2F, : as %3A, ? as %3F, # as %23, % as %25";

/** What keeps an address from being read, and what to do about it; null if nothing does. */
export function faultOfAddress(address: string): string | null {
  const url = URL.parse(address);
  if (url === null) {
    return `it is no address that can be read; ${howToWrite}`;
  }
  if (url.protocol !== "sqlite:" && url.hostname === "") {
    return `it names no host; ${howToWrite}`;
  }
  try {
    decodeURIComponent(url.username);
    decodeURIComponent(url.password);
    return null;
  } catch {
    return `it has a % that begins nothing; ${howToWrite}`;
  }
}
