import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { transformRows } from '../../../services/transformation/rows/transform-rows.ts';
import type { Dimension, Fact } from '../../../shared/model/model.ts';
import { parseQuarantineFile } from '../../../shared/records/quarantine-file.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';

const tableOf = (name: string): Dimension | Fact => {
  const table = smallModel.table(name);
  if (table.kind === 'calendar') throw new TypeError(`${name} is the calendar`);
  return table;
};
const transform = async (table: string, lines: object[], isOlder: boolean) => {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const made = await transformRows(Readable.from([Buffer.from(text)]), tableOf(table), smallModel.calendar, {
    isOlder,
  });
  const { rows } = parseQuarantineFile('quarantine/a.ndjson', made.quarantine.toFile());
  return { rows: made.rows, faults: rows.map(({ column, reason }) => `${column} ${reason}`) };
};

describe('a row that an older model has extracted', () => {
  it('has null for a field that the model did not have, and may have fields that it no longer has', async () => {
    const lines = [{ shape_id: 1 }, { shape_id: 2, name: 'round' }, { shape_id: 3, name: 'flat', area: 4.5 }];
    expect(await transform('dim_shape', lines, true)).toEqual({ rows: 3, faults: [] });
  });

  it('is a bad row where a column of it must not be null', async () => {
    expect(await transform('dim_colour', [{ colour_id: 1 }, { name: 'red' }], true)).toEqual({
      rows: 0,
      faults: ['name is missing', 'colour_id is missing'],
    });
  });

  it('is a bad row all the same where the model in force has extracted it', async () => {
    const lines = [{ shape_id: 1 }, { shape_id: 3, name: 'flat', area: 4.5 }];
    expect(await transform('dim_shape', lines, false)).toEqual({
      rows: 0,
      faults: ['name is missing', 'area is not in the model'],
    });
  });
});
