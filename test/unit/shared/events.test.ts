import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { TransientError } from '../../../shared/errors.ts';
import { makeNotify, type PipelineEvent } from '../../../shared/events.ts';

const events: PipelineEvent[] = [
  {
    type: 'Table Failed',
    detail: { queue: 'load', table: 'dim_staff', key: 'k', error: 'TerminalError', reason: 'no use' },
  },
  { type: 'Rows Quarantined', detail: { table: 'dim_staff', key: 'k', rows: 2 } },
  { type: 'Census Held', detail: { table: 'dim_staff', key: 'k', reason: 'all 3 keys are gone' } },
  { type: 'Rows Deleted', detail: { table: 'dim_staff', key: 'k', rows: 2 } },
  { type: 'Table Recovered', detail: { queue: 'load', table: 'dim_staff', key: 'k' } },
];

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

/** The part of the documentation that is about one kind of event. */
const sectionOf = (type: string) => {
  const [, ...sections] = read('docs/events.md').split('\n## ');
  return sections.find((section) => section.startsWith(`${type}\n`)) ?? '';
};

const documentedFields = (section: string) => [...section.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);

interface Example {
  source: string;
  'detail-type': string;
  detail: Record<string, unknown>;
}
const exampleIn = (section: string) => JSON.parse(/```json\n(.*?)```/s.exec(section)?.[1] ?? '') as Example;

/** What EventBridge is sent. */
async function entryOf(event: PipelineEvent) {
  const entries: { Source: string; DetailType: string; Detail: string }[] = [];
  const send = async ({ input }: { input: { Entries: typeof entries } }) => {
    entries.push(...input.Entries);
    return { FailedEntryCount: 0 };
  };
  await makeNotify({ send } as never, 'dev')(event);
  expect(entries).toHaveLength(1);
  return entries[0];
}

describe('an event', () => {
  it.each(events.map((event) => [event.type, event] as const))(
    '%s has the fields that are documented, and the stage among them',
    async (type, event) => {
      const section = sectionOf(type);
      const entry = await entryOf(event);
      const detail = JSON.parse(entry?.Detail ?? '') as Record<string, unknown>;
      expect(Object.keys(detail).sort()).toEqual(documentedFields(section).sort());
      const isQuiet = ['Table Recovered', 'Rows Deleted'].includes(type);
      const attention = isQuiet ? {} : { summary: expect.any(String), firstInHour: true };
      expect(detail).toEqual({ stage: 'dev', ...event.detail, ...attention });
      const example = exampleIn(section);
      expect(entry).toMatchObject({ Source: example.source, DetailType: example['detail-type'] });
      expect(Object.keys(example.detail).sort()).toEqual(Object.keys(detail).sort());
    },
  );

  it('is mailed by the rule of its own stage alone, and once for one cause within an hour', () => {
    const rule = read('services/ingestion/resources/notifications.yml').split('EventPattern:')[1] ?? '';
    expect(rule).toMatch(/^\s+detail: \{ stage: \["\$\{sls:stage\}"\], firstInHour: \[true\] \}$/m);
  });

  it('has a summary that EventBridge can put into a JSON string', async () => {
    const reason = 'relation "staff" does not exist\n\tin C:\\shop';
    const detail = { queue: 'extract', table: 'staff', error: 'TerminalError', reason } as const;
    const entry = await entryOf({ type: 'Table Failed', detail });
    const { summary } = JSON.parse(entry?.Detail ?? '') as { summary: string };
    expect(summary).toBe(
      "Starlift dev: staff failed in extract: relation 'staff' does not exist in C:/shop. See npx starlift failures --stage dev",
    );
    expect(JSON.parse(`{"text": "${summary}"}`)).toEqual({ text: summary });
  });

  it('that EventBridge does not take is tried again', async () => {
    const send = async () => ({ FailedEntryCount: 1 });
    const notify = makeNotify({ send } as never, 'dev');
    await expect(notify(events[0] as PipelineEvent)).rejects.toThrow(TransientError);
  });
});
