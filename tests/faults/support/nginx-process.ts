import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { generateHostFiles, writeNginxPrefix } from "../../../dev/stack/nginx-files.ts";
import { checkNginxConfiguration, planNginx } from "../../../dev/stack/nginx.ts";
import { stackDefaults } from "../../../dev/stack/options.ts";
import { freePort } from "../../support/redis-server.ts";
import { until } from "../../support/until.ts";
import type { NodeProcess } from "./node-process.ts";

/** A real Nginx with the repository's configuration, before ticket nodes wherever they listen. */
export class NginxProcess {
  readonly port: number;
  readonly #process: ReturnType<typeof Bun.spawn>;

  private constructor(port: number, process: ReturnType<typeof Bun.spawn>) {
    this.port = port;
    this.#process = process;
  }

  /** Starts it in a folder of the test's, and waits until it answers. */
  static async start(folder: string, nodes: readonly NodeProcess[]): Promise<NginxProcess> {
    const [nginxPort, statusPort] = [freePort(), freePort()];
    const weights = nodes.map((_, index) => index + 1);
    const options = { ...stackDefaults, stateDir: folder, nginxPort, statusPort, weights };
    writeNginxPrefix(options, null);
    // Generated for ports in a row; a test's nodes took what was free.
    const generated = generateHostFiles(options);
    for (const file of ["upstream.conf", "readiness-upstream.conf"]) {
      const servers = nodes.reduce(
        (text, node, index) => text.replace(`:${options.nodePort + index} `, `:${node.port} `),
        generated[file] ?? "",
      );
      writeFileSync(join(folder, "nginx/conf/host", file), servers);
    }
    const plan = planNginx(options);
    checkNginxConfiguration(plan);
    const child = Bun.spawn(["setpriv", "--pdeathsig", "SIGKILL", ...plan.command], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    await until(`Nginx answers on port ${nginxPort}`, async () => {
      if (child.exitCode !== null) {
        throw new Error(`Nginx ended with ${child.exitCode}; is port ${nginxPort} taken?`);
      }
      return (await fetch(`http://127.0.0.1:${nginxPort}/healthz`).catch(() => null))?.ok;
    });
    return new NginxProcess(nginxPort, child);
  }

  /** SIGTERM, and waits until it and its workers are gone. */
  async stop(): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.exited;
  }
}
