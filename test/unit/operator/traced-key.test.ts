import { describe, expect, it } from '@jest/globals';
import { parseTracedKey } from '../../../cli/trace/traced-key.ts';
import { defineDimension, int, varchar } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { totesys } from '../../helpers/models/totesys.ts';

const model = assembleModel({
  name: 'test',
  tables: [
    defineDimension({
      name: 'dim_line',
      source: { table: 'line', key: ['order_id', 'part'], columns: { order_id: 'int4', part: 'varchar' } },
      key: ['order_id', 'part'],
      columns: { order_id: int('order_id'), part: varchar('part') },
    }),
  ],
});
const parse = (key: string | undefined, where?: string, name = 'dim_line') =>
  parseTracedKey({ name, key, where }, name === 'dim_line' ? model : totesys).values.map(({ text }) => text);

describe('the key of a traced row', () => {
  it('is one text, commas included, or one for each column', () => {
    expect(parse('1,000', undefined, 'dim_staff')).toEqual(['1,000']);
    expect(parse('17, b')).toEqual(['17', 'b']);
  });

  it('may be given by the names of its columns, in any order', () => {
    expect(parse(undefined, `part = 'it''s, and so' and order_id=17`)).toEqual(['17', "it's, and so"]);
  });

  it.each([
    ['17', undefined, 'the key of dim_line is order_id,part, and 17 has 1 value.'],
    [undefined, undefined, 'name the key too: starlift trace dim_line order_id,part'],
    ['17,b', 'order_id = 17', 'pass the key or --where, not both'],
    [undefined, 'order_id = 17', 'lacks part, a column of the key of dim_line'],
    [undefined, 'order_id = 17 and price = 3', 'names price, which is not a column of the key of dim_line'],
    [undefined, 'order_id = 17 or true', 'is not the key of a row'],
    [undefined, 'order_id = 1; drop table line', 'is not the key of a row'],
    [undefined, 'order_id = 1 and order_id = 2', 'names order_id twice'],
  ])('is refused as %s, where %s', (key, where, reason) => {
    expect(() => parse(key, where)).toThrow(reason);
  });

  it.each([
    ['department', 'department is ingested only'],
    ['address', undefined],
    ['dim_date', 'dim_date is the calendar'],
    ['nothing', 'nothing is not a table of the model'],
  ])('is of one table: %s', (name, reason) => {
    if (reason === undefined) expect(parse('1', undefined, name)).toEqual(['1']);
    else expect(() => parse('1', undefined, name)).toThrow(reason);
  });
});
