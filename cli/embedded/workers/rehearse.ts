import { Readable } from 'node:stream';
import { encodeCopyRows } from '../../../services/loading/copy-binary/encode-rows.ts';
import { transformRows } from '../../../services/transformation/transform-rows.ts';
import { readParquet } from '../../../shared/parquet/read-parquet.ts';
import type { SourceType } from '../../../shared/star-schema/define.ts';
import { starSchema } from '../../../shared/star-schema/star-schema.ts';

/** Transforms a made-up row of a fact and reads it back: the code that the first object of a run would wait for. */
export async function rehearse(): Promise<void> {
  const table = starSchema.tables.find(({ kind }) => kind === 'fact');
  if (table?.kind !== 'fact') return;
  const row = Object.fromEntries(table.source.fields.map(({ name, type }) => [name, sampleOf(type)]));
  const lines = Readable.from([Buffer.from(JSON.stringify(row))]);
  const { parquet } = await transformRows(lines, table, starSchema.calendar);
  for (const _ of encodeCopyRows(await readParquet(table, 'rehearsal', parquet), '1'));
}

function sampleOf(type: SourceType): unknown {
  switch (type) {
    case 'bool':
      return true;
    case 'varchar':
      return '2024-01-31';
    case 'timestamp':
      return '2024-01-31T12:30:00.5';
    default:
      return 1;
  }
}
