import type { Emulator } from './emulator.ts';

const HOUR = 3_600_000_000_000n;

/**
 * Commands that work on this deployment as they stand, whatever it holds and whatever options it was started with; faults
 * that were asked for hit them like any other request.
 */
export function suggestions(emulator: Emulator, streamingExport: boolean): string[] {
  const { url, key, deployment } = emulator;
  const header = (text: string): string => `-H ${quoted(text)}`;
  const authorization = header(`Authorization: Convex ${key}`);
  const get = (path: string): string => `curl ${authorization} ${quoted(url + path)}`;
  const reading = (): string[] => {
    const root = deployment.tables().filter(({ component }) => component === '');
    const table = root.find(({ documents }) => documents > 0) ?? root[0];
    const now = deployment.now();
    return [
      get(`/api/list_snapshot${table === undefined ? '' : `?tableName=${table.table}`}`),
      get(`/api/document_deltas?cursor=${now > HOUR ? now - HOUR : 0n}`),
      get('/api/json_schemas?deltaSchema=true&byComponent=true'),
    ];
  };
  const row = { tables: { cities: { jsonSchema: {} } }, messages: [{ tableName: 'cities', data: { name: 'Oslo' } }] };
  const importing =
    `curl ${authorization} ${header('Content-Type: application/json')} ` +
    `${quoted(`${url}/api/streaming_import/import_airbyte_records`)} \\\n    -d ${quoted(JSON.stringify(row))}`;
  return [...(streamingExport ? reading() : []), importing];
}

/** As one word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
