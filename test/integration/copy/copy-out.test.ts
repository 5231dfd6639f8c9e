import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { copyOut } from '../../../shared/postgres/copy-out.ts';
import { useCopyClient } from './copy-client.ts';

describe('copyOut', () => {
  const under = useCopyClient();

  it('hands over the bytes that the server sends, and counts the rows', async () => {
    const chunks: Buffer[] = [];
    const sql = "copy (select i, 'row ' || i from generate_series(1, 20000) i) to stdout";
    const result = await copyOut(under.client, sql, (chunk) => void chunks.push(Buffer.from(chunk)));
    const expected = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\trow ${i + 1}\n`).join('');
    expect(Buffer.concat(chunks).toString() === expected).toBe(true);
    expect(result).toEqual({ rows: 20_000 });
    await under.expectUsable();
  });

  it('copies nothing from no rows, and copies the same connection twice', async () => {
    expect(await under.copyText('copy (select 1 where false) to stdout')).toBe('');
    expect(await under.copyText("copy (values ('a')) to stdout")).toBe('a\n');
  });

  it('takes turns with other statements of the connection', async () => {
    const first = await under.copyText('copy (select 1 from generate_series(1, 100000)) to stdout');
    const selected = await under.client.query('select 2 as two');
    const second = await under.copyText('copy (select 3) to stdout');
    const third = await under.copyText('copy (select 4) to stdout');
    expect([first.length, selected.rows, second, third]).toEqual([200_000, [{ two: 2 }], '3\n', '4\n']);
    await under.expectUsable();
  });

  it('carries a row of many megabytes', async () => {
    const text = await under.copyText("copy (select repeat('x', 20000000), 1) to stdout");
    expect(text === `${'x'.repeat(20_000_000)}\t1\n`).toBe(true);
  });

  it('passes notices on to the client', async () => {
    const notices: (string | undefined)[] = [];
    under.client.on('notice', ({ message }) => notices.push(message));
    await under.client.query(`create function pg_temp.say(i int) returns int language plpgsql as
      $$ begin raise notice 'row %', i; return i; end $$`);
    const sql = 'copy (select pg_temp.say(i) from generate_series(1, 300) i) to stdout';
    expect((await under.copyText(sql)).split('\n')).toHaveLength(301);
    expect(notices).toHaveLength(300);
    expect(notices.at(-1)).toBe('row 300');
  });

  it('waits for a receiver that takes its time, while nothing else comes', async () => {
    let inside = 0;
    let most = 0;
    let bytes = 0;
    await copyOut(
      under.client,
      'copy (select i from generate_series(1, 100000) i) to stdout',
      async (chunk) => {
        most = Math.max(most, ++inside);
        await nextTurn();
        await nextTurn();
        bytes += chunk.length;
        inside--;
      },
    );
    expect({ most, bytes }).toEqual({ most: 1, bytes: 588_895 });
    await under.expectUsable();
  });

  it('holds no more memory for 300,000 wide rows than for a few, when the receiver is slow', async () => {
    const before = process.memoryUsage().rss;
    let highest = 0;
    let bytes = 0;
    const sql = "copy (select i, repeat('x', 1000) from generate_series(1, 300000) i) to stdout";
    await copyOut(under.client, sql, async (chunk) => {
      bytes += chunk.length;
      highest = Math.max(highest, process.memoryUsage().rss);
      await nextTurn();
    });
    expect(bytes).toBe(302_288_895);
    expect((highest - before) / 1e6).toBeLessThan(100);
  });
});
