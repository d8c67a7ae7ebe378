/** Numbers as people read them. */
const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function formatCount(value: number): string {
  return grouped.format(value);
}

/** A figure of the ledger, or a question mark where what is stored there is none. */
export function formatFigure(value: number | null): string {
  return value === null ? "?" : formatCount(value);
}

/** Milliseconds with as many digits as mean something. */
export function formatMs(ms: number): string {
  return ms < 100 ? ms.toFixed(1) : formatCount(ms);
}

/** A share of a whole, in percent. */
export function formatShare(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((part / whole) * 100).toFixed(1)} %`;
}

/** Columns of cells: the first to the left, all others to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
}
