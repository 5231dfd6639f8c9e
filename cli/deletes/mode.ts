import type { Deletes } from '../../shared/model/define.ts';
import type { Model } from '../../shared/model/model.ts';

/** What becomes of deleted rows of a warehouse table; undefined for the calendar, and for a table that has left the model. */
export function deletesOf({ tables }: Pick<Model, 'tables'>, name: string): Deletes | undefined {
  const table = tables.find((each) => each.name === name);
  return table === undefined || table.kind === 'calendar' ? undefined : table.deletes;
}

/** Whether deleted rows of the table are looked for: what is known of another table's censuses no longer matters. */
export const isLookedFor = (model: Pick<Model, 'tables'>, name: string): boolean =>
  ['mark', 'remove'].includes(deletesOf(model, name) ?? '');

/** What a census does with rows: it has `marked` or `removed` them. */
export const deletedWord = (model: Pick<Model, 'tables'>, name: string): 'marked' | 'removed' =>
  deletesOf(model, name) === 'remove' ? 'removed' : 'marked';
