import { describe, expect, it } from '@jest/globals';
import { readAudit } from '../../../scripts/check/audit.ts';

/** As npm 11 prints them. */
const counts = { info: 0, low: 0, moderate: 0, high: 0, critical: 0, total: 0 };
const clean = { auditReportVersion: 2, vulnerabilities: {}, metadata: { vulnerabilities: counts } };
const vulnerable = {
  auditReportVersion: 2,
  vulnerabilities: {
    minimist: { name: 'minimist', severity: 'critical', isDirect: true, range: '1.0.0 - 1.2.5' },
  },
  metadata: { vulnerabilities: { ...counts, critical: 1, total: 1 } },
};

describe('the audit', () => {
  it('is clean where npm has looked and found nothing', () => {
    expect(readAudit(JSON.stringify(clean))).toEqual({ outcome: 'clean' });
  });

  it('fails by a finding, which it names', () => {
    expect(readAudit(JSON.stringify(vulnerable))).toEqual({
      outcome: 'vulnerable',
      findings: ['minimist 1.0.0 - 1.2.5 (critical)'],
    });
  });

  it.each([
    [
      'a registry that knows no audit',
      {
        message: '405 Method Not Allowed - POST https://registry.example/-/npm/v1/security/advisories/bulk',
        statusCode: 405,
        error: { summary: '', detail: '' },
      },
      /^405 Method Not Allowed/,
    ],
    [
      'a registry that cannot be reached',
      { error: { code: 'ECONNREFUSED', summary: 'connect ECONNREFUSED 127.0.0.1:9', detail: '' } },
      /ECONNREFUSED/,
    ],
    ['a lock file that is not there', { error: { code: 'ENOLOCK', summary: '' } }, /ENOLOCK/],
  ])('is neither clean nor failed with %s, and says why', (_, answer, reason) => {
    expect(readAudit(JSON.stringify(answer))).toEqual({
      outcome: 'not possible',
      reason: expect.stringMatching(reason),
    });
  });

  it('is not clean where npm has printed nothing that can be read', () => {
    expect(readAudit('', 'npm error code EUSAGE\nnpm error broken')).toEqual({
      outcome: 'not possible',
      reason: 'npm error broken',
    });
    expect(readAudit('<html>')).toEqual({ outcome: 'not possible', reason: 'no answer' });
  });
});
