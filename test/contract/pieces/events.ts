import { readFileSync } from 'node:fs';
import { PutEventsCommand, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { makeNotify, type PipelineEvent } from '../../../shared/events.ts';
import { answerOf, definePiece } from '../piece.ts';
import { makeQueue, queueArn, take } from '../queues.ts';
import type { Service } from '../service.ts';

const stage = 'contract';
const failed: PipelineEvent = {
  type: 'Table Failed',
  detail: {
    queue: 'load',
    table: 'dim_date',
    key: 'zürich/1',
    error: 'TerminalError',
    reason: 'no such day',
  },
};
const quarantined: PipelineEvent = {
  type: 'Rows Quarantined',
  detail: { table: 'dim_staff', key: 'quarantine/2', rows: 3 },
};
const recovered: PipelineEvent = {
  type: 'Table Recovered',
  detail: { queue: 'load', table: 'dim_date', key: 'zürich/1' },
};

export const eventsToQueue = definePiece({
  name: "PutEvents by the product's rule to a queue",
  source: 'https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html',
  aws: [
    {
      ...failed,
      summary: 'dim_date failed in load: no such day. See npx starlift failures --stage contract',
    },
    {
      ...quarantined,
      summary: '3 rows of dim_staff broke the contract. See npx starlift quarantine --stage contract',
    },
  ].map(({ type, detail, summary }) => ({
    version: '0',
    hasId: true,
    'detail-type': type,
    source: 'starlift',
    account: 'its own',
    hasTime: true,
    region: 'its own',
    resources: [],
    detail: { stage, ...detail, summary: `Starlift contract: ${summary}`, firstInHour: true },
  })),
  observe: async (service) => {
    const queueUrl = await makeRuleToQueue(service, 'contract-events', { EventPattern: readPattern() });
    const { eventBridge } = service.clients;
    const foreign = { Source: 'another', DetailType: failed.type, Detail: JSON.stringify({ stage }) };
    await eventBridge.send(new PutEventsCommand({ Entries: [foreign] }));
    await makeNotify(eventBridge, 'another')(failed);
    for (const event of [recovered, failed, quarantined]) await makeNotify(eventBridge, stage)(event);
    const events = (await take(service, queueUrl, 2)).map(({ Body = '{}' }) => JSON.parse(Body));
    return events
      .map(({ id, time, account, region, ...rest }) => ({
        ...rest,
        hasId: typeof id === 'string' && id !== '',
        hasTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time),
        account: account === service.accountId ? 'its own' : account,
        region: region === service.region ? 'its own' : region,
      }))
      .sort((a, b) => b['detail-type'].localeCompare(a['detail-type']));
  },
});

export const rateRule = definePiece({
  name: 'a rule of rate(1 minute)',
  source: 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html',
  slow: true,
  aws: {
    belowAMinute: '400 ValidationException',
    fired: { 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {}, rule: 'its own' },
  },
  observe: async (service) => {
    const rule = 'contract-rate';
    const queueUrl = await makeRuleToQueue(service, rule, { ScheduleExpression: 'rate(1 minute)' });
    const tooFast = new PutRuleCommand({ Name: `${rule}-fast`, ScheduleExpression: 'rate(30 seconds)' });
    const belowAMinute = await answerOf(service.clients.eventBridge.send(tooFast));
    const [message] = await take(service, queueUrl, 1, 130);
    const { 'detail-type': type, source, detail, resources } = JSON.parse(message?.Body ?? '{}');
    const arn = `arn:aws:events:${service.region}:${service.accountId}:rule/${rule}`;
    const isOwn = JSON.stringify(resources) === JSON.stringify([arn]);
    return {
      belowAMinute,
      fired: { 'detail-type': type, source, detail, rule: isOwn ? 'its own' : resources },
    };
  },
});

async function makeRuleToQueue(service: Service, Name: string, when: object): Promise<string> {
  const queueUrl = await makeQueue(service, Name);
  await service.clients.eventBridge.send(new PutRuleCommand({ Name, ...when }));
  const Targets = [{ Id: 'queue', Arn: queueArn(service, Name) }];
  await service.clients.eventBridge.send(new PutTargetsCommand({ Rule: Name, Targets }));
  return queueUrl;
}

const template = new URL('../../../services/ingestion/resources/notifications.yml', import.meta.url);

/** The pattern of the rule that a deployed stage has. */
function readPattern(): string {
  const text = readFileSync(template, 'utf8');
  const pattern =
    /EventPattern:\s+source: \[(.+)\]\s+detail-type: \[(.+)\]\s+#.*\s+detail: \{ stage: \["\$\{sls:stage\}"\], firstInHour: \[true\] \}/;
  const [, source, types] = pattern.exec(text) ?? [];
  if (source === undefined || types === undefined)
    throw new Error(`no event pattern in ${template.pathname}`);
  return JSON.stringify({
    source: source.split(', '),
    'detail-type': types.split(', '),
    detail: { stage: [stage], firstInHour: [true] },
  });
}
