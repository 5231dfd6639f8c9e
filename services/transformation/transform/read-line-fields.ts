import { RefusedError } from '../../../shared/errors.ts';
import type { SourceTable } from '../../../shared/model/model.ts';
import { captureStateKey } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { readCaptureState } from '../../../shared/records/plan/capture-state.ts';
import type { ReadLayout } from '../../../shared/records/plan/layout.ts';
import { findLineFields, findUnknown, type LineFields } from '../rows/line-fields.ts';

export interface LayoutDeps {
  ingested: Pick<ObjectStore, 'get'>;
  readLayout: ReadLayout;
}

/**
 * Finds what an object's lines call the model's fields.
 *
 * @param layout the hash of the object's; undefined where an older version of Starlift has put it
 * @param isOlder the object was made by an older model
 * @returns undefined where the names are the model's, or nothing shows that they are not
 * @throws {RefusedError} no plan has seen which columns the fields of the model in force are
 * @throws {LostObjectError} S3 has lost a layout
 */
export async function readLineFields(
  source: SourceTable,
  { layout: hash, isOlder }: { layout: string | undefined; isOlder: boolean },
  { ingested, readLayout }: LayoutDeps,
): Promise<LineFields | undefined> {
  if (hash === undefined) return withoutMasked(source);
  const newestHash = (await readCaptureState(ingested))?.state.layouts?.[source.name];
  if (newestHash === undefined) return withoutMasked(source);
  if (newestHash === hash && !isOlder) return undefined;
  const newest = await readLayout(newestHash);
  const unknown = findUnknown(source.fields, newest);
  // It may be a new name of a column that the object has: null in its place would take values from the warehouse.
  if (unknown.length > 0) {
    const which = `${unknown.join(', ')} of ${source.name}`;
    throw new RefusedError(
      `no plan has looked up ${which} in the source since the model has ${unknown.length === 1 ? 'it' : 'them'}: the next plan that can read the table does`,
      { by: 'AWS', table: source.name, key: captureStateKey },
    );
  }
  return findLineFields(source.fields, await readLayout(hash), newest);
}

/** What has no layout was put before any value was masked. */
function withoutMasked({ fields }: SourceTable): LineFields | undefined {
  const clear = fields.filter(({ type }) => type !== 'masked').map(({ name }) => name);
  if (clear.length === fields.length) return undefined;
  return {
    names: new Map(clear.map((name) => [name, name])),
    all: new Set(fields.map(({ name }) => name)),
    isClear: true,
  };
}
