/** What the killed process and the one that looks at its remains have in common. */
export const cloudOptions = {
  buckets: ['ingested'],
  queues: [
    { name: 'extract', visibilitySeconds: 3600, maxReceiveCount: 5 },
    { name: 'transform', visibilitySeconds: 3600, maxReceiveCount: 5 },
  ],
  notifications: [{ bucket: 'ingested', suffix: '.ndjson.zst', queue: 'transform' }],
};
