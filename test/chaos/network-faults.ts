/** What goes wrong on the way, all the time, on both sides. */
import type { Emulator, Fault } from '../../emulator/index.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Requests on which faults are played. Only whoever reads the destination lists it, and that reader must not miss a moment. */
const TO_SOURCE = /^\/api\//;
const TO_DESTINATION = /^\/api\/(?!list_snapshot)/;

/** Kinds of trouble with the chance of each, for one sync. */
function troubles(random: SeededRandom): Fault[] {
  const all: Fault[] = [
    { kind: 'status', status: 503, probability: 0.03 },
    { kind: 'status', status: 429, probability: 0.03 },
    { kind: 'status', status: 408, probability: 0.02 },
    { kind: 'status', status: 429, headers: { 'retry-after': '0' }, probability: 0.02 },
    { kind: 'status-after-commit', status: 503, probability: 0.03 },
    { kind: 'status-after-commit', status: 408, probability: 0.02 },
    { kind: 'html', status: 502, probability: 0.02 },
    { kind: 'html', status: 504, body: '', probability: 0.02 },
    { kind: 'reset-before', probability: 0.03 },
    { kind: 'reset-after-commit', probability: 0.04 },
    { kind: 'truncate-body', probability: 0.04 },
    { kind: 'truncate-body', bytes: random.between(1, 2000), probability: 0.04 },
    { kind: 'slow-body', bytes: random.between(50, 900), ms: random.between(1, 4), probability: 0.1 },
    { kind: 'hang', probability: 0.004 },
    { kind: 'latency', ms: random.between(1, 40), probability: 0.15 },
  ];
  return all.filter(() => random.chance(0.6)).map((fault) => ({ times: Infinity, ...fault }));
}

/** Sets the network faults of the next sync: none in a quarter of them, many in a few. */
export function change(random: SeededRandom, source: Emulator, destination?: Emulator): void {
  disturb(random, source, TO_SOURCE);
  if (destination !== undefined) disturb(random, destination, TO_DESTINATION);
}

function disturb(random: SeededRandom, { faults }: Emulator, path: RegExp): void {
  faults.clear();
  if (random.chance(0.25)) return;
  const force = random.chance(0.1) ? 4 : 1;
  for (const fault of troubles(random)) faults.add({ ...fault, path, probability: (fault.probability ?? 1) * force });
}

export function calm(emulators: readonly Emulator[]): void {
  for (const { faults } of emulators) faults.clear();
}
