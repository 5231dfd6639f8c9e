import { parseStage } from '../options/site-options.ts';
import { explainAwsError } from '../site/stage/find-stage.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

/** Lets a stage work again as it was deployed. */
export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const name = parseStage(values);
    if (name === undefined) throw new UsageError('--stage is missing: it names the stage to resume');
    const { describeMended, resumeStage } = await import('../deploy/pause-stage.ts');
    const selector = ` --stage ${name.stage}${name.region === undefined ? '' : ` --region ${name.region}`}`;
    try {
      const mended = await resumeStage(name);
      if (mended.length > 0) terminal.info(describeMended(mended));
      terminal.info(`The stage ${name.stage} works again. What has waited is loaded first; to follow it:`);
      terminal.info(`    npx starlift run${selector}`);
      return 0;
    } catch (error) {
      throw explainAwsError(error) ?? error;
    }
  },
};
