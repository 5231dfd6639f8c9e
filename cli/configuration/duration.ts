const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A number with its unit: `90s`, `15m`, `2 h`, `1d`. */
export const durationPattern = /^[1-9]\d{0,6} ?[smhd]$/;

/** @returns seconds; undefined where the text is no duration */
export function parseDuration(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined;
  return Number.parseInt(text, 10) * (secondsOf[text.at(-1) ?? ''] ?? Number.NaN);
}
