import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { makeLiveBlock } from './live-block.ts';

type Style = Parameters<typeof styleText>[0];

/** Where a command writes: results to stdout; with --json everything but the result goes to stderr. */
export interface Terminal {
  /** A person watches: lines may be redrawn. */
  readonly isInteractive: boolean;
  readonly json: boolean;
  info(line: string): void;
  /** Data that was asked for: to stdout always. */
  result(line: string): void;
  error(message: string): void;
  /** Draws a block of lines over the one drawn last; no lines remove it. Does nothing unless the terminal is interactive. */
  redraw(lines: readonly string[]): void;
  style(style: Style, text: string): string;
}

type Output = Writable & { isTTY?: boolean; columns?: number; rows?: number };

/** Colours only on a terminal that asks for no silence (NO_COLOR, https://no-color.org). */
export function makeTerminal(stdout: Output, stderr: Output, json: boolean): Terminal {
  const output = json ? stderr : stdout;
  const isInteractive = output.isTTY === true && process.env.TERM !== 'dumb';
  const hasColour = isInteractive && !process.env.NO_COLOR;
  // A pseudo-terminal that nobody has sized says 0.
  const block = makeLiveBlock(() => ({ columns: output.columns || 80, rows: output.rows || 24 }));
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

  return {
    isInteractive,
    json,
    info: (line) => writeLine(output, line),
    result: (line) => writeLine(stdout, line),
    error: (message) => writeLine(stderr, `starlift: ${message}`),
    redraw: (lines) => {
      if (isInteractive) write(output, block.draw(lines));
    },
    style: (style, text) => (hasColour ? styleText(style, text, { validateStream: false }) : text),
  };
}

/** Nobody reads on, as after `| head`: the command goes on to its own end, for a stack is to be stopped there. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
