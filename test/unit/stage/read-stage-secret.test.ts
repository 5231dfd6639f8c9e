import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { isStillEmpty, readStageSecret } from '../../../cli/site/stage/read-stage-secret.ts';

const secret = { what: 'source' as const, id: 'starlift/dev/source', selector: ' --stage dev' };
const filled = { host: 'h', port: 5432, dbname: 'd', username: 'u', password: 's3cret' };
const holding = (text: string) => ({ send: async () => ({ SecretString: text }) }) as never;
const read = (text: string) => readStageSecret(holding(text), secret);

/** What the stack itself puts into the secret. */
async function placeholder(service: string): Promise<string> {
  const path = new URL(`../../../services/${service}/resources/secret.yml`, import.meta.url);
  return /SecretString: '(.*)'/.exec(await readFile(path, 'utf8'))?.[1] ?? '';
}

describe("a stage's secret", () => {
  it('says how to connect', async () => {
    expect(await read(JSON.stringify(filled))).toEqual(filled);
  });

  it.each(['ingestion', 'loading'])('of %s as its stack makes it is still empty', async (service) => {
    const text = await placeholder(service);
    await expect(read(text)).rejects.toMatchObject({
      exitCode: 2,
      message: "the source's secret is still empty: fill it with npx starlift secrets put source --stage dev",
    });
    expect(await isStillEmpty(holding(text), secret)).toBe(true);
    expect(await isStillEmpty(holding(JSON.stringify(filled)), secret)).toBe(false);
  });

  it.each([
    [JSON.stringify({ ...filled, host: '' }), 'has no host'],
    [JSON.stringify({ ...filled, port: 'five' }), 'has no valid port'],
    ['s3cret', 'is not a JSON object'],
    ['', 'is not a JSON object'],
  ])('that cannot be used is named, and not shown', async (text, fault) => {
    await expect(read(text)).rejects.toMatchObject({
      exitCode: 2,
      message: `the secret starlift/dev/source ${fault}: replace it with npx starlift secrets put source --stage dev`,
    });
  });

  it('that is not there is named', async () => {
    const gone = Object.assign(new Error('x'), { name: 'ResourceNotFoundException', $metadata: {} });
    const empty = { send: () => Promise.reject(gone) } as never;
    await expect(readStageSecret(empty, secret)).rejects.toMatchObject({
      exitCode: 2,
      message: "the source's secret starlift/dev/source does not exist, or has no value",
    });
    expect(await isStillEmpty(empty, secret)).toBe(false);
  });
});
