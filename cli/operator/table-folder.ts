import { formatObjectKey, type RunId } from '../../shared/object-store/object-key.ts';

const anyRun: RunId = '20000101T000000000Z0000';

/** The folder of a table's objects, in either zone, with its slash: the table as keys encode it. */
export function tableFolder(table: string): string {
  const key = formatObjectKey({ zone: 'ingested', table, run: anyRun, slice: '0000' });
  return key.slice(0, key.indexOf('/') + 1);
}
