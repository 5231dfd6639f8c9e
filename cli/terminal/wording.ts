/** A whole number as English writes it: 1,234,567. By hand, for the first toLocaleString() of a process takes 20 ms. */
export const formatCount = (count: number): string => String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');

export const formatRows = (rows: number): string => (rows === 1 ? '1 row' : `${formatCount(rows)} rows`);
