import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { copyIn } from '../../../shared/postgres/copy-in.ts';
import { targetLines, targetTable, useCopyClient } from './copy-client.ts';

describe('copyIn', () => {
  const under = useCopyClient(targetTable);

  it('writes the rows of an array, a generator and an async generator', async () => {
    const sql = 'copy target from stdin';
    function* generated() {
      yield targetLines(2, 3);
    }
    async function* awaited() {
      await nextTurn();
      yield targetLines(3, 4);
    }
    expect(await copyIn(under.client, sql, [targetLines(0, 1), targetLines(1, 2)])).toEqual({ rows: 2 });
    expect(await copyIn(under.client, sql, generated())).toEqual({ rows: 1 });
    expect(await copyIn(under.client, sql, awaited())).toEqual({ rows: 1 });
    expect(await under.rowsOf('select id, name from target order by id')).toEqual([
      { id: '0', name: 'name 0' },
      { id: '1', name: 'name 1' },
      { id: '2', name: 'name 2' },
      { id: '3', name: 'name 3' },
    ]);
  });

  it('takes no chunks and empty chunks', async () => {
    expect(await copyIn(under.client, 'copy target from stdin', [])).toEqual({ rows: 0 });
    const chunks = [Buffer.alloc(0), targetLines(0, 1), Buffer.alloc(0)];
    expect(await copyIn(under.client, 'copy target from stdin', chunks)).toEqual({ rows: 1 });
  });

  it('takes rows that are cut at every byte', async () => {
    const bytes = targetLines(0, 20);
    const chunks = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(await copyIn(under.client, 'copy target from stdin', chunks)).toEqual({ rows: 20 });
    expect(await under.rowsOf('select sum(id)::int, max(name) as last from target')).toEqual([
      { sum: 190, last: 'name 9' },
    ]);
  });

  it('writes the binary format', async () => {
    const header = Buffer.concat([
      Buffer.from('PGCOPY\n'),
      Buffer.from([0xff, 0x0d, 0x0a, 0]),
      Buffer.alloc(8),
    ]);
    const row = Buffer.from('0002 00000008 7fffffffffffffff 00000003 e282ac'.replaceAll(' ', ''), 'hex');
    const trailer = Buffer.from('ffff', 'hex');
    const copy = copyIn(under.client, 'copy target from stdin (format binary)', [header, row, trailer]);
    expect(await copy).toEqual({ rows: 1 });
    expect(await under.rowsOf('select id, name from target')).toEqual([
      { id: '9223372036854775807', name: '€' },
    ]);
  });

  it('has written a chunk before it asks for the next, so that a producer may use one buffer', async () => {
    const buffer = Buffer.alloc(100_000);
    async function* reused() {
      for (let round = 0; round < 400; round++) {
        buffer.fill(`${round}\t${'x'.repeat(93)}\n`.padStart(100, '0'));
        yield buffer;
      }
    }
    expect(await copyIn(under.client, 'copy target from stdin', reused())).toEqual({ rows: 400_000 });
    const counts = 'select count(distinct id)::int as ids, min(c)::int as least, max(c)::int as most';
    expect(await under.rowsOf(`${counts} from (select id, count(*) c from target group by id) t`)).toEqual([
      { ids: 400, least: 1000, most: 1000 },
    ]);
  });

  it('carries a chunk above the largest message, and holds no more memory for many', async () => {
    const chunk = Buffer.from(`1\t${'x'.repeat(998)}\n`.repeat(3_000));
    await under.client.query('truncate target');
    function* many() {
      for (let i = 0; i < 100; i++) yield chunk;
    }
    const before = process.memoryUsage().rss;
    expect(await copyIn(under.client, 'copy target from stdin where id > 1', many())).toEqual({ rows: 0 });
    expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(60);
  });
});
