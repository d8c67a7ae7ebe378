export type Row = Readonly<Record<string, unknown>>;

/** A connection of one of the dialects. What it rejects with is its driver's. */
export interface DatabaseConnection {
  /** One statement with parameters `$1`, `$2`, ..., first named in this order. */
  run(text: string, parameters: readonly unknown[]): Promise<readonly Row[]>;
  /** Statements without parameters, one after another. */
  runAll(text: string): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly timeoutMs: number;
  readonly readonly?: boolean;
}
