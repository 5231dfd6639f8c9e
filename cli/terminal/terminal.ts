import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { makeLiveBlock } from './live-block.ts';
import { defaultColumns, wrapText } from './wrap.ts';

type Style = Parameters<typeof styleText>[0];

/** Where a command writes: results to stdout; with --json everything but the result goes to stderr. */
export interface Terminal {
  /** A person watches: lines may be redrawn. */
  readonly isInteractive: boolean;
  readonly json: boolean;
  /** How wide a line may be on a person's terminal; undefined in a pipe, where nobody breaks lines. */
  readonly columns: number | undefined;
  /** A sentence or a command, broken at words where the terminal is too narrow. */
  info(line: string): void;
  /** The same for what would be spoilt by that: a line of a table, or of SQL. */
  verbatim(line: string): void;
  /** Data that was asked for: to stdout always. */
  result(line: string): void;
  error(message: string): void;
  /** Draws a block of lines over the one drawn last; no lines remove it. Does nothing unless the terminal is interactive. */
  redraw(lines: readonly string[]): void;
  style(style: Style, text: string): string;
}

type Output = Writable & { isTTY?: boolean; columns?: number; rows?: number };

/**
 * @param environment NO_COLOR and FORCE_COLOR are looked up here; without them only a terminal gets colours
 * @see https://no-color.org and https://force-color.org
 */
export function makeTerminal(
  stdout: Output,
  stderr: Output,
  json: boolean,
  environment: Readonly<Record<string, string | undefined>> = {},
): Terminal {
  const output = json ? stderr : stdout;
  const isInteractive = output.isTTY === true && environment.TERM !== 'dumb';
  const hasColour = wantsColour(environment) ?? isInteractive;
  // A pseudo-terminal that nobody has sized says 0.
  const block = makeLiveBlock(() => ({ columns: output.columns || defaultColumns, rows: output.rows || 24 }));
  for (const stream of [stdout, stderr]) stream.on('error', ignoreClosedPipe);

  const write = (stream: Output, text: string) => {
    if (text !== '') stream.write(text);
  };
  // Above the block, which stays at the bottom: stdout and stderr may be one terminal.
  const writeLine = (stream: Output, line: string) => {
    write(output, block.clear());
    write(stream, `${line}\n`);
    write(output, block.restore());
  };

  const columnsOf = (stream: Output) =>
    stream.isTTY === true ? stream.columns || defaultColumns : Number.POSITIVE_INFINITY;
  const writeWrapped = (stream: Output, text: string) => {
    for (const line of wrapText(text, columnsOf(stream))) writeLine(stream, line);
  };

  return {
    isInteractive,
    json,
    get columns() {
      return isInteractive ? columnsOf(output) : undefined;
    },
    info: (line) => writeWrapped(output, line),
    verbatim: (line) => writeLine(output, line),
    result: (line) => writeLine(stdout, line),
    error: (message) => {
      // What follows a first line has been laid out already.
      const [first = '', ...rest] = message.split('\n');
      writeWrapped(stderr, `starlift: ${first}`);
      for (const line of rest) writeLine(stderr, line);
    },
    redraw: (lines) => {
      if (isInteractive) write(output, block.draw(lines));
    },
    style: (style, text) => (hasColour ? styleText(style, text, { validateStream: false }) : text),
  };
}

/** FORCE_COLOR is the stronger one, as in Node. Neither says anything where it is empty. */
function wantsColour({
  FORCE_COLOR,
  NO_COLOR,
}: Readonly<Record<string, string | undefined>>): boolean | undefined {
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return NO_COLOR ? false : undefined;
}

/** Nobody reads on, as after `| head`: the command goes on to its own end, for a stack is to be stopped there. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
