import type { Terminal } from '../terminal/terminal.ts';

/** Makes the printer of what fails again and again: the same failure is printed once, until undefined says that it is over. */
export function makeTeller({ style, info }: Pick<Terminal, 'style' | 'info'>): (error: unknown) => void {
  let told: string | undefined;
  return (error) => {
    if (error === undefined) {
      told = undefined;
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    if (message === told) return;
    told = message;
    info(`${style('yellow', '!')} ${message}; trying again`);
  };
}
