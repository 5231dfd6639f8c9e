import { describe } from './command-description.ts';
import { project, stageOptions } from './shared-options.ts';

const stage = {
  ...stageOptions.stage,
  summary: 'the name of the stage, up to 12 lower-case letters and digits',
};

/** Commands that make a stage on AWS and take it down. */
export const stageCommands = {
  deploy: describe({
    summary: 'Makes a stage on AWS, or brings one up to this version and these parameters.',
    details: [
      'Deploys the three services by osls, with the parameters that starlift.yml has for the stage under stages, and ' +
        "publishes the project's model. Before anything is made it stops with one line for what is wrong with a parameter, a " +
        'secret, the model, or the account. A change of the model alone needs no deploy: publish or migrate it.',
    ],
    options: { project, stage, region: stageOptions.region },
    forms: [{ required: ['stage'], options: ['region', 'project'] }],
    examples: [
      ['starlift deploy --stage dev', 'makes the stage dev in the region of the AWS profile'],
      ['starlift deploy --stage prod --region eu-west-1', 'makes the stage prod in that region'],
    ],
    exitCodes: { 0: 'the stage is deployed', 1: 'a service could not be deployed; the same command goes on' },
  }),
  remove: describe({
    summary: 'Takes a stage off AWS.',
    details: [
      'Stops the functions and deletes the stacks. It refuses while a bucket holds data. The warehouse is left as it is.',
    ],
    options: {
      project,
      stage,
      region: stageOptions.region,
      'delete-data': {
        type: 'boolean',
        summary: 'delete every version of every object in its buckets, too',
        default: false,
      },
    },
    forms: [{ required: ['stage'], options: ['delete-data', 'region', 'project'] }],
    examples: [
      ['starlift remove --stage dev --delete-data', 'leaves nothing of the stage dev in the account'],
    ],
    exitCodes: { 0: 'it is gone', 1: 'a bucket holds data, or a stack could not be removed' },
  }),
};
