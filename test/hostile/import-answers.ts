/** Runs a case of import-answers.cases.ts. */
import { catalogOf, record, state, statesIn, text } from '../destination-convex/setup.ts';
import { Folder } from '../support/folder.ts';
import { startConnector } from '../support/process.ts';
import type { ImportCase } from './import-answers.cases.ts';
import { KEY, SECRET, startLyingServer } from './lying-server.ts';
import { verdictOf, type Verdict } from './verdict.ts';

const ENV = {
  CONVEX_CONNECTOR_RETRY_MIN_MS: '1',
  CONVEX_CONNECTOR_RETRY_ATTEMPTS: '3',
  CONVEX_CONNECTOR_POLL_MS: '1',
  CONVEX_CONNECTOR_POLL_DEADLINE_MS: '300',
};

/** What takes minutes in life takes a second. */
const IMPATIENT = { CONVEX_CONNECTOR_RESPONSE_MS: '700', CONVEX_CONNECTOR_IDLE_MS: '700' };

export interface ImportResult extends Verdict {
  states: number;
  peak: number;
}

export async function runImport({
  verb = 'write',
  mode = 'append_dedup',
  impatient,
  lies,
}: ImportCase): Promise<ImportResult> {
  const { server } = await startLyingServer(lies);
  const folder = new Folder();
  try {
    const args = [verb, '--config', folder.write('config.json', { deployment_url: server.url, access_key: KEY })];
    if (verb === 'write')
      args.push('--catalog', folder.write('catalog.json', catalogOf([{ name: 'users', mode, key: ['id'] }])));
    const input = [
      record('users', { id: 1, text: SECRET }),
      record('users', { id: 2, text: SECRET }),
      state('users', 5),
    ];
    const running = startConnector('destination-convex', args, {
      env: impatient ? { ...ENV, ...IMPATIENT } : ENV,
      input: text(input),
    });
    const finished = await running.finished;
    const told = finished.lines.join('\n') + finished.stderr;
    for (const secret of [SECRET, KEY, KEY.split('|')[1]!])
      if (told.includes(secret)) throw new Error(`told what nobody may know: ${secret}`);
    return { ...verdictOf(finished), states: statesIn(finished.lines).length, peak: running.peak };
  } finally {
    folder.remove();
    await server[Symbol.asyncDispose]();
  }
}
