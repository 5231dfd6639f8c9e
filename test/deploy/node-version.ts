import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import { installMiniStack } from './install-ministack.ts';

/** Asks a function of its own, with a deployed function's runtime and role, which Node it runs on. */
export async function nodeVersionOfFunctions(lambda: LambdaClient, like: string): Promise<string> {
  const { Role, Runtime } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: like }));
  const FunctionName = 'node-version';
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Role,
      Runtime,
      Handler: 'index.handler',
      Code: { ZipFile: await zip('index.mjs', 'export const handler = async () => process.version;') },
    }),
  );
  const { Payload } = await lambda.send(new InvokeCommand({ FunctionName }));
  await lambda.send(new DeleteFunctionCommand({ FunctionName }));
  return JSON.parse(Buffer.from(Payload ?? []).toString());
}

async function zip(name: string, content: string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'starlift-zip-'));
  try {
    await writeFile(join(folder, name), content);
    const python = await installMiniStack();
    await promisify(execFile)(python, ['-m', 'zipfile', '-c', 'function.zip', name], { cwd: folder });
    return await readFile(join(folder, 'function.zip'));
  } finally {
    await rm(folder, { recursive: true });
  }
}
