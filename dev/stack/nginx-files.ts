import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { ROOT } from "../host/checkout.ts";
import { type StackOptions } from "./options.ts";

/** Twice what cache.conf allows the cache to grow to. */
const TMPFS_FREE_MIN_BYTES = 32 * 1024 * 1024;
const TMPFS_DIR = "/dev/shm";
/** f_type of a tmpfs, from statfs(2). */
const TMPFS_MAGIC = 0x01021994;

export function nginxPrefix(stateDir: string): string {
  return join(stateDir, "nginx");
}

/** A new directory for Nginx's cache on tmpfs, or null where there is no usable one. */
export function makeCacheDir(): string | null {
  try {
    const { type, bavail, bsize } = statfsSync(TMPFS_DIR);
    if (type !== TMPFS_MAGIC || bavail * bsize < TMPFS_FREE_MIN_BYTES) {
      return null;
    }
    // A name that nobody can foresee, as everybody may write there.
    return mkdtempSync(join(TMPFS_DIR, "sluice-"));
  } catch {
    // Not there, or not for us to write: the cache goes to disk.
    return null;
  }
}

/** Lays out Nginx's prefix: the repository's files as they are, and what is particular here. */
export function writeNginxPrefix(options: StackOptions, cacheDir: string | null): void {
  const prefix = nginxPrefix(options.stateDir);
  rmSync(prefix, { recursive: true, force: true });
  for (const directory of ["conf/host", "logs", "temp"]) {
    mkdirSync(join(prefix, directory), { recursive: true, mode: 0o700 });
  }
  if (cacheDir === null) {
    mkdirSync(join(prefix, "cache"), { mode: 0o700 });
  } else {
    symlinkSync(cacheDir, join(prefix, "cache"));
  }
  const source = join(ROOT, "nginx");
  for (const file of readdirSync(source).filter((name) => name.endsWith(".conf"))) {
    copyFileSync(join(source, file), join(prefix, "conf", file));
  }
  for (const [file, content] of Object.entries(generateHostFiles(options))) {
    writeFileSync(join(prefix, "conf", "host", file), content, { mode: 0o600 });
  }
}

/** The generated part; nginx/README.md describes each file. */
export function generateHostFiles(options: StackOptions): Record<string, string> {
  const { nginxPort, statusPort, nodePort, weights, locale, sale } = options;
  const servers = weights.map(
    (weight, index) =>
      `server 127.0.0.1:${nodePort + index} weight=${weight} max_fails=5 fail_timeout=1s;\n`,
  );
  return {
    "upstream.conf": servers.join(""),
    "readiness-upstream.conf": weights
      .map((_, index) => `server 127.0.0.1:${nodePort + index} max_fails=0;\n`)
      .join(""),
    "readiness-waits.conf": [
      "proxy_next_upstream_timeout 600ms;",
      "proxy_connect_timeout 100ms;",
      "proxy_send_timeout 100ms;",
      "proxy_read_timeout 150ms;",
      "",
    ].join("\n"),
    "listen.conf": `listen 127.0.0.1:${nginxPort} backlog=4096;\n`,
    "status-listen.conf": `listen 127.0.0.1:${statusPort};\n`,
    "settings.conf": [
      `map "" $locale { default ${locale}; }`,
      `map "" $default_sale { default ${sale}; }`,
      `map "" $limit_by { default ${options.limitBy}; }`,
      `limit_req_zone $limit_key zone=purchases:16m rate=${options.limitPerSecond}r/s;`,
      "limit_req_dry_run off;",
      "proxy_connect_timeout 300ms;",
      "proxy_read_timeout 2500ms;",
      `map "" $access_log_on { default ${options.accessLog ? 1 : 0}; }`,
      // Everybody who gets here is on this machine.
      "geo $may_ask_readiness { default 1; }",
      "",
    ].join("\n"),
  };
}
