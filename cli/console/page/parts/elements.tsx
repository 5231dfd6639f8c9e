import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { formatDuration, formatTime } from '../../../terminal/time.ts';
import { formatCount } from '../../../terminal/wording.ts';
import { linkTo } from './connection.ts';

export type Level = 'well' | 'warn' | 'bad' | 'none';

/** What a level looks like: its colour is never the only sign. */
export const Mark = ({ level }: { level: Level }) => (
  <svg class={`mark ${level}`} viewBox="0 0 16 16" aria-hidden="true">
    <circle cx="8" cy="8" r="7" />
    {level === 'well' && <path d="M4.8 8.3 7 10.5l4.2-4.8" />}
    {(level === 'warn' || level === 'bad') && <path d="M8 4.4v4.4M8 11.4v.2" />}
  </svg>
);

/** A link within the page, without a load. */
export const Link = ({
  to,
  children,
  ...rest
}: {
  to: string;
  children: ComponentChildren;
  class?: string;
  'aria-current'?: 'page' | undefined;
}) => (
  <a href={linkTo(to)} {...rest}>
    {children}
  </a>
);

/** A command to copy. */
export function Command({ text, children }: { text: string; children?: ComponentChildren }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    window.setTimeout(() => setCopied(false), 2000);
  };
  return (
    <div class="command">
      <code>{text}</code>
      <span class="buttons">
        <button type="button" class="small" onClick={() => void copy()} aria-label={`Copy ${text}`}>
          {isCopied ? 'Copied' : 'Copy'}
        </button>
        {children}
      </span>
    </div>
  );
}

/** An instant as every command shows it. */
export const Time = ({ at, none = '' }: { at: string | null; none?: string }) =>
  at === null ? <span>{none}</span> : <time dateTime={at}>{formatTime(at)}</time>;

export const age = (seconds: number | null): string => (seconds === null ? '' : formatDuration(seconds));

export const count = (number: number | null, unknown = '?'): string =>
  number === null ? unknown : formatCount(number);

/** A number that is worth a look only where it is not 0. */
export const Count = ({ of, level = 'none' }: { of: number | null; level?: Level }) => (
  <span class={of === 0 ? 'zero' : level}>{count(of)}</span>
);

export interface Column<Row> {
  name: string;
  /** Numbers stand right. */
  isNumber?: boolean;
  cell(row: Row): ComponentChildren;
}

/** A table of the page; one that is too wide is moved sideways by itself. */
export function DataTable<Row>({
  label,
  columns,
  rows,
  keyOf,
  empty,
  isTall,
}: {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf(row: Row): string;
  empty: string;
  /** It may have hundreds of rows, and is moved within itself. */
  isTall?: boolean;
}) {
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is moved sideways must be movable by keyboard
    <section class={isTall === true ? 'wide tall' : 'wide'} aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ name, isNumber }) => (
              <th key={name} scope="col" class={isNumber === true ? 'number' : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ name, isNumber, cell }) => (
                <td key={name} class={isNumber === true ? 'number' : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** An answer is on its way. */
export const Looking = () => <p class="circumstances">Looking.</p>;

/** A page that has nothing to show yet, or never. */
export const Problem = ({ title, reason }: { title: string; reason: string | null | undefined }) => (
  <>
    <h1>{title}</h1>
    {reason == null ? <Looking /> : <p class="reason">{reason}</p>}
  </>
);
