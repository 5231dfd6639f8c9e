import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { readObjectLines } from '../../../cli/objects/object-lines.ts';
import { defineDimension, int, text, timestamp, uuid } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { parseObjectKey } from '../../../shared/object-store/object-key.ts';
import { writeParquet } from '../../../shared/parquet/write-parquet.ts';
import { toBatch } from '../../helpers/rows/text-rows.ts';

const [ingested, processed] = [
  't/2026/11/30/20261130T215129041Z7f3a-0000.ndjson.zst',
  't/2026/11/30/20261130T215129041Z7f3a-0000-r0.parquet',
];
const ndjson = (...lines: string[]) =>
  readObjectLines(
    parseObjectKey(ingested),
    ingested,
    zstdCompressSync(lines.map((line) => `${line}\n`).join('')),
  );
const wanted = (fields: Record<string, string>) =>
  Object.entries(fields).map(([field, value]) => ({ field, texts: [value] }));

describe('the lines of an ingested object', () => {
  it('are found by a key that is a number, a text or both, and by nothing that only looks like it', async () => {
    const lines = await ndjson(
      String.raw`{"id":14711,"name":"a","note":"\"id\":4711,"}`,
      '{"id":47112,"name":"4711"}',
      '{"id":4711,"name":"it\'s \u00fc \\"quoted\\""}',
      '{"id":4712,"part":1,"name":"x"}',
      '{"id":4712,"part":12,"name":"x"}',
    );
    expect(lines.count).toBe(5);
    expect(lines.find(wanted({ id: '4711' }))?.line).toBe(3);
    expect(lines.find(wanted({ name: 'it\'s \u00fc "quoted"' }))?.line).toBe(3);
    expect(lines.find(wanted({ name: '4711' }))?.line).toBe(2);
    expect(lines.find(wanted({ id: '4712', part: '12' }))).toEqual({
      line: 5,
      text: '{"id":4712,"part":12,"name":"x"}',
    });
    expect(lines.find(wanted({ id: '711' }))).toBeUndefined();
    expect(lines.find([])).toBeUndefined();
  });

  it('are taken from the first on', async () => {
    const lines = await ndjson('{"id":1}', '{"id":2}', '{"id":3}');
    expect([...lines.take(2)]).toEqual(['{"id":1}', '{"id":2}']);
    expect([...lines.take()]).toHaveLength(3);
    expect([...(await ndjson()).take()]).toEqual([]);
  });
});

describe('the rows of a Parquet object', () => {
  const model = assembleModel({
    name: 'test',
    tables: [
      defineDimension({
        name: 't',
        source: {
          table: 't',
          key: ['at'],
          columns: { at: 'timestamp', id: 'uuid', n: 'int4', name: 'varchar?' },
        },
        key: ['at'],
        columns: { at: timestamp('at'), id: uuid('id'), n: int('n'), name: text('name', { nullable: true }) },
      }),
    ],
  });
  const table = model.table('t');
  const id = '0b6f6f0e-0000-4000-8000-000000000001';
  const rows = [
    { at: '2024-02-29 10:00:00', id, n: '1', name: 'red' },
    { at: '2024-02-29 10:00:00.5', id, n: '2', name: null },
  ];
  const read = async () =>
    readObjectLines(parseObjectKey(processed), processed, await writeParquet(table, [toBatch(table, rows)]));

  it('are lines as well, and are found by keys of any type', async () => {
    const lines = await read();
    expect([...lines.take()]).toEqual([
      `{"at":"2024-02-29T10:00:00","id":"${id}","n":1,"name":"red"}`,
      `{"at":"2024-02-29T10:00:00.5","id":"${id}","n":2,"name":null}`,
    ]);
    expect(lines.find(wanted({ at: '2024-02-29T10:00:00.5' }))?.line).toBe(2);
    expect(lines.find(wanted({ id, n: '2' }))?.line).toBe(2);
    expect(lines.find(wanted({ name: 'red' }))?.line).toBe(1);
    expect(lines.find(wanted({ name: 'null' }))).toBeUndefined();
    expect(lines.find(wanted({ nothing: '1' }))).toBeUndefined();
  });
});
