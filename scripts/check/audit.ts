// Asks the registry whether a runtime dependency has a known vulnerability.
import { spawnSync } from 'node:child_process';

/** What `npm audit --json` prints: findings, or why npm has no answer. */
interface AuditReport {
  metadata?: { vulnerabilities?: Record<string, number> };
  vulnerabilities?: Record<string, { severity?: string; range?: string }>;
  message?: string;
  error?: { code?: string; summary?: string; detail?: string };
}

export type Audit =
  | { outcome: 'clean' }
  | { outcome: 'vulnerable'; findings: string[] }
  | { outcome: 'not possible'; reason: string };

/**
 * Reads npm's answer. Only an answer that counts the packages it has checked is a finding or a clean result: a registry
 * without an audit, or out of reach, is neither.
 */
export function readAudit(stdout: string, stderr = ''): Audit {
  const report = parse(stdout);
  const counts = report.metadata?.vulnerabilities;
  if (counts === undefined || report.error !== undefined) {
    const { summary, code } = report.error ?? {};
    const reason = [report.message, summary, code, lastLine(stderr)].find((text) => text) ?? 'no answer';
    return { outcome: 'not possible', reason };
  }
  const findings = Object.entries(report.vulnerabilities ?? {}).map(
    ([name, { severity = 'unknown', range = '' }]) => `${name} ${range} (${severity})`,
  );
  const { total = findings.length } = counts;
  if (total === 0) return { outcome: 'clean' };
  return {
    outcome: 'vulnerable',
    findings: findings.length > 0 ? findings : [`${total} that npm does not name`],
  };
}

function parse(stdout: string): AuditReport {
  try {
    return (JSON.parse(stdout) ?? {}) as AuditReport;
  } catch {
    return {};
  }
}

const lastLine = (text: string): string | undefined => text.trim().split('\n').at(-1);

/** @returns the exit code: 1 for findings alone */
function printAudit(audit: Audit): number {
  switch (audit.outcome) {
    case 'clean':
      console.log('audit: no known vulnerability in what the product runs on');
      return 0;
    case 'not possible':
      console.log(`audit not possible: ${audit.reason}`);
      return 0;
    case 'vulnerable':
      for (const finding of audit.findings) console.log(`audit: ${finding}`);
      console.log('audit: npm audit --omit=dev says more');
      return 1;
  }
}

if (import.meta.main) {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { stdout, stderr, error } = spawnSync(npm, ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });
  process.exitCode = printAudit(readAudit(stdout ?? '', error?.message ?? stderr ?? ''));
}
