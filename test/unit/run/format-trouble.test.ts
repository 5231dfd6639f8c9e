import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { RunReport } from '../../../cli/run/report/make-report.ts';
import {
  formatDeleted,
  formatNothingNew,
  formatTrouble,
  makeCyclePrinter,
} from '../../../cli/run/report/report.ts';
import { dataSelector } from '../../../cli/site/embedded/embedded-site.ts';
import { countLooks, formatLeftOut, type LookStatus } from '../../../cli/status/describe-looks.ts';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';

const report: RunReport = {
  run: '20240229T235959999Z00af',
  seconds: 1,
  ok: false,
  tables: [],
  removing: [],
  slices: 0,
  deadLetters: [],
  waiting: [],
  failures: [],
  quarantined: new Map(),
  leftOut: [],
  looks: [],
  findings: [],
  warnings: [],
  selector: dataSelector("/tmp/my data's"),
};
const letter = {
  queue: 'extract' as const,
  body: '{}',
  isMoved: false,
  table: 'design',
  error: 'TerminalError',
  reason: 'permission denied for table public.design',
  failedAt: '2024-03-01T00:00:00.000Z',
};

function makeTestTerminal() {
  const output = new PassThrough();
  return {
    terminal: makeTerminal(output, new PassThrough(), false),
    read: () => String(output.read() ?? ''),
  };
}

describe('what a run reports as needing attention', () => {
  const { terminal } = makeTestTerminal();

  it('is the reason, and the command that mends it on this very data folder', () => {
    const letters = ['1', '2'].map((messageId) => ({ ...letter, messageId }));
    expect(formatTrouble({ ...report, deadLetters: letters }, terminal)).toEqual([
      '! design failed in extract: permission denied for table public.design (2 messages)',
      "    once that is fixed: npx starlift redrive --table design --queue extract --data '/tmp/my data'\\''s'",
    ]);
  });

  it('names the databases that the command needs, without their passwords', () => {
    const named = { source: 'postgres://reader:secret@host/shop', warehouse: undefined };
    const selector = dataSelector('.starlift', named);
    const quarantined = new Map([['fact_payment', 1]]);
    expect(formatTrouble({ ...report, quarantined, selector }, terminal)).toEqual([
      '! 1 row of fact_payment broke the contract',
      '    npx starlift quarantine --table fact_payment --source postgres://reader@host/shop',
    ]);
  });

  it('counts the rows of a table that wait once, whatever runs they came in', () => {
    const waiting = [
      { table: 'fact_payment', run: 'a', rows: 2 },
      { table: 'fact_payment', run: 'b', rows: 3 },
    ];
    expect(formatTrouble({ ...report, waiting, selector: '' }, terminal)).toEqual([
      '! 5 rows of fact_payment wait',
      '    npx starlift waiting --table fact_payment',
    ]);
  });

  it('is told once by a watch, and so is its end', () => {
    const { terminal, read } = makeTestTerminal();
    const tell = makeCyclePrinter(terminal);
    const failing = { ...report, deadLetters: [{ ...letter, messageId: '1' }] };
    tell(failing);
    expect(read()).toContain('design failed in extract');
    tell(failing);
    expect(read()).toBe('');
    tell({ ...report, ok: true });
    expect(read()).toContain('Nothing needs attention any more.');
    tell({ ...report, ok: true });
    expect(read()).toBe('');
  });

  it('is a warning once too, as of a new column', () => {
    const { terminal, read } = makeTestTerminal();
    const tell = makeCyclePrinter(terminal);
    const warnings = ['public.design has columns that the model does not use: colour'];
    tell({ ...report, ok: true, warnings });
    expect(read()).toBe(`warning: ${warnings[0]}\n`);
    tell({ ...report, ok: true, warnings });
    expect(read()).toBe('');
  });
});

describe('the headline of a run that has loaded nothing', () => {
  it('is "nothing new" only where all was looked at and is well', () => {
    expect(formatNothingNew({ ...report, ok: true })).toBe('Nothing new in the source (1.0 s).');
    expect(formatNothingNew(report)).not.toContain('Nothing new');
  });

  it('says that there are no new rows where others were deleted', () => {
    const tally = { source: null, extracted: 0, loaded: 0, waiting: 0, quarantined: 0, failed: 0 };
    const tables = [
      { ...tally, table: 'fact_payment', deleted: 1200 },
      { ...tally, table: 'dim_staff', deleted: 1 },
      { ...tally, table: 'dim_design', deleted: 0 },
    ];
    expect(formatNothingNew({ ...report, ok: true, tables })).toBe('No new rows in the source (1.0 s).');
    expect(formatDeleted({ tables, removing: [] })).toEqual([
      'Deleted in the source, and marked: 1,200 rows of fact_payment, 1 row of dim_staff.',
    ]);
    expect(formatDeleted({ tables, removing: ['fact_payment'] })).toEqual([
      'Deleted in the source, and marked: 1 row of dim_staff.',
      'Deleted in the source, and removed: 1,200 rows of fact_payment.',
    ]);
    const { terminal, read } = makeTestTerminal();
    makeCyclePrinter(terminal)({ ...report, ok: true, tables });
    expect(read()).toMatch(/UTC {2}fact_payment −1,200, dim_staff −1 {2}\(1\.0 s\)\n$/);
  });

  it('is said of no table that was left out because the source has counted no write', () => {
    const looks: LookStatus[] = [
      { source: 'item', isLookedAt: true, because: 'small', asOf: null, byIndex: null },
      {
        source: 'event',
        isLookedAt: false,
        because: 'quiet',
        asOf: '2024-02-29T21:05:00.000Z',
        byIndex: null,
      },
    ];
    expect(formatNothingNew({ ...report, ok: true, looks })).toBe(
      'Nothing new in the tables that were looked at (1.0 s).',
    );
    expect(formatLeftOut(looks, { selector: ' --data shop' })).toEqual([
      'Not looked at, because the source has counted no write: event (exact as of 2024-02-29 21:05:00 UTC).',
      '    to look all the same: npx starlift run --exact --data shop',
    ]);
    expect(countLooks(looks)).toBe('Looked at 1 of 2 tables; of 1 the source has counted no write.');
  });

  it('names the tables that were not looked at, and as of when the others are', () => {
    expect(formatNothingNew({ ...report, leftOut: ['design', 'staff'] })).toBe(
      'Nothing was loaded as of 2024-02-29 23:59:59 UTC; not looked at: design, staff (1.0 s).',
    );
  });
});
