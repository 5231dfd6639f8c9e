import { requiredVariable } from '../../shared/environment.ts';

/** How an SDK client reaches the LocalStack that `npm run test:localstack` has started. */
export const localStackConnection = () => ({
  endpoint: requiredVariable('LOCALSTACK_ENDPOINT'),
  region: 'eu-west-2',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});
