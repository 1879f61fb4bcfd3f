/** Runs a case of files.cases.ts. */
import type { Emulator } from '../../emulator/index.ts';
import { Folder } from '../support/folder.ts';
import { startConnector } from '../support/process.ts';
import type { FileCase } from './files.cases.ts';
import { verdictOf, type Verdict } from './verdict.ts';

const ENV = { CONVEX_CONNECTOR_RETRY_MIN_MS: '1', CONVEX_CONNECTOR_RETRY_ATTEMPTS: '2' };

/** A text or bytes are the file as it is; members are put into what would be right. */
function content(given: object | string | Buffer | undefined, right: object): unknown {
  return typeof given === 'string' || Buffer.isBuffer(given) ? given : { ...right, ...given };
}

export async function runFiles(one: FileCase, emulator: Emulator): Promise<Verdict> {
  const folder = new Folder();
  try {
    const { connector = 'source-convex', config, catalog, state } = one;
    const verb =
      one.verb ??
      (catalog === undefined && state === undefined ? 'check' : connector === 'source-convex' ? 'read' : 'write');
    const args = [
      verb,
      '--config',
      folder.write(
        'config.json',
        content(config, {
          deployment_url: emulator.url,
          access_key: emulator.key,
          ...(connector === 'source-convex' ? { changes_from: 'Change log' } : {}),
        }),
      ),
    ];
    if (verb === 'read' || verb === 'write') {
      const whole =
        typeof catalog === 'string' || Buffer.isBuffer(catalog) ? catalog : { streams: [{ ...STREAM, ...catalog }] };
      args.push('--catalog', folder.write('catalog.json', whole));
    }
    if (state !== undefined) args.push('--state', folder.write('state.json', state));
    return verdictOf(await startConnector(connector, args, { env: ENV, input: '' }).finished);
  } finally {
    folder.remove();
  }
}

const STREAM = {
  stream: { name: 'users', json_schema: {}, supported_sync_modes: ['full_refresh', 'incremental'] },
  sync_mode: 'incremental',
  destination_sync_mode: 'append_dedup',
  cursor_field: ['_ts'],
  primary_key: [['_id']],
};
