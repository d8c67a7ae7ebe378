/** Where an address begins: `redis://`, `postgres://`, `http://` ... */
const schemeAnywhere = /[a-z][a-z0-9+.-]*:\/\//gi;
const schemeFirst = /^\s*[a-z][a-z0-9+.-]*:\/\//i;
/** What stands before an address that is not the first of a line; else it may be in a password. */
const separator = /[\s"'`()<>[\]{},;=|]/;
/** Names a file and has neither user nor password. */
const fileScheme = /^\s*(sqlite|file):/i;
/** A parameter whose value is a secret, up to its `=`. */
const secretParameter = /[?&;][^=&?;\s]*(?:pass|pwd|secret|token|auth)[^=&\s]*=(?=.)/is;
/** A user without a password, which is no secret. */
const plainUser = /^[\w.~%+-]+$/;
/** A host, and behind its colon something that is no port: a password whose host was forgotten. */
const noPort = /^(\[[^\]]*\]|[^[:/?#\s]*):(?!\d{1,5}(?:[/?#\s"'`),;:\]}>|]|\.\s|\.?$))(?!\s|$).*$/s;

/**
 * The text without the passwords of the addresses in it, fit for messages and logs. Nobody can say
 * for sure where a password ends that was not percent-encoded. So in doubt too much is hidden:
 * everything up to the last `@` before the next address or the end of the line.
 * Text without an address stays as it is.
 */
export function redact(text: string): string {
  return text.includes("://") ? text.split("\n").map(redactLine).join("\n") : text;
}

/**
 * The same for what is an address as a whole, or was meant to be one: also without `redis://` before
 * it, and with any character in its password.
 */
export function redactAddress(address: string): string {
  const scheme = schemeFirst.exec(address)?.[0] ?? "";
  if (fileScheme.test(scheme)) {
    return address;
  }
  return scheme + hide(address.slice(scheme.length));
}

/** Whether an address holds a password, so that it must not be an argument of a program. */
export function holdsPassword(address: string): boolean {
  return redactAddress(address) !== address;
}

function redactLine(line: string): string {
  const starts = [...line.matchAll(schemeAnywhere)]
    .map(({ index }) => index)
    .filter((start, position) => position === 0 || separator.test(line.charAt(start - 1)));
  const first = line.slice(0, starts[0] ?? line.length);
  const addresses = starts.map((start, position) => line.slice(start, starts[position + 1]));
  return first + addresses.map(redactAddress).join("");
}

/** Hides what is secret in an address that has lost its scheme. */
function hide(rest: string): string {
  const at = rest.lastIndexOf("@");
  const parameter = secretParameter.exec(rest);
  if (parameter !== null) {
    const shown = rest.slice(0, parameter.index) + parameter[0];
    // An @ behind it may be a part of its value, or end a user whose password looks like this.
    return at > parameter.index ? "***" : `${hide(shown)}***`;
  }
  if (at === -1) {
    return rest.replace(noPort, "$1:***");
  }
  const user = rest.slice(0, at);
  return `${plainUser.test(user) ? user : "***"}${rest.slice(at)}`;
}
