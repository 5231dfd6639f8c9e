import type { Writable } from 'node:stream';
import { styleText } from 'node:util';

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
  /** Redraws the block of lines that was drawn last; writes nothing where nobody watches. */
  redraw(lines: readonly string[]): void;
  style(style: Style, text: string): string;
}

type Output = Writable & { isTTY?: boolean; columns?: number };

/** Colours only on a terminal that asks for no silence (NO_COLOR, https://no-color.org). */
export function makeTerminal(stdout: Output, stderr: Output, json: boolean): Terminal {
  const output = json ? stderr : stdout;
  const isInteractive = output.isTTY === true && process.env.TERM !== 'dumb';
  const hasColour = isInteractive && !process.env.NO_COLOR;
  let drawn = 0;
  for (const stream of [stdout, stderr]) stream.on('error', passOverClosedPipe);

  const write = (stream: Output, line: string) => {
    stream.write(`${line}\n`);
    drawn = 0;
  };

  return {
    isInteractive,
    json,
    info: (line) => write(output, line),
    result: (line) => write(stdout, line),
    error: (message) => write(stderr, `starlift: ${message}`),
    redraw: (lines) => {
      if (!isInteractive) return;
      const width = output.columns ?? 80;
      const up = drawn > 0 ? `\x1b[${drawn}A` : '';
      output.write(`${up}${lines.map((line) => `\x1b[2K${line.slice(0, width * 2)}\n`).join('')}`);
      drawn = lines.length;
    },
    style: (style, text) => (hasColour ? styleText(style, text, { validateStream: false }) : text),
  };
}

/** Nobody reads on, as after `| head`: the command goes on to its own end, for a stack is to be stopped there. */
function passOverClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
