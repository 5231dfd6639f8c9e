import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installLinters } from './install-linters.ts';
import { services, templatePath } from './packaged.ts';

/** What a linter says of one place in a template. */
export interface Finding {
  /** The rule, such as E3510 or CKV_AWS_27. */
  rule: string;
  /** Service and path, such as `loading Resources/LoadQueue/Properties`. */
  place: string;
  message: string;
}

interface CfnLintMatch {
  Filename: string;
  Level: string;
  Location: { Path: (string | number)[] | null };
  Message: string;
  Rule: { Id: string };
}

/** All that cfn-lint says by default: errors and warnings. */
export async function runCfnLint(paths: readonly string[] = services.map(templatePath)): Promise<Finding[]> {
  const stdout = await runLinter('cfn-lint', ['--format', 'json', '--', ...paths]);
  return (JSON.parse(stdout) as CfnLintMatch[]).map(({ Filename, Location, Message, Rule }) => ({
    rule: Rule.Id,
    place: `${serviceOf(Filename)} ${(Location.Path ?? []).join('/')}`,
    message: Message,
  }));
}

interface CheckovReport {
  results: {
    failed_checks: { check_id: string; check_name: string; file_path: string; resource: string }[];
  };
  summary: { parsing_errors: number };
}

/** All that checkov says of CloudFormation. */
export async function runCheckov(): Promise<Finding[]> {
  const failed = await checkovFailures('cloudformation', services.map(templatePath));
  return failed.map(({ check_id, check_name, file_path, resource }) => ({
    rule: check_id,
    place: `${serviceOf(file_path)} ${resource.split('.').at(-1)}`,
    message: check_name,
  }));
}

/** All that checkov says of workflows. */
export async function runCheckovOnWorkflows(paths: readonly string[]): Promise<Finding[]> {
  const failed = await checkovFailures('github_actions', paths);
  return failed.map(({ check_id, check_name, file_path, resource }) => ({
    rule: check_id,
    place: `${file_path} ${resource}`,
    message: check_name,
  }));
}

async function checkovFailures(framework: string, paths: readonly string[]) {
  // Without --skip-download it asks its maker's server for links to its documentation.
  const options = ['--compact', '--quiet', '--output', 'json', '--skip-download'];
  const files = paths.flatMap((path) => ['--file', path]);
  const stdout = await runLinter('checkov', ['--framework', framework, ...options, ...files]);
  const report = JSON.parse(stdout) as Partial<CheckovReport>;
  if ((report.summary?.parsing_errors ?? 0) > 0) throw new Error('checkov could not read a file');
  return report.results?.failed_checks ?? [];
}

/** @returns what is wrong with workflows by GitHub's schema; empty where nothing is */
export async function validateWorkflows(paths: readonly string[]): Promise<string[]> {
  const options = ['--builtin-schema', 'vendor.github-workflows', '--output-format', 'json'];
  const stdout = await runLinter('check-jsonschema', [...options, ...paths]);
  const { errors } = JSON.parse(stdout) as { errors: { filename: string; message: string }[] };
  return errors.map(({ filename, message }) => `${filename}: ${message}`);
}

/** @returns what is wrong with a compose file by the schema of its specification; empty where nothing is */
export async function validateCompose(path: string): Promise<string[]> {
  const options = ['--builtin-schema', 'vendor.compose-spec', '--output-format', 'json'];
  const stdout = await runLinter('check-jsonschema', [...options, path]);
  const { errors } = JSON.parse(stdout) as { errors: { message: string }[] };
  return errors.map(({ message }) => message);
}

/** All that hadolint says of a Dockerfile. */
export async function runHadolint(path: string): Promise<string[]> {
  const stdout = await runLinter('hadolint', ['--format', 'json', path]);
  return (JSON.parse(stdout) as { line: number; code: string; message: string }[]).map(
    ({ line, code, message }) => `line ${line}: ${code} ${message}`,
  );
}

const serviceOf = (path: string): string => /(\w+)\.template\.json$/.exec(path)?.[1] ?? path;

/** Both end with another code than 0 where they have findings, and the findings say more. */
async function runLinter(program: string, args: readonly string[]): Promise<string> {
  const path = join(await installLinters(), program);
  const env = { ...process.env, NO_COLOR: '1', LOG_LEVEL: 'CRITICAL' };
  try {
    return (await promisify(execFile)(path, args, { env, maxBuffer: 64 * 2 ** 20 })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    if (stdout?.trimStart().match(/^[[{]/)) return stdout;
    throw new Error(`${program} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
