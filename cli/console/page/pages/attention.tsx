import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { AttentionAnswer, OfferedCommand, Part, QuarantineAnswer } from '../../answers/api.ts';
import { Action } from '../parts/action.tsx';
import { type Column, count, DataTable, Mark, Problem, Time } from '../parts/elements.tsx';
import { useAnswer } from '../parts/use-answer.ts';
import { type PageProps, versionOf } from './page-props.ts';

/** Failures, quarantine, waiting and deletes, each with the commands that decide. */
export function Attention({ snapshot, info }: PageProps) {
  const { answer, problem } = useAnswer<AttentionAnswer>('attention', {}, versionOf({ snapshot }));
  if (answer === undefined) return <Problem title="Attention" reason={problem} />;
  const allowed = info?.allowsActions === true;
  const { failures, quarantine, waiting, deletes } = answer;
  return (
    <>
      <h1>Attention</h1>
      <PartSection title="Failures" part={failures} empty="Nothing has failed for good.">
        {(groups) =>
          groups.map(({ table, queue, error, reason, count: messages, firstSeen, lastSeen, mend }) => (
            <Item key={`${table} ${queue} ${reason}`} level="bad">
              <p>
                <strong>{table ?? 'no table'}</strong>, {queue}: {error === '' ? '' : `${error}: `}
                {reason}
              </p>
              <p class="quiet">
                {messages === 1 ? '1 message' : `${count(messages)} messages`}, <Time at={firstSeen} />
                {firstSeen !== lastSeen && (
                  <>
                    {' '}
                    to <Time at={lastSeen} />
                  </>
                )}
              </p>
              <Action command={mend} allowed={allowed} />
            </Item>
          ))
        }
      </PartSection>
      <PartSection title="Quarantine" part={quarantine} empty="No row is in quarantine.">
        {(tables) =>
          tables.map(({ table, rows, commands }) => (
            <Item key={table} level="warn">
              <p>
                {rows === 1 ? '1 row' : `${count(rows)} rows`} of <strong>{table}</strong> broke the contract
              </p>
              <QuarantinedRows table={table} version={String(rows)} />
              <Commands commands={commands} allowed={allowed} />
            </Item>
          ))
        }
      </PartSection>
      <PartSection title="Waiting" part={waiting} empty="No row is waiting.">
        {(waits) =>
          waits.map(({ text, commands }) => (
            <Item key={text} level="warn">
              <p>{text}</p>
              <Commands commands={commands} allowed={allowed} />
            </Item>
          ))
        }
      </PartSection>
      <Deletes part={deletes} allowed={allowed} />
    </>
  );
}

function PartSection<T>({
  title,
  part,
  empty,
  children,
}: {
  title: string;
  part: Part<T[]>;
  empty: string;
  children: (value: T[]) => ComponentChildren;
}) {
  return (
    <section aria-labelledby={title}>
      <h2 id={title}>{title}</h2>
      {!part.answered ? (
        <p class="reason">It cannot be asked: {part.reason}</p>
      ) : part.value.length === 0 ? (
        <p class="empty">{empty}</p>
      ) : (
        <ul class="causes">{children(part.value)}</ul>
      )}
    </section>
  );
}

const Item = ({ level, children }: { level: 'warn' | 'bad'; children: ComponentChildren }) => (
  <li>
    <Mark level={level} />
    <div>{children}</div>
  </li>
);

const Commands = ({ commands, allowed }: { commands: readonly OfferedCommand[]; allowed: boolean }) => (
  <>
    {commands.map(({ when, command }) => (
      <div key={command}>
        <p class="when">{when}</p>
        <Action command={command} allowed={allowed} />
      </div>
    ))}
  </>
);

/** Values are read and shown only where somebody asks for them. */
function QuarantinedRows({ table, version }: { table: string; version: string }) {
  const [isShown, setShown] = useState(false);
  const { answer, problem } = useAnswer<QuarantineAnswer>(
    isShown ? 'quarantine' : undefined,
    { table },
    version,
  );
  return (
    <>
      <button type="button" class="small" aria-expanded={isShown} onClick={() => setShown(!isShown)}>
        {isShown ? 'Hide the values' : 'Show the values'}
      </button>
      {isShown && problem !== undefined && <p class="bad">{problem}</p>}
      {isShown && answer !== undefined && (
        <>
          <DataTable
            label={`Quarantined rows of ${table}`}
            columns={quarantineColumns}
            rows={answer.rows}
            keyOf={({ line, key, reason }) => `${line} ${key} ${reason}`}
            empty="No row is in quarantine any more."
          />
          {answer.more > 0 && <p class="quiet">and {count(answer.more)} more</p>}
        </>
      )}
    </>
  );
}

const quarantineColumns: readonly Column<QuarantineAnswer['rows'][number]>[] = [
  { name: 'line', isNumber: true, cell: ({ line }) => count(line) },
  { name: 'key', cell: ({ key }) => key },
  { name: 'column', cell: ({ column }) => column ?? '' },
  { name: 'reason', cell: ({ reason }) => reason },
  { name: 'row', cell: ({ row }) => <code>{row ?? 'too long to be kept'}</code> },
];

function Deletes({ part, allowed }: { part: AttentionAnswer['deletes']; allowed: boolean }) {
  const held = part.answered ? part.value.filter(({ census }) => census?.state === 'held') : [];
  return (
    <section aria-labelledby="deletes">
      <h2 id="deletes">Deletes</h2>
      {!part.answered && <p class="reason">The warehouse cannot be asked: {part.reason}</p>}
      {held.length > 0 && (
        <ul class="causes">
          {held.map(({ table, census, commands }) => (
            <Item key={table} level="warn">
              <p>
                <strong>{table}</strong>: {census?.reason ?? 'too many keys are gone'}; no row is marked
              </p>
              <Commands commands={commands} allowed={allowed} />
            </Item>
          ))}
        </ul>
      )}
      {part.answered && (
        <DataTable
          label="Deletes by table"
          columns={deleteColumns}
          rows={part.value}
          keyOf={({ table }) => table}
          empty="No table can have deletes."
        />
      )}
    </section>
  );
}

type Deleted = Extract<AttentionAnswer['deletes'], { answered: true }>['value'][number];

const deleteColumns: readonly Column<Deleted>[] = [
  { name: 'table', cell: ({ table }) => table },
  { name: 'marked as deleted', isNumber: true, cell: ({ marked }) => count(marked, '') },
  {
    name: 'last census',
    cell: ({ census }) =>
      census === null ? (
        'none yet'
      ) : (
        <>
          {census.state} <Time at={new Date(census.at).toISOString()} />
        </>
      ),
  },
];
