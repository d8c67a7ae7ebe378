/** What these are given is for somebody else: ssh, Ansible, a program; and so are its options. */
const PASSING: Readonly<Record<string, ReadonlySet<string>>> = {
  lab: new Set(["exec", "ssh", "playbook", "deploy", "test"]),
  vagrant: new Set(["up", "status", "power", "exec", "ssh", "playbook"]),
};

export interface SplitArguments {
  /** What this command reads. */
  readonly own: string[];
  readonly passthrough: readonly string[];
}

let passthrough: readonly string[] = [];

/**
 * Splits `lab ssh HOST COMMAND..` and its like behind the second word, but for a `--help`, and
 * `playbook FILE..` behind the first.
 */
export function splitArguments(words: readonly string[]): SplitArguments {
  const [command = "", part = "", first = ""] = words;
  if (command === "playbook" && part !== "--help" && part !== "-h") {
    return { own: words.slice(0, 1), passthrough: words.slice(1) };
  }
  const isPassing = PASSING[command]?.has(part) === true;
  if (!isPassing || first === "--help" || first === "-h") {
    return { own: [...words], passthrough: [] };
  }
  return { own: words.slice(0, 2), passthrough: words.slice(2) };
}

/** Keeps what is to be passed on for `readPassthrough`, and returns the rest. */
export function keepPassthrough(words: readonly string[]): string[] {
  const split = splitArguments(words);
  passthrough = split.passthrough;
  return split.own;
}

/** What is to be passed on. */
export function readPassthrough(): readonly string[] {
  return passthrough;
}

/** A command line without the `--` that may stand before it, as it may for ssh and nsenter. */
export function withoutSeparator(words: readonly string[]): readonly string[] {
  return words[0] === "--" ? words.slice(1) : words;
}
