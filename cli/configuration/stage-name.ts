/** A stage's name is a part of its buckets' names, which have 63 characters at most. */
export const stageName = /^[a-z][a-z0-9]{0,11}$/;
