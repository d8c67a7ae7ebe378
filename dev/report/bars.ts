const eighthsUp = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;
const eighthsRight = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"] as const;

/** A bar from left to right; `share` from 0 to 1 of `width` characters. */
export function horizontalBar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  return "█".repeat(Math.floor(eighths / 8)) + (eighthsRight[eighths % 8] ?? "");
}

/** Columns of `height` lines, filled by `most`, else the largest value; what is not 0 is seen. */
export function columns(
  values: readonly number[],
  height: number,
  most = Math.max(1, ...values),
): string[] {
  const levels = values.map((value) =>
    value === 0 ? 0 : Math.max(1, Math.round((value / most) * height * 8)),
  );
  const lines: string[] = [];
  for (let line = height - 1; line >= 0; line -= 1) {
    const cells = levels.map((level) => eighthsUp[Math.min(8, Math.max(0, level - line * 8))]);
    lines.push(cells.join("").trimEnd());
  }
  return lines;
}
