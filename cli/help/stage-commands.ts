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
  package: describe({
    summary: 'Writes a stage as plain CloudFormation, for Terraform, CDK or aws cloudformation deploy.',
    details: [
      'A template and a zip for each service. What names something in the account or in another stack is a parameter of the ' +
        'template; all else is as starlift.yml has it for the stage. It asks no account.',
    ],
    options: {
      project,
      stage,
      template: { type: 'string', value: 'DIR', summary: 'the folder to write into', names: 'folder' },
    },
    forms: [{ required: ['stage', 'template'], options: ['project'] }],
    examples: [['starlift package --stage prod --template prod-templates', 'writes six files']],
    exitCodes: { 0: 'they are written', 1: 'a service could not be packaged' },
  }),
  pause: describe({
    summary: 'Stops what a stage does by itself, such as for maintenance of a database.',
    details: [
      'Its schedules are disabled, and its messages stay on their queues, which keep them for four days; after ' +
        'that the sweeps send them again. status says so until it is resumed; a deploy leaves it paused.',
    ],
    options: { stage, region: stageOptions.region },
    forms: [{ required: ['stage'], options: ['region'] }],
    examples: [['starlift pause --stage dev', 'before the warehouse is upgraded']],
    exitCodes: { 0: 'it is paused', 1: 'it could not be paused' },
  }),
  resume: describe({
    summary: 'Lets a stage work again as it was deployed, whatever has stopped it.',
    details: [
      'After a pause, or a removal that was interrupted: schedules, mappings of queues and reserved concurrency are again those ' +
        'of its templates.',
    ],
    options: { stage, region: stageOptions.region },
    forms: [{ required: ['stage'], options: ['region'] }],
    examples: [['starlift resume --stage dev', 'the stage goes on where it was']],
    exitCodes: { 0: 'it works', 1: 'it could not be resumed' },
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
