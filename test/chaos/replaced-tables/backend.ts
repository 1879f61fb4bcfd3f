/** The deployment of a campaign: small pages, so that little data makes many boundaries. */
import type { EmulatorOptions } from '../../../emulator/index.ts';
import type { SeededRandom } from '../seeded-random.ts';

/** `fallback`: without Data Sync, or without the conversion of positions of the change log. */
export function backendOf(
  { seed, fallback }: { seed: number; fallback: boolean },
  random: SeededRandom,
): EmulatorOptions {
  const older = { withoutDataSync: true, withoutListActiveSyncs: true, withoutCursorFromDeltas: true };
  return {
    instanceName: 'wise-heron-101',
    seed,
    idleClockStands: random.chance(0.3),
    shortPages: random.pick([0, 0.3]),
    limits: {
      snapshotPage: random.between(2, 9),
      deltaRows: random.between(4, 16),
      dataSyncPage: random.between(3, 30),
      dataSyncRowsRead: random.between(10, 60),
      // Nanoseconds after which the rows of a failed import are gone: soon, later, or not in this campaign.
      hiddenTableAge: random.pick([400_000_000n, 2_000_000_000n, 86_400_000_000_000n]),
    },
    ...(fallback ? random.pick([older, { withoutCursorFromDeltas: true }]) : {}),
  };
}
