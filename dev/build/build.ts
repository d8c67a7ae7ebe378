import { createReadStream } from "node:fs";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { isSystemError } from "../../src/process/errors.ts";
import { nameRelease, programs } from "./release-id.ts";

export interface BuildOptions {
  /** The checkout. */
  readonly root: string;
  /** Where releases are kept, a directory each. */
  readonly dist: string;
  readonly label: string | undefined;
  /** Releases that stay, this one included; a release takes a third of a gigabyte. */
  readonly keep: number;
}

export interface Build {
  readonly release: string;
  readonly directory: string;
  /** False: it was there. */
  readonly built: boolean;
}

/** In `sha256sum --check`'s own format, so that a host can look for itself. */
export const manifestName = "SHA256SUMS";
const incoming = ".incoming-";
/** Who is killed leaves its directory behind; an hour is longer than any build takes. */
const abandonedMs = 3_600_000;
const compileLimitMs = 300_000;

/** Builds the release of the sources as they are, unless it is there. Throws `CommandError`. */
export async function buildRelease(options: BuildOptions): Promise<Build> {
  const { root, dist, label, keep } = options;
  const release = await nameRelease(root, label);
  const directory = join(dist, release);
  const built = !(await isThere(join(directory, manifestName)));
  if (built) {
    await mkdir(dist, { recursive: true });
    // Built beside and renamed: what has its name is whole, and two builds at once do no harm.
    const staging = await mkdtemp(join(dist, incoming));
    try {
      await chmod(staging, 0o755);
      await fill(staging, root, release);
      if ((await nameRelease(root, label)) !== release) {
        throw new CommandError("the sources changed while they were built; build again");
      }
      await publish(staging, directory);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }
  const now = new Date();
  await utimes(directory, now, now);
  await prune(dist, keep);
  return { release, directory, built };
}

async function fill(staging: string, root: string, release: string): Promise<void> {
  const sums: string[] = [];
  for (const [program, entry] of Object.entries(programs)) {
    const binary = join(staging, program);
    await compile(root, entry, binary, release);
    await chmod(binary, 0o755);
    // The binary carries its own copy.
    await rm(`${binary}.map`, { force: true });
    sums.push(`${await sha256(binary)}  ${program}\n`);
  }
  // The last one to be written: with it the release is complete.
  await writeFile(join(staging, manifestName), sums.join(""));
}

async function compile(root: string, entry: string, binary: string, release: string) {
  const options = "--compile --format=esm --minify --sourcemap --bytecode";
  // A program must not pick up configuration from the directory that it is started in.
  const sealed = "--no-compile-autoload-dotenv --no-compile-autoload-bunfig";
  const child = Bun.spawn(
    [
      process.execPath,
      "build",
      ...options.split(" "),
      ...sealed.split(" "),
      "--define",
      `SLUICE_RELEASE=${JSON.stringify(release)}`,
      join(root, entry),
      "--outfile",
      binary,
    ],
    { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: compileLimitMs },
  );
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) {
    throw new CommandError(`${entry} could not be compiled (exit code ${code}):\n${err}${out}`);
  }
}

/** Gives the directory its name. Another build that was faster made the same. */
async function publish(staging: string, directory: string): Promise<void> {
  try {
    await rename(staging, directory);
  } catch (error) {
    if (!(isSystemError(error, "ENOTEMPTY") || isSystemError(error, "EEXIST"))) {
      throw error;
    }
    if (!(await isThere(join(directory, manifestName)))) {
      throw new CommandError(`${directory} is there but not a release; delete it and build again`);
    }
  }
}

async function sha256(path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hasher.update(chunk as Uint8Array);
  }
  return hasher.digest("hex");
}

/** Removes all releases but the `keep` that were built or asked for last. */
async function prune(dist: string, keep: number): Promise<void> {
  const releases: { path: string; usedAtMs: number }[] = [];
  for (const entry of await readdir(dist, { withFileTypes: true })) {
    const path = join(dist, entry.name);
    const usedAtMs = (await stat(path).catch(() => null))?.mtimeMs;
    if (!entry.isDirectory() || usedAtMs === undefined) {
      continue; // Not ours, or just removed by another build.
    }
    if (entry.name.startsWith(incoming)) {
      if (Date.now() - usedAtMs > abandonedMs) {
        await rm(path, { recursive: true, force: true });
      }
    } else if (await isThere(join(path, manifestName))) {
      releases.push({ path, usedAtMs });
    }
  }
  releases.sort((a, b) => b.usedAtMs - a.usedAtMs);
  for (const { path } of releases.slice(keep)) {
    await rm(path, { recursive: true, force: true });
  }
}

function isThere(path: string): Promise<boolean> {
  return Bun.file(path).exists();
}
