import {
  isCreationColumn,
  isEventColumn,
  isMeasure,
  isOwnName,
  isVersionColumn,
  wordsOf,
} from './column-names.ts';
import type { OfferedTable } from './offer-tables.ts';
import type { References, TableReference } from './references.ts';

/** What a table becomes, and why, as words that follow its name. */
export interface Classified {
  table: OfferedTable;
  kind: 'fact' | 'dimension' | 'folded';
  reason: string;
  references: readonly TableReference[];
  /** Of a fact: the column that tells a row's versions apart. */
  versions: string | undefined;
  /** Of a fact: the date or time that it happened at. */
  event: string | undefined;
}

/** What is known of a table before anything is decided. */
interface Traits {
  references: readonly TableReference[];
  /** The tables whose rows name this one's. */
  namedBy: Set<OfferedTable>;
  measures: string[];
  events: string[];
  creation: string | undefined;
  hasOwnName: boolean;
  isKeyOfReferences: boolean;
  /** How many other tables it names. */
  named: number;
}

/**
 * Decides which tables are facts, which are dimensions, and which are folded into those that name them.
 *
 * @param decided what is a fact or a dimension already, by source table
 * @param mayFold whether the files of those that fold others are still to be written
 */
export function classify(
  tables: readonly OfferedTable[],
  references: References,
  decided: ReadonlyMap<string, 'fact' | 'dimension'>,
  mayFold: boolean,
): Classified[] {
  const traits = new Map(tables.map((table) => [table, traitsOf(table, references)]));
  for (const [table, { references: own }] of traits) {
    for (const { to } of own) traits.get(to)?.namedBy.add(table);
  }
  const classified = new Map<OfferedTable, Pick<Classified, 'kind' | 'reason'>>();
  for (const [table, own] of traits) {
    const known = decided.get(table.name);
    const reason = known === undefined ? findFactReason(own) : 'it is one already';
    if (known !== 'dimension' && reason !== undefined) classified.set(table, { kind: 'fact', reason });
    else if (known === 'dimension') classified.set(table, { kind: 'dimension', reason: 'it is one already' });
  }
  const isFact = (table: OfferedTable) => classified.get(table)?.kind === 'fact';
  for (const [table, { namedBy }] of traits) {
    if (classified.has(table)) continue;
    const facts = [...namedBy].filter(isFact);
    if (facts.length > 0) {
      const [first] = facts;
      const name = first?.name ?? '';
      const reason = facts.length === 1 ? `${name} names it` : `${name} and ${facts.length - 1} more name it`;
      classified.set(table, { kind: 'dimension', reason });
    }
  }
  if (mayFold) foldTheRest(traits, classified);
  for (const [table, { namedBy }] of traits) {
    if (classified.has(table)) continue;
    const reason = namedBy.size > 0 ? 'other tables name it' : 'nothing in it happens at a time';
    classified.set(table, { kind: 'dimension', reason });
  }
  return tables.map((table) => {
    const { kind, reason } = classified.get(table) ?? { kind: 'dimension', reason: 'nothing else fits' };
    const own = traits.get(table);
    return {
      table,
      kind,
      reason,
      references: own?.references ?? [],
      versions: kind === 'fact' ? findVersions(table) : undefined,
      event: kind === 'fact' ? findEvent(table, own) : undefined,
    };
  });
}

function traitsOf(table: OfferedTable, all: References): Traits {
  const references = all.get(table.name) ?? [];
  const referring = new Set(references.flatMap(({ columns }) => columns));
  const columns = Object.entries(table.locked.columns).filter(([name]) => !table.excluded.has(name));
  const free = columns.filter(([name]) => !referring.has(name) && !table.key.includes(name));
  const named = (fits: (name: string, column: (typeof columns)[number][1]) => boolean, of = free) =>
    of.filter(([name, column]) => fits(name, column)).map(([name]) => name);
  return {
    references,
    namedBy: new Set(),
    measures: named(isMeasure),
    // A date may be part of the key of what happened.
    events: named(isEventColumn, columns),
    creation: named(isCreationColumn, columns)[0],
    hasOwnName: named((name, column) => isOwnName(table.table, name, column)).length > 0,
    isKeyOfReferences: table.key.length > 1 && table.key.every((column) => referring.has(column)),
    named: new Set(references.map(({ to }) => to)).size,
  };
}

