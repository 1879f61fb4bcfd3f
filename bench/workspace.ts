/** The files that the measured connectors are given, and the connectors themselves: as they are shipped, from dist/. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const SOURCE = fileURLToPath(new URL('../dist/source-convex/main.js', import.meta.url));
export const DESTINATION = fileURLToPath(new URL('../dist/destination-convex/main.js', import.meta.url));

/** What they are compared with: compiled as they are, or what Node does to run TypeScript would be part of the comparison. */
export function compiled(name: string): string {
  return fileURLToPath(new URL(`compiled/bench/${name}.js`, import.meta.url));
}

export interface Workspace {
  /** Writes a JSON file and returns its path. */
  file: (name: string, content: unknown) => Promise<string>;
}

export async function withWorkspace(work: (workspace: Workspace) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    await work({
      file: async (name, content) => {
        const path = join(folder, name);
        await writeFile(path, JSON.stringify(content));
        return path;
      },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function config(workspace: Workspace, url: string, more: object = {}, name = 'config.json'): Promise<string> {
  return workspace.file(name, { deployment_url: url, access_key: 'prod:bench-1|secret', ...more });
}

/** The columns that source-convex adds to a table's own. */
const COLUMNS = ['_id', '_ts', '_deleted', '_ab_cdc_lsn', '_ab_cdc_updated_at', '_ab_cdc_deleted_at'];
const SCHEMA = { type: 'object', properties: Object.fromEntries(COLUMNS.map((name) => [name, {}])) };

/** A configured catalog of these streams. */
export function catalog(
  workspace: Workspace,
  mode: 'append' | 'append_dedup',
  names: readonly string[] = ['documents'],
): Promise<string> {
  const streams = names.map((name) => ({
    stream: { name, json_schema: SCHEMA, supported_sync_modes: ['full_refresh', 'incremental'] },
    sync_mode: 'incremental',
    destination_sync_mode: mode,
    primary_key: [['_id']],
  }));
  return workspace.file('catalog.json', { streams });
}
