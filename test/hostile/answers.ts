/** Runs a case of answers.cases.ts. */
import { Folder } from '../support/folder.ts';
import { startConnector } from '../support/process.ts';
import { catalogOf } from '../source-convex/setup.ts';
import type { AnswerCase } from './answers.cases.ts';
import { cursorAt, EARLIER, KEY, SECRET, startLyingServer } from './lying-server.ts';
import { verdictOf, type Verdict } from './verdict.ts';

const ENV = {
  CONVEX_CONNECTOR_RETRY_MIN_MS: '1',
  CONVEX_CONNECTOR_POLL_MS: '1',
  CONVEX_CONNECTOR_CHECKPOINT_MS: '0',
};
/** What takes minutes in life takes a second. */
const IMPATIENT = { CONVEX_CONNECTOR_RESPONSE_MS: '700', CONVEX_CONNECTOR_IDLE_MS: '700' };

export interface AnswerResult extends Verdict {
  records: number;
  /** The highest timestamp up to which any state says that the stream was read, the one that it began with included: digits. */
  readUpTo: string | undefined;
  /** Bytes of memory, at the most. */
  peak: number;
}

export async function runAnswer({
  verb = 'read',
  streams = ['users'],
  from,
  chain,
  config = from === undefined || chain === true ? {} : { changes_from: 'Change log' },
  impatient,
  attempts = 3,
  timeLimit,
  lies,
}: AnswerCase): Promise<AnswerResult> {
  const { server } = await startLyingServer(lies);
  const folder = new Folder();
  try {
    const args = [
      verb,
      '--config',
      folder.write('config.json', { deployment_url: server.url, access_key: KEY, ...config }),
    ];
    if (verb === 'read') args.push('--catalog', folder.write('catalog.json', catalogOf(streams)));
    if (from !== undefined)
      args.push(
        '--state',
        folder.write(
          'state.json',
          streams.map((stream) => positionAt(stream, from, chain === true)),
        ),
      );
    // Records may be without end: they are counted, and only what else is said is kept.
    const counter = new Counter();
    const running = startConnector('source-convex', args, {
      env: { ...ENV, CONVEX_CONNECTOR_RETRY_ATTEMPTS: String(attempts), ...(impatient ? IMPATIENT : {}) },
      input: '',
      ...(timeLimit === undefined ? {} : { timeLimit }),
      onChunk: (chunk) => counter.take(chunk),
    });
    const finished = await running.finished;
    const { records, lines, rest } = counter;
    const told = lines.join('\n') + finished.stderr;
    for (const secret of [SECRET, KEY, KEY.split('|')[1]!])
      if (told.includes(secret)) throw new Error(`told what nobody may know: ${secret}`);
    const readUpTo = lines
      .flatMap(positionIn)
      .reduce<string | undefined>(
        (highest, position) => (highest === undefined || BigInt(position) > BigInt(highest) ? position : highest),
        from,
      );
    return { ...verdictOf({ ...finished, lines, rest }), records, readUpTo, peak: running.peak };
  } finally {
    folder.remove();
    await server[Symbol.asyncDispose]();
  }
}

function positionAt(name: string, cursor: string, chain: boolean): object {
  const position = { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: cursor };
  const place = { data_sync: { chain: 'a-chain', cursor: cursorAt(0), ts: EARLIER } };
  return {
    type: 'STREAM',
    stream: { stream_descriptor: { name }, stream_state: chain ? { ...position, ...place } : position },
  };
}

/** Up to when a line says that its stream was read, if it is a state after a snapshot. */
function positionIn(line: string): string[] {
  if (!line.startsWith('{"type":"STATE"')) return [];
  const [, position] = /"snapshot_has_more":false,"delta_cursor":"(\d+)"/.exec(line) ?? [];
  return position === undefined ? [] : [position];
}

class Counter {
  records = 0;
  readonly lines: string[] = [];
  #rest = '';

  get rest(): string {
    return this.#rest;
  }

  take(chunk: Buffer): void {
    const pieces = (this.#rest + chunk.toString('latin1')).split('\n');
    this.#rest = pieces.pop() ?? '';
    for (const line of pieces) {
      if (line.startsWith('{"type":"RECORD"')) this.records++;
      else this.lines.push(Buffer.from(line, 'latin1').toString());
    }
  }
}
