import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { acceptedOfWorkflows } from './accepted-findings.ts';
import { runCheckovOnWorkflows, validateWorkflows } from './findings.ts';
import { judge } from './judge-findings.ts';

const folder = fileURLToPath(new URL('../../.github/workflows/', import.meta.url));
const paths = readdirSync(folder).map((file) => folder + file);
const lines = paths.flatMap((path) => readFileSync(path, 'utf8').split('\n'));

describe("the workflows of a fork's GitHub", () => {
  it("are what GitHub's schema asks for", async () => {
    expect(await validateWorkflows(paths)).toEqual([]);
  });

  it('pass checkov, but for what is accepted with a reason', async () => {
    const findings = await runCheckovOnWorkflows(paths);
    expect(judge(findings, acceptedOfWorkflows)).toEqual({ open: [], stale: [] });
  });

  it('take each action by its commit, with its version beside it', () => {
    // A workflow of this repository is of this commit.
    const actions = lines.filter((line) => /^\s*-? *uses:(?! \.\/)/.test(line));
    expect(actions.length).toBeGreaterThan(0);
    expect(
      actions.filter((line) => !/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line)),
    ).toEqual([]);
  });

  it('know no secret: AWS gives the deployment a role for one run', () => {
    expect(lines.filter((line) => /secrets\.|access-key/i.test(line))).toEqual([]);
    expect(lines.filter((line) => /role-to-assume:/.test(line))).toHaveLength(1);
  });

  it('check what .ci/run checks', () => {
    expect(lines.filter((line) => /^\s*- run: \.ci\/run$/.test(line))).toHaveLength(1);
  });
});
