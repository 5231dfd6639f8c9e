import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { DatabaseSecret } from '../../shared/postgres/database-secret.ts';
import { commandFor } from '../operator/target.ts';
import { type OptionValues, parseStage, stageOptions } from '../operator/target-options.ts';
import type { CommandModule } from '../parse-command.ts';
import { parseSecretUrl } from '../secrets/parse-secret-url.ts';
import { readUnseen } from '../secrets/read-unseen.ts';
import { type OpenedStage, withStage } from '../stage/open-stage.ts';
import { isStillEmpty } from '../stage/read-stage-secret.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

const databases = ['source', 'warehouse'] as const;
type DatabaseName = (typeof databases)[number];

export const command: CommandModule = {
  summary:
    "Puts how to reach a database into a stage's secret: a URL that comes by stdin, or is asked for and not shown.",
  usage: 'starlift secrets put source|warehouse --stage NAME [--region R] [--json]',
  options: { ...stageOptions, json: { type: 'boolean', default: false } },
  allowPositionals: true,
  run: async (values, positionals, terminal) => {
    const what = parseWhat(positionals);
    return withStage(requireStage(values), async (stage) => {
      const streams = { input: process.stdin, output: process.stderr };
      const url = await readUnseen(`URL of the ${what} (not shown): `, streams);
      const secret = parseSecretUrl(url);
      const { id } = stage.secret(what);
      const { VersionId = '' } = await stage.secretsManager.send(
        new PutSecretValueCommand({ SecretId: id, SecretString: JSON.stringify(secret) }),
      );
      if (terminal.json) terminal.result(JSON.stringify({ ok: true, secret: id, version: VersionId }));
      else await printPut(what, secret, stage, terminal);
      return 0;
    });
  },
};

/** @throws {UsageError} it is not `put source` or `put warehouse` */
function parseWhat([action, name, ...surplus]: readonly string[]): DatabaseName {
  const what = databases.find((database) => database === name);
  if (action !== 'put' || what === undefined || surplus.length > 0) {
    throw new UsageError(`secrets knows \`put source\` and \`put warehouse\` (usage: ${command.usage})`);
  }
  return what;
}

function requireStage(values: OptionValues) {
  const stage = parseStage(values, []);
  if (stage === undefined) throw new UsageError('--stage is missing: it names the stage whose secret to put');
  return stage;
}

async function printPut(
  what: DatabaseName,
  { host, port, dbname, username, sslmode }: Required<DatabaseSecret>,
  stage: OpenedStage,
  terminal: Terminal,
): Promise<void> {
  const { id } = stage.secret(what);
  terminal.info(`The secret ${id} has a new version: ${username} at ${host}:${port}/${dbname}, ${sslmode}.`);
  terminal.info(
    'Functions at work go over to it within five minutes, at once where the password they know is refused.',
  );
  const other = what === 'source' ? 'warehouse' : 'source';
  const isOtherEmpty = await isStillEmpty(stage.secretsManager, stage.secret(other));
  const next = isOtherEmpty ? `secrets put ${other}` : 'run';
  terminal.info(`Next: ${commandFor(stage, next)}`);
}
