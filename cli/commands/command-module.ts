import type { Terminal } from '../terminal/terminal.ts';

/** What a file in commands/ exports as `command`; help/command-table.ts has its options. */
export interface CommandModule {
  run(
    values: Record<string, string | boolean | undefined>,
    positionals: string[],
    terminal: Terminal,
  ): Promise<number>;
}
