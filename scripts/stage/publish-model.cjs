/**
 * @typedef {import('../../cli/project/load-model.ts').LoadedDefinition} LoadedDefinition
 * @typedef {{
 *   region: string,
 *   credentials(): Promise<{ accessKeyId: string, secretAccessKey: string }>,
 * }} ClientConfig
 * @typedef {{
 *   naming: { getStackName(): string },
 *   getAwsSdkV3Config(): Promise<ClientConfig>,
 * }} Provider
 */

/**
 * Where the user's project is looked for. npm and osls change the working directory to folders of their own; npm says where
 * it was called.
 *
 * @param {Record<string, string | undefined>} environment
 */
function findFolder({ STARLIFT_PROJECT, INIT_CWD }) {
  return STARLIFT_PROJECT || INIT_CWD || process.cwd();
}

/**
 * An osls plugin: a deploy publishes the model of the user's project to the bucket that it has made. A project that cannot
 * be compiled, or does not fit the model in force, ends it with one line before anything is made.
 */
module.exports = class PublishModel {
  static findFolder = findFolder;

  /**
   * @param {{
   *   service: { custom: { checked: { parameters: Record<string, string | number> } } },
   *   getProvider(name: 'aws'): Provider,
   *   classes: { Error: new (message: string, code: string) => Error },
   * }} serverless
   * @param {unknown} _options
   * @param {{ log: { notice(message: string): void } }} utils
   */
  constructor(serverless, _options, { log }) {
    const provider = serverless.getProvider('aws');
    /** @param {() => Promise<unknown>} work */
    const refusable = async (work) => {
      try {
        return await work();
      } catch (error) {
        const { message, exitCode } = /** @type {{ message: string, exitCode?: number }} */ (error);
        // What the command line would call wrong configuration: its stack says nothing.
        if (exitCode === 2) throw new serverless.classes.Error(message, 'MODEL_REFUSED');
        throw error;
      }
    };
    this.hooks = {
      'before:deploy:deploy': () =>
        refusable(() => {
          const { expireAfterDays = '' } = serverless.service.custom.checked.parameters;
          return checkModel(provider, String(expireAfterDays));
        }),
      'after:deploy:deploy': () => refusable(async () => log.notice(await publishModel(provider))),
    };
  }
};

/**
 * @param {Provider} provider
 * @param {string} expireAfterDays the parameter
 */
async function checkModel(provider, expireAfterDays) {
  const { assembleProject } = await import('../../cli/project/load-model.ts');
  const { assertFitting, isForeign } = await import('../../cli/project/publish-project.ts');
  const loaded = await loadProject();
  const own = assembleProject(loaded.definition);
  const inForce = await readInForce(await openBucket(provider));
  const stays = inForce !== undefined && isForeign(loaded, inForce) ? inForce : undefined;
  if (inForce !== undefined && stays === undefined) assertFitting(inForce, loaded.definition);
  await assertTablesKnown(expireAfterDays, stays === undefined ? own : assembleProject(stays));
}

/**
 * @param {string} expireAfterDays the parameter
 * @param {Pick<import('../../shared/model/model.ts').Model, 'sources'>} model that will be in force
 */
async function assertTablesKnown(expireAfterDays, { sources }) {
  const { findUnknownTables, parseExpireAfter } = await import('../../shared/expire-after.ts');
  const { UsageError } = await import('../../cli/terminal/usage-error.ts');
  const [table] = findUnknownTables(
    parseExpireAfter(expireAfterDays) ?? { others: undefined, tables: new Map() },
    sources,
  );
  if (table === undefined) return;
  const names = sources.map(({ name }) => name).join(', ');
  throw new UsageError(
    `the parameter expireAfterDays names ${table}, but the model has no such source table; it has ${names}`,
  );
}

/**
 * @param {Provider} provider
 * @returns what became of it, in one line
 */
async function publishModel(provider) {
  const project = await import('../../cli/project/publish-project.ts');
  const ingested = await openBucket(provider);
  if (ingested === undefined) throw new Error('the deployed stack has no output ingestedBucket');
  const loaded = await loadProject();
  const inForce = await readInForce(ingested);
  // Whoever deploys from a clone of Starlift, to upgrade it, does not mean to give the stage another model.
  if (inForce !== undefined && project.isForeign(loaded, inForce)) {
    return `there is no project in ${findFolder(process.env)}: the model ${inForce.name} stays in force`;
  }
  return project.describePublication(await project.publishProject(ingested, loaded), loaded);
}

/** @returns {Promise<LoadedDefinition>} */
async function loadProject() {
  // Node 24 runs it as it is.
  const { loadDefinition } = await import('../../cli/project/load-model.ts');
  return loadDefinition(findFolder(process.env));
}

/** @param {import('../../shared/object-store/object-store.ts').ObjectStore | undefined} ingested */
async function readInForce(ingested) {
  const { readDefinitionInForce } = await import('../../shared/records/published-model.ts');
  return ingested && readDefinitionInForce(ingested);
}

/**
 * Opens the ingested bucket with the region and the credentials of the deploy.
 *
 * @param {Provider} provider
 * @returns undefined before the first deploy
 */
async function openBucket(provider) {
  const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');
  const { S3Client } = require('@aws-sdk/client-s3');
  const { makeObjectStore } = await import('../../shared/object-store/object-store.ts');
  const config = await provider.getAwsSdkV3Config();
  const command = new DescribeStacksCommand({ StackName: provider.naming.getStackName() });
  const { Stacks } = await new CloudFormationClient(config).send(command).catch((error) => {
    // CloudFormation has no error of its own for a missing stack.
    if (/does not exist/.test(error.message)) return { Stacks: [] };
    throw error;
  });
  const output = Stacks?.[0]?.Outputs?.find(({ OutputKey }) => OutputKey === 'ingestedBucket');
  const bucket = output?.OutputValue;
  return bucket === undefined ? undefined : makeObjectStore(new S3Client(config), bucket);
}
