import { constants } from "node:os";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs `work`, which gives up and tidies up when its signal is raised: at the first SIGINT, SIGTERM
 * or SIGHUP. At the second, `force` is called and this process ends at once. Whoever was
 * interrupted exits with 128 + the number of the signal, whatever `work` made of it.
 */
export async function interruptible(
  work: (signal: AbortSignal) => Promise<void>,
  force: () => void = () => {},
): Promise<void> {
  const abort = new AbortController();
  let interrupted: (typeof signals)[number] | null = null;
  const onSignal = (name: (typeof signals)[number]): void => {
    if (interrupted !== null) {
      force();
      process.exit(128 + constants.signals[name]);
    }
    interrupted = name;
    process.stderr.write(`\n${name}: stopping; once more to force it\n`);
    abort.abort();
  };
  const listeners = signals.map((name) => ({ name, listener: () => onSignal(name) }));
  for (const { name, listener } of listeners) {
    process.on(name, listener);
  }
  try {
    await work(abort.signal);
  } finally {
    for (const { name, listener } of listeners) {
      process.off(name, listener);
    }
    if (interrupted !== null) {
      process.exitCode = 128 + constants.signals[interrupted];
    }
  }
}
