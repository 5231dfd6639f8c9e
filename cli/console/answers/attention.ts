import { listDeletes } from '../../deletes/list-deletes.ts';
import { groupFailures, listFailures } from '../../failures/list-failures.ts';
import { parseTableOption } from '../../options/named-tables.ts';
import { countQuarantined, listQuarantine } from '../../quarantine/list-quarantine.ts';
import { commandFor, type Site } from '../../site/site.ts';
import { type Answer, askPart } from '../../status/evidence/ask.ts';
import { describeWait, groupWaits, readWaiting } from '../../waiting/explain-waits.ts';
import { describeRefused, readRefused } from '../../waiting/refused-rows.ts';
import { parseWaitingSelection } from '../../waiting/waiting-rows.ts';
import type { AttentionAnswer, OfferedCommand, Part, QuarantineAnswer } from './api.ts';

/** What `failures`, `quarantine`, `waiting` and `deletes` list, each asked by itself. */
export async function answerAttention(site: Site): Promise<AttentionAnswer> {
  const { model } = site;
  const [failures, quarantined, waiting, deletes] = await Promise.all([
    askPart(site, async (watched) => groupFailures(await listFailures(watched), site)),
    askPart(site, (watched) => countQuarantined(watched, model)),
    askPart(site, readWaits),
    askPart(site, (watched) => listDeletes(watched, parseTableOption(undefined, model))),
  ]);
  return {
    failures: toPart(failures, (value) => value),
    quarantine: toPart(quarantined, (counts) =>
      [...counts].map(([table, rows]) => ({ table, rows, commands: quarantineCommands(site, table) })),
    ),
    waiting: toPart(waiting, (value) => value),
    deletes: toPart(deletes, (tables) =>
      tables.map((each) => ({
        ...each,
        commands: each.census?.state === 'held' ? heldCommands(site, each.table) : [],
      })),
    ),
  };
}

const toPart = <T, U>(answer: Answer<T>, describe: (value: T) => U): Part<U> =>
  answer.answered
    ? { answered: true, value: describe(answer.value) }
    : { answered: false, reason: answer.reason };

const quarantineCommands = (site: Site, table: string): OfferedCommand[] => [
  {
    when: 'After a fix in the contract',
    command: commandFor(site, `quarantine release --table ${table}`),
  },
  {
    when: 'To give up on those that the source has lost',
    command: commandFor(site, `quarantine drop --table ${table} --gone`),
  },
];

const heldCommands = (site: Site, table: string): OfferedCommand[] => [
  { when: 'If they are deleted on purpose', command: commandFor(site, `deletes apply --table ${table}`) },
  { when: 'If it was a mistake', command: commandFor(site, `deletes dismiss --table ${table}`) },
];

async function readWaits(site: Site) {
  const selection = parseWaitingSelection(undefined, site.model);
  const [waits, refused] = await Promise.all([
    readWaiting(site, site.model, selection),
    readRefused(site, site.model, selection),
  ]);
  return [
    ...groupWaits(waits).map((group) => ({
      text: describeWait(group),
      commands: [{ when: 'To end the wait', command: group.mend }],
    })),
    ...refused.map((each) => ({
      text: describeRefused(each),
      commands: [{ when: 'Once the warehouse accepts them', command: each.mend }],
    })),
  ];
}

const shownRows = 100;

/** The rows themselves: they hold values, and are read only where somebody asks for them. */
export async function answerQuarantine(site: Site, name: string): Promise<QuarantineAnswer> {
  const { tables } = parseTableOption(name, site.model);
  const files = await listQuarantine(site, site.model, tables);
  const rows = files.flatMap((file) => file.rows);
  const all = files.reduce((sum, { quarantined }) => sum + quarantined, 0);
  return {
    rows: rows.slice(0, shownRows).map(({ line, key, column, reason, row }) => ({
      line,
      key: key === null ? '' : String(key),
      column: column ?? null,
      reason,
      row,
    })),
    more: Math.max(0, all - shownRows),
  };
}
