/** Where the scripts are, for messages that name a line of one. */
const folder = "redis/scripts";

/** A Lua script and the SHA-1 under which Redis caches it (EVALSHA). */
export interface Script {
  readonly name: string;
  /** What Redis is sent: its libraries are in it. */
  readonly source: string;
  readonly sha1: string;
  /** `file:line` of each line of `source`. */
  readonly origins: readonly string[];
}

/** `-- include: record.lua`, a line of its own: the text of that library stands there instead. */
const includeLine = /^-- include: (\S+)$/;

/**
 * A script by its name and text. Redis knows no modules and forbids globals, so libraries are
 * functions and constants that are local to the script, and each include adds their text. The first
 * line stays the first: Redis looks for `#!lua` there.
 * Throws if a library is unknown or included twice.
 */
export function expandScript(
  name: string,
  text: string,
  libraries: Readonly<Record<string, string>>,
): Script {
  const lines: string[] = [];
  const origins: string[] = [];
  const included = new Set<string>();
  const add = (file: string, content: string): void => {
    for (const [index, line] of content.trimEnd().split("\n").entries()) {
      const library = includeLine.exec(line)?.[1];
      if (library === undefined) {
        lines.push(line);
        origins.push(`${folder}/${file}:${index + 1}`);
        continue;
      }
      const found = libraries[library];
      if (found === undefined || included.has(library)) {
        const fault = found === undefined ? "there is no such library" : "it is included already";
        throw new Error(`${folder}/${file}:${index + 1} includes ${library}: ${fault}`);
      }
      included.add(library);
      add(`lib/${library}`, found);
    }
  };
  add(`${name}.lua`, text);
  const source = `${lines.join("\n")}\n`;
  const sha1 = new Bun.CryptoHasher("sha1").update(source).digest("hex");
  return { name, source, sha1, origins };
}

/** What Redis reports of an error in a script, with the file and line where it stands. */
export function locateError({ origins }: Script, message: string): string {
  return message.replace(
    /@?user_script:(\d+)/g,
    (place, line: string) => origins[Number(line) - 1] ?? place,
  );
}
