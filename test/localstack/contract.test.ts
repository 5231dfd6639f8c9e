import { makeApiService } from '../contract/called-by-api.ts';
import { describeContract } from '../contract/describe-contract.ts';
import { localStackConnection } from './connection.ts';

describeContract('localstack', async () => {
  const service = makeApiService('localstack', localStackConnection());
  const stop = async () => {
    for (const client of Object.values(service.clients)) client.destroy();
  };
  return { service, stop };
});
