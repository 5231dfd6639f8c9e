import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';

interface Parameters {
  stage: string;
  rates?: string[];
  concurrency?: (number | string)[];
  email?: string;
  vpc?: string[];
  seconds?: Record<string, number | string>;
  upstream?: Record<string, string>;
}
const { findFault } = createRequire(import.meta.url)('../../../scripts/check-parameters.cjs') as {
  findFault(parameters: Parameters): string | undefined;
};
const faultOf = (parameters: Partial<Parameters>) => findFault({ stage: 'dev', ...parameters });

describe('the check of a deployment’s parameters', () => {
  it.each(['rate(1 minute)', 'rate(5 minutes)', 'rate(12 hours)', 'cron(0/5 * * * ? *)'])(
    'takes the schedule %s',
    (rate) => {
      expect(faultOf({ rates: [rate] })).toBeUndefined();
    },
  );

  // EventBridge takes the singular with 1 and with 1 only.
  it.each(['rate(5 minute)', 'rate(1 minutes)', 'rate(0 minutes)', 'rate(5 seconds)', '5 minutes', ''])(
    'refuses the schedule "%s" by its name',
    (rate) => {
      expect(faultOf({ rates: ['rate(1 day)', rate] })).toMatch(`the schedule ${rate} is neither`);
    },
  );

  it.each(['Dev', 'my-stage', '1st', 'averylongstagename', ''])('refuses the stage "%s"', (stage) => {
    expect(findFault({ stage })).toMatch(`the stage ${stage} has to be`);
  });

  it('refuses less than two at a time, which Lambda does not take', () => {
    expect(faultOf({ concurrency: [2, '8'] })).toBeUndefined();
    expect(faultOf({ concurrency: [1] })).toBe('the concurrency 1 is not a whole number from 2 on');
    expect(faultOf({ concurrency: ['many'] })).toBe('the concurrency many is not a whole number from 2 on');
  });

  it('refuses an address that is none; nobody to write to is no fault', () => {
    expect(faultOf({ email: '' })).toBeUndefined();
    expect(faultOf({ email: 'operator@example.com' })).toBeUndefined();
    expect(faultOf({ email: 'operator' })).toBe('the alarmEmail operator is no email address');
  });

  it('refuses an objective that is no number of seconds, by its name', () => {
    expect(faultOf({ seconds: { lagObjectiveSeconds: 900 } })).toBeUndefined();
    expect(faultOf({ seconds: { lagObjectiveSeconds: '15m' } })).toBe(
      'lagObjectiveSeconds 15m is not a number of seconds from 1 on',
    );
  });

  it('refuses subnets without security groups', () => {
    expect(faultOf({ vpc: ['subnet-1,subnet-2', 'sg-1'] })).toBeUndefined();
    expect(faultOf({ vpc: ['subnet-1', ''] })).toMatch('subnetIds and securityGroupIds belong together');
  });

  it('refuses a service whose predecessors are not deployed', () => {
    expect(faultOf({ upstream: { processedBucket: 'starlift-dev-processed-1' } })).toBeUndefined();
    expect(faultOf({ upstream: { processedBucket: 'offline-processed' } })).toBe(
      'there is no processedBucket: the services before this one have to be deployed to the stage dev first',
    );
  });
});
