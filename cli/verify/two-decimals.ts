/**
 * SQL for a numeric of the source as a warehouse column of two decimals shows it: zeros behind the last digit are no
 * digits, in a column without a scale (1.500 and 1.5 are 1.50). What has more digits keeps them all, for it must not
 * be the same as what it would be rounded to.
 */
export const twoDecimals = (column: string): string =>
  `round(${column}, greatest(scale(trim_scale(${column})), 2)) as ${column}`;
