import { parseStage } from '../options/site-options.ts';
import { explainAwsError } from '../site/stage/find-stage.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

/** Makes a stage on AWS, or brings one up to this version. */
export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const stage = parseStage(values);
    if (stage === undefined) throw new UsageError('--stage is missing: it names the stage to deploy');
    const { deployStage } = await import('../deploy/deploy-stage.ts');
    try {
      return await deployStage(stage, values, terminal);
    } catch (error) {
      throw explainAwsError(error) ?? error;
    }
  },
};
