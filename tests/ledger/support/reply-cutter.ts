import type { Socket, TCPSocketListener } from "bun";

interface Link {
  other: Side | null;
  cutting: boolean;
}
type Side = Socket<Link>;

/**
 * Stands between a client and a Redis. Each time the client sends something that contains one of
 * `words`, Redis executes it, but its reply is thrown away and both connections are closed; each
 * word works once, in the order given.
 */
export class ReplyCutter {
  readonly url: string;
  readonly #words: string[];
  readonly #listener: TCPSocketListener<Link>;

  constructor(redisPort: number, words: readonly string[]) {
    this.#words = [...words];
    this.#listener = Bun.listen<Link>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (client) => {
          client.data = { other: null, cutting: false };
          client.pause();
          this.#connect(client, redisPort).catch(() => client.end());
        },
        data: (client, bytes) => this.#fromClient(client, bytes),
        close: (client) => {
          client.data.other?.end();
        },
      },
    });
    this.url = `redis://127.0.0.1:${this.#listener.port}/0`;
  }

  /** Words whose replies are still to be cut. */
  get left(): number {
    return this.#words.length;
  }

  close(): void {
    this.#listener.stop(true);
  }

  async #connect(client: Side, port: number): Promise<void> {
    client.data.other = await Bun.connect<Link>({
      hostname: "127.0.0.1",
      port,
      data: { other: client, cutting: false },
      socket: {
        data: (redis, bytes) => {
          if (redis.data.cutting) {
            redis.end();
            client.end();
          } else {
            client.write(bytes);
          }
        },
        close: () => {
          client.end();
        },
      },
    });
    client.resume();
  }

  #fromClient(client: Side, bytes: Buffer): void {
    const redis = client.data.other;
    const [word] = this.#words;
    if (redis !== null && word !== undefined && bytes.includes(word)) {
      this.#words.shift();
      redis.data.cutting = true;
    }
    redis?.write(bytes);
  }
}