/** Why a table holds what happened; undefined where it holds things. */
function findFactReason(traits: Traits): string | undefined {
  const { namedBy, measures, events, creation, hasOwnName, isKeyOfReferences, named } = traits;
  const [measure] = measures;
  const [event] = events;
  const isNamed = namedBy.size > 0;
  const names = `it names ${named} ${named === 1 ? 'table' : 'tables'}`;
  if (!isNamed) {
    if (isKeyOfReferences) return 'its key is made of references, and nothing names it';
    // A thing with a name of its own, such as a product with a price: a fact only where it names others.
    if (hasOwnName && named === 0) return undefined;
    if (measure !== undefined) return `it has a measure (${measure}), and nothing names it`;
    if (event !== undefined) return `it has a date (${event}), and nothing names it`;
    if (creation !== undefined && !hasOwnName) return `it has a date (${creation}), and nothing names it`;
    return undefined;
  }
  if (named === 0 || hasOwnName) return undefined;
  if (event !== undefined && measure !== undefined)
    return `it has a measure (${measure}) and a date (${event})`;
  if (named < 2) return undefined;
  if (event !== undefined) return `${names}, and has a date (${event})`;
  const isMeasured = creation !== undefined && measure !== undefined;
  return isMeasured ? `${names}, and has a measure (${measure}) and a date (${creation})` : undefined;
}

/** Joins are read with each row that they are joined to: beyond this, tables stay on their own. */
export const maxDepth = 4;

/** Folds a table into those that name it, where all ways end at a dimension that a fact names. */
function foldTheRest(
  traits: ReadonlyMap<OfferedTable, Traits>,
  classified: Map<OfferedTable, Pick<Classified, 'kind' | 'reason'>>,
): void {
  const dimensions = [...classified].filter(([, { kind }]) => kind === 'dimension').map(([table]) => table);
  let reached = new Set(dimensions);
  for (let depth = 1; depth <= maxDepth; depth++) {
    const next = new Set<OfferedTable>();
    for (const near of reached) {
      for (const { to } of traits.get(near)?.references ?? []) {
        if (classified.has(to)) continue;
        next.add(to);
        classified.set(to, { kind: 'folded', reason: `folded into ${near.name}, which names it` });
      }
    }
    reached = next;
  }
}

function findVersions({ locked, excluded }: OfferedTable): string | undefined {
  return Object.entries(locked.columns).find(
    ([name, column]) => !excluded.has(name) && isVersionColumn(name, column),
  )?.[0];
}

const eventWords = [
  'date',
  'at',
  'on',
  'time',
  'occurred',
  'happened',
  'placed',
  'booked',
  'posted',
  'issued',
];

/**
 * The date that is named most like the table, else the first that is never null. A date that may be null, such as
 * `revoked_at`, says less than when the row was made.
 */
function findEvent({ table, locked }: OfferedTable, traits: Traits | undefined): string | undefined {
  const own = wordsOf(table).flatMap((word) => [word, word.replace(/s$/, '')]);
  const score = (name: string): number => {
    const words = wordsOf(name);
    const named = words.some((word) => own.includes(word)) ? 4 : 0;
    const whole = locked.columns[name]?.nullable === false ? 2 : 0;
    return named + whole + (words.some((word) => eventWords.includes(word)) ? 1 : 0);
  };
  const [best] = (traits?.events ?? []).toSorted((a, b) => score(b) - score(a));
  const creation = traits?.creation;
  if (best === undefined || creation === undefined) return best ?? creation;
  const isWhole = (name: string) => locked.columns[name]?.nullable === false;
  return score(best) < 2 && isWhole(creation) ? creation : best;
}
