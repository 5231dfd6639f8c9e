import { parseStage } from '../options/site-options.ts';
import { readUnseen } from '../secrets/read-unseen.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

const databases = ['source', 'warehouse'] as const;

export const command: CommandModule = {
  run: async (values, positionals, terminal) => {
    const what = parseWhat(positionals);
    const stage = parseStage(values, []);
    if (stage === undefined)
      throw new UsageError('--stage is missing: it names the stage whose secret to put');
    const streams = { input: process.stdin, output: process.stderr };
    const readUrl = () => readUnseen(`URL of the ${what} (not shown): `, streams);
    await (await import('../secrets/put-secret.ts')).putSecret(stage, what, readUrl, terminal);
    return 0;
  },
};

/** @throws {UsageError} it is not `put source` or `put warehouse` */
function parseWhat([action, name, ...surplus]: readonly string[]): (typeof databases)[number] {
  const what = databases.find((database) => database === name);
  if (action !== 'put' || what === undefined || surplus.length > 0) {
    throw new UsageError(
      'secrets knows `put source` and `put warehouse` (starlift help secrets shows its usage)',
    );
  }
  return what;
}
