/** The files that belong to a connector besides its code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';

export const root = join(import.meta.dirname, '..', '..');
export const SIDES = ['source', 'destination'] as const;
export type Side = (typeof SIDES)[number];

export function text(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export interface Metadata {
  metadataSpecVersion: string;
  data: Record<string, unknown> & { allowedHosts: { hosts: string[] } };
}

export function metadata(side: Side): Metadata {
  return load(text(`${side}-convex/metadata.yaml`)) as Metadata;
}

export const { version } = JSON.parse(text('package.json')) as { version: string };

/** The instructions of a Dockerfile's last stage, by name; continued lines are joined. */
export function lastStage(side: Side): Map<string, string[]> {
  const lines = text(`Dockerfile.${side}`)
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n');
  const start = lines.findLastIndex((line) => line.startsWith('FROM '));
  const stage = new Map<string, string[]>();
  for (const line of lines.slice(start)) {
    const [, name, rest] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name !== undefined && rest !== undefined) stage.set(name, [...(stage.get(name) ?? []), rest]);
  }
  return stage;
}
