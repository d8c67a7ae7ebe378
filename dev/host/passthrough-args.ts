/** What these are given is for somebody else: ssh, Ansible, a program; and so are its options. */
const PASSING: Readonly<Record<string, ReadonlySet<string>>> = {
  lab: new Set(["exec", "ssh", "playbook", "deploy", "test"]),
  vagrant: new Set(["up", "status", "power", "exec", "ssh", "playbook"]),
};

export interface SplitWords {
  /** Words that this command reads. */
  readonly own: string[];
  readonly passed: readonly string[];
}

let passed: readonly string[] = [];

/**
 * Splits `lab ssh HOST COMMAND..` and its like behind the second word, but for a `--help`, and
 * `playbook FILE..` behind the first.
 */
export function splitWords(words: readonly string[]): SplitWords {
  const [command = "", part = "", first = ""] = words;
  if (command === "playbook" && part !== "--help" && part !== "-h") {
    return { own: words.slice(0, 1), passed: words.slice(1) };
  }
  const isPassing = PASSING[command]?.has(part) === true;
  if (!isPassing || first === "--help" || first === "-h") {
    return { own: [...words], passed: [] };
  }
  return { own: words.slice(0, 2), passed: words.slice(2) };
}

/** Keeps for `readPassed` what is to be passed on, and returns the rest. */
export function keepPassed(words: readonly string[]): string[] {
  const split = splitWords(words);
  passed = split.passed;
  return split.own;
}

/** The words to pass on. */
export function readPassed(): readonly string[] {
  return passed;
}

/** A command line without the `--` that may stand before it, as it may for ssh and nsenter. */
export function withoutMark(words: readonly string[]): readonly string[] {
  return words[0] === "--" ? words.slice(1) : words;
}
