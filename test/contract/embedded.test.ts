import { describeContract } from './describe-contract.ts';
import { startEmbeddedService } from './embedded-service.ts';

describeContract('embedded', startEmbeddedService);
