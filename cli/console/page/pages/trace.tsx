import type { RowTexts, Trace, TracedObject } from '../../../trace/trace.ts';
import { Action } from '../parts/action.tsx';
import { formatPlace } from '../parts/address.ts';
import { type Column, DataTable, Link, Looking, Mark, Time } from '../parts/elements.tsx';
import { go } from '../parts/navigation.ts';
import { useAnswer } from '../parts/use-answer.ts';
import { type PageProps, versionOf } from './page-props.ts';

/** A search for one row by its key. */
export function TracePage(props: PageProps) {
  const { place, info } = props;
  const table = place.parameters.get('table') ?? '';
  const key = place.parameters.get('key') ?? '';
  const tables = (info?.tables ?? []).filter(({ kind }) => kind !== 'calendar');
  const search = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    go(
      formatPlace('trace', undefined, {
        table: String(form.get('table')),
        key: String(form.get('key')).trim(),
      }),
    );
  };
  return (
    <>
      <h1>Trace</h1>
      <p class="circumstances">Where one row is, from the source to the warehouse, and what it came by.</p>
      <form class="search" onSubmit={search}>
        <label>
          Table
          <select name="table" value={table}>
            {tables.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Key
          <input name="key" defaultValue={key} required placeholder="4711, or 17,3" autocomplete="off" />
        </label>
        <button type="submit" class="primary">
          Trace
        </button>
      </form>
      {key !== '' && table !== '' && <Found {...props} table={table} rowKey={key} />}
    </>
  );
}

function Found({ table, rowKey, snapshot, info }: PageProps & { table: string; rowKey: string }) {
  const { answer, problem } = useAnswer<Trace>('trace', { table, key: rowKey }, versionOf({ snapshot }));
  if (problem !== undefined) return <p class="reason">{problem}</p>;
  if (answer === undefined) return <Looking />;
  const { verdict, ok, unanswered, versions, waiting, quarantine, failures } = answer;
  const shown = versions.slice(0, 5);
  const isSourceKnown = !unanswered.some(({ part }) => part === 'source');
  return (
    <>
      <section aria-live="polite" class="found">
        <p class="answer">
          <Mark level={ok ? 'well' : 'bad'} />
          <span>
            {Object.entries(answer.key)
              .map(([column, text]) => `${column} ${text}`)
              .join(', ')}
            : {verdict.text}
          </span>
        </p>
        {verdict.command !== null && (
          <Action command={verdict.command} allowed={info?.allowsActions === true} />
        )}
        {unanswered.map(({ part, reason }) => (
          <p key={part} class="reason">
            No answer from the {part}: {reason}
          </p>
        ))}
      </section>
      <section aria-labelledby="both">
        <h2 id="both">
          Source {answer.source}, warehouse {answer.table}
        </h2>
        {isSourceKnown && answer.sourceRow === null && <p class="empty">The source has no such row.</p>}
        <Rows
          rows={[
            ...(answer.sourceRow === null ? [] : [{ name: 'source', row: answer.sourceRow }]),
            ...shown.map(({ row, isCurrent }, index) => ({
              name: isCurrent ? 'warehouse' : `version ${index + 1}`,
              row,
            })),
          ]}
          different={verdict.columns}
        />
        {versions.length > shown.length && (
          <p class="quiet">
            and {versions.length - shown.length} older versions: starlift trace --json has them
          </p>
        )}
      </section>
      {shown.length > 0 && (
        <section aria-labelledby="way">
          <h2 id="way">How it came</h2>
          {shown.map(({ object }, index) => (
            <Way key={index} object={object} name={shown.length === 1 ? '' : `Version ${index + 1}`} />
          ))}
        </section>
      )}
      {waiting.map(({ row, object, waitsFor }, index) => (
        <section key={index} aria-label="Waiting">
          <h2>
            It waits for{' '}
            {waitsFor.map(({ dimension, key }) => `${dimension} ${key}`).join(' and ') || 'nothing'}
          </h2>
          <Rows rows={[{ name: 'value', row }]} different={[]} />
          <Way object={object} name="" />
        </section>
      ))}
      {quarantine.map(({ file, line, column, reason }) => (
        <p key={file} class="notice">
          In quarantine: {column === null ? '' : `${column} `}
          {reason} (line {line})
        </p>
      ))}
      {failures.map(({ queue, reason, failedAt, hasRow, objectKey }) => (
        <p key={`${queue} ${objectKey} ${failedAt}`} class="notice">
          A message{' '}
          {hasRow === true ? 'with the row' : hasRow === false ? 'without the row' : 'that may have the row'}{' '}
          failed in {queue} at <Time at={failedAt} />: {reason}
        </p>
      ))}
    </>
  );
}

function Rows({
  rows,
  different,
}: {
  rows: readonly { name: string; row: RowTexts }[];
  different: readonly string[];
}) {
  const columns: Column<string>[] = [
    { name: 'column', cell: (name) => name },
    ...rows.map(({ name: title, row }) => ({
      name: title,
      cell: (name: string) => {
        const value = row[name];
        if (value == null) return <span class="zero">null</span>;
        return <span class={different.includes(name) ? 'bad' : undefined}>{value}</span>;
      },
    })),
  ];
  return (
    <DataTable
      label="Columns of the row"
      columns={columns}
      rows={Object.keys(rows[0]?.row ?? {})}
      keyOf={(name) => name}
      empty="Neither side has it."
    />
  );
}

/** How a version came: its instants, and its line in both zones. */
function Way({ object, name }: { object: TracedObject | null; name: string }) {
  if (object === null) return <p class="quiet">The ledger does not know the object that brought it.</p>;
  const instants: [string, string | null][] = [
    ['planned', object.plannedAt],
    ['extracted', object.extractedAt],
    ['transformed', object.transformedAt],
    ['loaded', object.loadedAt],
    ...(object.reloadedAt === null ? [] : [['loaded again', object.reloadedAt] as [string, string]]),
  ];
  return (
    <div class="way">
      {name !== '' && <h3>{name}</h3>}
      <p class="quiet">
        run <Link to={formatPlace('runs', object.run)}>{object.run}</Link>, slice {object.slice}, revision{' '}
        {object.revision}; snapshot of generation {object.snapshot.generation}, xmax {object.snapshot.xmax}
      </p>
      <ol class="instants">
        {instants.map(([step, at]) => (
          <li key={step}>
            <span>{step}</span> <Time at={at} none="not known" />
          </li>
        ))}
      </ol>
      {[
        { key: object.ingestedKey, found: object.ingestedLine },
        { key: object.key, found: object.processedLine },
      ].map(({ key, found }) => (
        <p key={key} class="quiet">
          <Link to={formatPlace('objects', key)} class="key">
            {key}
          </Link>
          {found !== null && `, line ${found.line}`}
        </p>
      ))}
    </div>
  );
}
