import { describe, expect, it } from '@jest/globals';
import { pickResources } from '../../../cli/site/stage/find-stage.ts';

const ingestion = {
  ingestedBucket: 'in',
  extractQueueUrl: 'https://sqs/x',
  transformQueueUrl: 'https://sqs/t',
  planFunction: 'plan',
  sourceSecret: 'source',
};
const transformation = { processedBucket: 'out', loadQueueUrl: 'https://sqs/l' };
const loading = { warehouseSecret: 'warehouse', warehouseSchema: 'public', loadSweepFunction: 'sweep' };
const dev = { stage: 'dev', region: 'eu-west-2' };
const mapOf = (outputs: Record<string, string>) => new Map(Object.entries(outputs));

describe('the resources of a stage', () => {
  it("are those of its three stacks' outputs", () => {
    const { loadSweepFunction: _, ...wanted } = loading;
    expect(pickResources(dev, [ingestion, transformation, loading].map(mapOf))).toEqual({
      ...ingestion,
      ...transformation,
      ...wanted,
    });
  });

  it.each([
    [
      'no stack is there',
      [undefined, undefined, undefined],
      'there is no stage dev in eu-west-2: choose another region with --region, or create the stage with npx starlift deploy --stage dev',
    ],
    [
      'two are not there',
      [mapOf(ingestion), undefined, undefined],
      'the stage dev in eu-west-2 is incomplete: there is no stack starlift-transformation-dev or starlift-loading-dev. npx starlift deploy --stage dev makes it whole, npx starlift remove --stage dev takes the rest away',
    ],
    [
      'one was deployed by an older version',
      [mapOf(ingestion), mapOf(transformation), mapOf({ warehouseSecret: 'warehouse' })],
      'the stack starlift-loading-dev in eu-west-2 has no output warehouseSchema: deploy it again',
    ],
  ])('are named where they are missing: %s', (_, stacks, message) => {
    expect(() => pickResources(dev, stacks)).toThrow(expect.objectContaining({ message, exitCode: 2 }));
  });
});
