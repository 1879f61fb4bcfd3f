/** One run of the source as a process, of whose output only the beginning may reach the platform. */
import { spawn } from 'node:child_process';
import { PHASES, type Phase, type Wiretap } from '../killer.ts';
import type { SeededRandom } from '../seeded-random.ts';

/** When the process gets SIGKILL. */
export type Cut =
  /** So many bytes of its output have arrived. What it wrote after them is lost. */
  | { kind: 'bytes'; after: number }
  /** Request number `nth`, whatever it asks for, is in this phase. */
  | { kind: 'request'; phase: Phase; nth: number };

export interface RunResult {
  /** Whole lines that arrived. */
  lines: string[];
  killed: boolean;
  /** Exit code; null: it ended by a signal. */
  code: number | null;
  stderr: string;
}

const NEWLINE = 0x0a;
/** Milliseconds without a byte of output or a request after which a run counts as one that hangs. */
const HANGS = 60_000;

export function drawCut(random: SeededRandom): Cut {
  // Outputs differ in length by orders of magnitude, so the logarithm is drawn.
  if (random.chance(0.5)) return { kind: 'bytes', after: random.below(2 ** random.between(9, 17)) };
  return { kind: 'request', phase: random.pick(PHASES), nth: random.between(1, 2 ** random.between(1, 6)) };
}

export function describeCut(cut: Cut): string {
  return cut.kind === 'bytes' ? `byte ${cut.after}` : `request ${cut.nth} ${cut.phase}`;
}

/** `onRequest` is called in each phase of each request. Throws where the process hangs. */
export async function runSource(
  command: readonly string[],
  { cut, wiretap, onRequest }: { cut: Cut | undefined; wiretap: Wiretap; onRequest: () => void },
): Promise<RunResult> {
  const [file, ...args] = command;
  const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  let [bytes, requests, stderr, last] = [0, 0, '', performance.now()];
  const kill = () => child.kill('SIGKILL');
  wiretap.listener = (_side, phase) => {
    last = performance.now();
    if (cut?.kind === 'request' && phase === cut.phase && ++requests === cut.nth) kill();
    onRequest();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    last = performance.now();
    const room = cut?.kind === 'bytes' ? cut.after - bytes : Infinity;
    bytes += chunk.length;
    if (room > 0) chunks.push(chunk.subarray(0, Math.min(room, chunk.length)));
    if (chunk.length >= room) kill();
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  let hangs = false;
  const timer = setInterval(() => {
    hangs ||= performance.now() - last > HANGS;
    if (hangs) kill();
  }, 1000);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject).on('close', (...ending) => {
      resolve(ending);
    });
  }).finally(() => {
    clearInterval(timer);
    wiretap.listener = undefined;
  });
  if (hangs) throw new Error('it hangs');
  const output = Buffer.concat(chunks);
  const text = output.subarray(0, output.lastIndexOf(NEWLINE) + 1).toString();
  return { lines: text.split('\n').slice(0, -1), killed: signal === 'SIGKILL', code, stderr };
}
