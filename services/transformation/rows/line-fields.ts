import type { SourceField } from '../../../shared/model/model.ts';
import type { Layout, LayoutField, LayoutRelation } from '../../../shared/records/plan/layout.ts';

/** What lines call the model's fields, where they may call them otherwise than the model does. */
export interface LineFields {
  /** By the model's field. One that the lines lack is not in it. */
  names: ReadonlyMap<string, string>;
  /** Every field of a line, also those that the model does not have. */
  all: ReadonlySet<string>;
  /** The lines have a value in clear text that the model masks: none of their text may be written down. */
  isClear?: boolean;
}

/** Whether the lines call each field what the model does. */
export const isAsModel = ({ names }: LineFields, fields: readonly SourceField[]): boolean =>
  fields.every(({ name }) => names.get(name) === name);

/** The fields that the layout does not have: which column they are is not known. */
export const findUnknown = (fields: readonly SourceField[], newest: Layout): string[] =>
  fields.map(({ name }) => name).filter((name) => findField(newest, name) === undefined);

/**
 * Finds the model's fields in lines of an older layout, by the columns that they are.
 *
 * By name where columns cannot be compared: the table was made anew, or the database is another one.
 *
 * @param layout of the lines
 * @param newest has all of the fields
 */
export function findLineFields(fields: readonly SourceField[], layout: Layout, newest: Layout): LineFields {
  const names = new Map<string, string>();
  for (const { name, type } of fields) {
    const found = findColumn(name, layout, newest);
    const wantedMask = findField(newest, name)?.mask;
    // Clear text must never take the place of a masked value, nor one that another key has made.
    const isMaskedAlike =
      type === 'masked'
        ? found?.mask !== undefined && (wantedMask ?? found.mask) === found.mask
        : found?.mask === undefined;
    if (found !== undefined && isMaskedAlike) names.set(name, found.name);
  }
  const isClear = fields.some(({ name, type }) => type === 'masked' && !names.has(name));
  return { names, all: new Set(layout.fields.map(({ name }) => name)), ...(isClear && { isClear }) };
}

function findColumn(name: string, layout: Layout, newest: Layout): LayoutField | undefined {
  const field = findField(newest, name);
  const relation = field && relationOf(newest, field);
  if (field === undefined || relation === undefined) return undefined;
  const isComparable = (other: LayoutRelation | undefined) =>
    layout.database === newest.database && isSame(other?.oids, relation.oids);
  const same = layout.fields.find((candidate) => {
    const other = relationOf(layout, candidate);
    return (
      candidate.column === field.column && isComparable(other) && isSame(other?.matches, relation.matches)
    );
  });
  if (same !== undefined) return same;
  const namesake = findField(layout, name);
  const other = namesake && relationOf(layout, namesake);
  // A column of the same tables that is not the same one has only the name.
  return !isComparable(other) && isSame(other?.tables, relation.tables) ? namesake : undefined;
}

const findField = ({ fields }: Layout, name: string): LayoutField | undefined =>
  fields.find((field) => field.name === name);

const relationOf = ({ relations }: Layout, { path }: LayoutField): LayoutRelation | undefined =>
  relations.find((relation) => relation.path === path);

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
