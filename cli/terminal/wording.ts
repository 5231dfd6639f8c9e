/** A whole number as English writes it: 1,234,567. Not by toLocaleString(), whose first call in a process is slow. */
export const formatCount = (count: number): string => String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');

export const formatRows = (rows: number): string => (rows === 1 ? '1 row' : `${formatCount(rows)} rows`);

export const formatObjects = (objects: number): string =>
  objects === 1 ? '1 object' : `${formatCount(objects)} objects`;

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** @example '812 B', '1.2 GiB' */
export function formatBytes(bytes: number): string {
  const power = Math.min(byteUnits.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 2 ** (10 * power)).toFixed(power === 0 ? 0 : 1)} ${byteUnits[power]}`;
}

/** A word as a POSIX shell takes it. */
export const quoteForShell = (text: string): string =>
  /^[\w./~:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
