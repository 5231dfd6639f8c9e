/** The fewest days: sweeps look at runs of the last 30, and would make anew what they do not find. */
export const fewestDays = 31;

/** After how many days objects expire; a table that neither names keeps its own. */
export interface ExpireAfter {
  /** Of the tables that have no days of their own; undefined where these keep their objects. */
  others: number | undefined;
  /** By source table. */
  tables: ReadonlyMap<string, number>;
}

/** What the parameter `expireAfterDays` of a stage has to be. */
export const wantedExpireAfter = `empty or days from ${fewestDays} on: 800 for all tables, payment=400,staff=90 for these alone, 800,payment=400 for all and one of them otherwise`;

/**
 * Reads the parameter `expireAfterDays` of a stage: days for all tables, `table=days` for one, or both, comma-separated.
 *
 * @returns undefined for a text that is none of that: too few days, a table or the days for all named twice
 */
export function parseExpireAfter(text: string): ExpireAfter | undefined {
  const tables = new Map<string, number>();
  let others: number | undefined;
  for (const part of text === '' ? [] : text.split(',')) {
    const { table, days: digits } = /^(?:(?<table>[^=\s]+)=)?(?<days>[1-9]\d{1,5})$/.exec(part)?.groups ?? {};
    const days = Number(digits ?? 0);
    const isTwice = table === undefined ? others !== undefined : tables.has(table);
    if (days < fewestDays || isTwice) return undefined;
    if (table === undefined) others = days;
    else tables.set(table, days);
  }
  return { others, tables };
}

/** The tables that a parameter names and a model does not have. */
export const findUnknownTables = ({ tables }: ExpireAfter, sources: readonly { name: string }[]): string[] =>
  [...tables.keys()].filter((table) => !sources.some(({ name }) => name === table));
