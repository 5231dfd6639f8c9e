import type { ParseArgsConfig } from 'node:util';
import type { Terminal } from '../terminal/terminal.ts';

/** What a file in commands/ exports as `command`. */
export interface CommandModule {
  summary: string;
  /** Its ways of use, with `; ` between them. */
  usage: string;
  options: NonNullable<ParseArgsConfig['options']>;
  allowPositionals?: boolean;
  run(
    values: Record<string, string | boolean | undefined>,
    positionals: string[],
    terminal: Terminal,
  ): Promise<number>;
}
