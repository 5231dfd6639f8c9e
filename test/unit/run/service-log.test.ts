import { describe, expect, it } from '@jest/globals';
import { formatServiceLog, isReportedByCommand, makeServiceLog } from '../../../cli/run/service-log.ts';

describe('a line of a service log', () => {
  it('is shown in one short line: stage, what happened, to what, and why', () => {
    const line =
      '{"level":"WARN","message":"the message goes back to its queue","service":"starlift-load","key":"fact_payment/x.parquet","error":{"name":"TransientError","message":"connect ECONNREFUSED","stack":"at …"}}';
    expect(formatServiceLog(line)).toBe(
      'load: the message goes back to its queue: fact_payment/x.parquet: connect ECONNREFUSED',
    );
  });

  it.each([
    ['{"level":"INFO","message":"planned","service":"starlift-plan"}', 'plan: planned'],
    ['{"message":"no service"}', 'service: no service'],
    ['{"message":"table","service":"starlift-plan","table":"staff"}', 'plan: table: staff'],
  ])('leaves out what is not there: %s', (line, shown) => {
    expect(formatServiceLog(line)).toBe(shown);
  });

  it.each(['(node:12) Warning: something', '{"half', '{"other":"json"}', ''])(
    'is shown as it is when no log wrote it: %j',
    (line) => {
      expect(formatServiceLog(line)).toBe(line);
    },
  );

  it.each([
    ['{"level":"ERROR","message":"the invocation failed","service":"starlift-plan"}', true],
    [
      '{"level":"ERROR","message":"the message went to the dead-letter queue","service":"starlift-load"}',
      true,
    ],
    ['{"level":"WARN","message":"a census is held","service":"starlift-load"}', true],
    ['{"level":"WARN","message":"the message goes back to its queue","service":"starlift-load"}', false],
    ['{"level":"ERROR","message":"the event could not be put","service":"starlift-load"}', false],
    ['Error: no heap left', false],
  ])('is left to the command where that tells the same: %s', (line, isTold) => {
    expect(isReportedByCommand(line)).toBe(isTold);
  });
});

describe('the log of the services in a run', () => {
  const line = (message: string, reason: string, table = 'dim_design', key = 'a.parquet') =>
    JSON.stringify({
      level: 'WARN',
      service: 'starlift-load',
      message,
      table,
      key,
      error: { message: reason },
    });
  const lock = 'dim_design is locked by pid 24671 since 2026-11-30 04:42:21 UTC';

  function print(lines: readonly string[], everyMs = 1000): string[] {
    let now = 0;
    const printed: string[] = [];
    const tell = makeServiceLog(
      (text) => printed.push(text),
      () => now,
    );
    for (const each of lines) {
      tell(each);
      now += everyMs;
    }
    return printed;
  }

  it('says once that messages of a table wait for a lock', () => {
    const lines = ['a', 'b', 'c'].map((key, index) =>
      line(`refused, next in ${index + 2} s`, lock, 'dim_design', key),
    );
    expect(print(lines)).toEqual([`load: refused, next in 2 s: a: ${lock}`]);
  });

  it('leaves out what a database refuses, which is printed as its outage', () => {
    expect(print([line('refused, next in 2 s', 'the warehouse at db:5432 cannot be connected to')])).toEqual(
      [],
    );
  });

  it('says every attempt that counts', () => {
    const lines = [1, 2].map((attempt) =>
      line(`attempt ${attempt} of 5 failed, next in ${10 * attempt} s`, 'deadlock detected'),
    );
    expect(print(lines)).toHaveLength(2);
  });
});
