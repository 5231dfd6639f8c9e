import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const services = ['ingestion', 'transformation', 'loading'] as const;
export type Service = (typeof services)[number];

export interface Template {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
}

const folder = fileURLToPath(new URL('../../.package/', import.meta.url));

export const zipPath = (service: Service): string => `${folder}${service}-starlift-${service}.zip`;
export const templatePath = (service: Service): string => `${folder}${service}.template.json`;

/** The CloudFormation template that `serverless package` has made. */
export const readTemplate = (service: Service): Template =>
  JSON.parse(readFileSync(templatePath(service), 'utf8')) as Template;
