import { describe, expect, it } from '@jest/globals';
import { formatServiceLog, isReportedByCommand } from '../../../cli/run/service-log.ts';

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
    ['{"level":"WARN","message":"the message goes back to its queue","service":"starlift-load"}', false],
    ['{"level":"ERROR","message":"the event could not be put","service":"starlift-load"}', false],
    ['Error: no heap left', false],
  ])('is left to the command where that tells the same: %s', (line, isTold) => {
    expect(isReportedByCommand(line)).toBe(isTold);
  });
});
